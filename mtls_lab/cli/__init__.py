"""The command `mtls-lab`: its arguments, what each command does, the doctor, JupyterLab.

Here: what a person types and reads in a terminal. Only the arguments and the doctor are loaded
before a command is known: they work where a package is missing. Not here: how far a learner or a
class is (classroom/), the learner's folder (learner/), and how `mtls-lab` is typed
(common/program.py).
"""

from mtls_lab.cli.arguments import main, process

__all__ = ["main", "process"]
