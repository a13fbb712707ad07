"""Programs that are not ours, with the configuration that a notebook shows: started, asked, ended.

Here: a server and a client of any stack, what each says of each credential, and the table of all
stacks. Not here: a configuration (it stands in the notebook), somebody's own server (diagnosing/),
and what an error means (explaining/).
"""

from mtls_lab.stacks.meeting import Encounter, Encounters, meet
from mtls_lab.stacks.programs import Program
from mtls_lab.stacks.whole import stack_table

__all__ = [
    "Encounter",
    "Encounters",
    "Program",
    "meet",
    "stack_table",
]
