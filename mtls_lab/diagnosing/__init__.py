"""`diagnose`: somebody else's server, called until it is clear why mutual TLS fails.

Here: live connections to servers that are not ours, and what they prove. Not here: the lab's own
device (net/), what an error means (explaining/), and the command line (cli/).
"""

from mtls_lab.diagnosing.clients import Client
from mtls_lab.diagnosing.listening import listen
from mtls_lab.diagnosing.misbehaving import catalogue_of_faults
from mtls_lab.diagnosing.server import diagnose, read_target
from mtls_lab.diagnosing.starttls import PROTOCOLS
from mtls_lab.diagnosing.value import Diagnosis, classes

__all__ = [
    "PROTOCOLS",
    "Client",
    "Diagnosis",
    "catalogue_of_faults",
    "classes",
    "diagnose",
    "listen",
    "read_target",
]
