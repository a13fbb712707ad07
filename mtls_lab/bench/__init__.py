"""The engineer's bench: somebody else's server, called until it is clear why mutual TLS fails.

Here: live connections to servers that are not ours, and what they prove. Not here: the lab's own
device (net/), what an error means (diagnosis/), and the command line (cli/).
"""

from mtls_lab.bench.clients import Client
from mtls_lab.bench.diagnosing import diagnose, read_target
from mtls_lab.bench.listening import listen
from mtls_lab.bench.misbehaving import catalogue_of_faults
from mtls_lab.bench.starttls import PROTOCOLS
from mtls_lab.bench.value import Diagnosis, classes

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
