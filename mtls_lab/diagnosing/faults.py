"""What is wrong with a chain that the other side has sent, as the look into its certificates finds.

Here: what a verify code means in this chain, what is wrong besides, and what only strict verifiers
refuse. Not here: whether it verifies: OpenSSL decides that (calling.py, listening.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mtls_lab.common import Password, PathLike
from mtls_lab.diagnosing.attempts import Served
from mtls_lab.explaining.look import Finding, look_at
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.explaining.wording import outsiders
from mtls_lab.pki.comparison import compare
from mtls_lab.wire import Failure

__all__ = ["SHOWN", "Sent"]

#: X509_V_ERR_…: what a certificate shows by itself, as `compare` calls it.
SHOWN = {
    "expired": 10,
    "renewed behind": 10,
    "ca expired": 10,
    "not yet valid": 9,
    "ca not yet valid": 9,
    "not for servers": 26,
    "not for clients": 26,
}
#: X509_V_ERR_…: what only strict verifiers refuse (Python 3.13).
STRICT = (85, 86, 89, 92)


@dataclass(frozen=True, slots=True)
class Sent:
    """A chain, who sent it, and what it has to lead to.

    Attributes:
        served: the chain.
        sender: `server` or `client`.
        cafile: the CAs that it was verified with; None for those of the system.
        password: of that file, if it is PKCS #12.
    """

    served: Served
    sender: str
    cafile: PathLike | None
    password: Password = field(default="", repr=False)

    def explains(self, code: int | None) -> Finding | None:
        """Return what in the chain makes it fail with this verify code, or None."""
        files = {"cert": None, "ca": self.cafile}
        chain = self.served.chain
        looked = look_at(files, chain, f"the {self.sender}'s chain", self.password or None)
        looked = replace(looked, purposes=frozenset())  # it is theirs, whatever it is for
        side, owner = ("device", "backend") if self.sender == "server" else ("backend", "device")
        failure = Failure("SSLCertVerificationError", verify_code=code)
        found = looked.findings(Symptoms(side, failure=failure), owner, outsiders)
        return next((each for each in found if each.explains), None)

    def besides(self, code: int | None) -> Iterator[Finding]:
        """Give what is wrong beside this code: OpenSSL names one fault at a time."""
        looks = {look.name for look in compare(self.served.chain)}
        other = "clients" if self.sender == "server" else "servers"
        shown = dict.fromkeys(
            number for look, number in SHOWN.items() if look in looks and not look.endswith(other)
        )
        found = (self.explains(each) for each in shown if each != code)
        return (each for each in found if each)

    def strictly(self) -> Finding | None:
        """Return what only strict verifiers refuse in it, or None."""
        return next((each for each in map(self.explains, STRICT) if each), None)
