"""Learn mutual TLS by doing it: real servers, real certificates, real attacks.

Here: the names that the notebooks use. `import mtls_lab` loads no widget library.
"""

from mtls_lab.client import ask
from mtls_lab.handshake import watch
from mtls_lab.outcome import Exchange, Failure, Side, Stage
from mtls_lab.pki import CertificateAuthority
from mtls_lab.relay import Relay
from mtls_lab.server import serve

__all__ = [
    "CertificateAuthority",
    "Exchange",
    "Failure",
    "Relay",
    "Side",
    "Stage",
    "ask",
    "serve",
    "watch",
]
