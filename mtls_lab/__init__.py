"""Learn mutual TLS by doing it: real servers, real certificates, real attacks.

Here: the names that the notebooks use. `import mtls_lab` loads no widget library, and
cryptography only when a CertificateAuthority is asked for: Part 1 needs none.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from mtls_lab.client import ask
from mtls_lab.outcome import Exchange, Failure, Side, Stage
from mtls_lab.relay import Relay
from mtls_lab.server import serve
from mtls_lab.watching import watch

if TYPE_CHECKING:
    from mtls_lab.pki import CertificateAuthority

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


def __getattr__(name: str) -> object:
    if name == "CertificateAuthority":
        return import_module("mtls_lab.pki").CertificateAuthority
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__  # with what is not loaded yet, for completion
