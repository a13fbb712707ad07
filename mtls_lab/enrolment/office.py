"""The office that certifies devices: a register, rules, and the answer to each request.

Here: `Office`, whose `answer` a backend takes and which keeps what each device may present next;
and the rules that the lesson writes one by one, each of which says why a request is refused, or
nothing. Not here: who gets as far as asking, which TLS decides.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mtls_lab.common import LabError, printable
from mtls_lab.enrolment.lines import names_in, request_from, to_line
from mtls_lab.pki import CertificateAuthority, Purpose, common_name
from mtls_lab.pki.signed import UNREADABLE, expect_certificate

__all__ = ["GRACE", "MOST_REFUSALS", "Asked", "Office", "current_only", "not_too_late", "own_name"]

#: Refusals that an office remembers, the latest: anybody who reaches it can cause them.
MOST_REFUSALS = 256
#: Answers that it can repeat: more than the devices of a lab ask for at a time.
MOST_ANSWERS = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule decides about.

    Attributes:
        csr: the request.
        certificate: that of whoever sends it.
        registered: the certificate that the register has for the name in that one; None for a
            device that is retired.
    """

    csr: x509.CertificateSigningRequest
    certificate: x509.Certificate
    registered: x509.Certificate | None


#: Returns a reason to refuse, or None.
Rule = Callable[[Asked], str | None]


class Office:
    """Certify devices that are on the register, by rules.

    A request that was answered before gets the same answer: a device whose reply was lost may
    repeat it, and whoever replays it gains a certificate for a key that they do not have.

    Args:
        ca: what signs; another one may be put in its place at any time.
        rules: asked in order, the first reason refuses.

    Attributes:
        register: by name, the certificate that the device may ask with next; None for a device
            that is retired. A whole certificate, or its fingerprint, cannot be copied by somebody
            who signs with a stolen CA; a serial number can.
        refusals: who was refused, and why, in order; the latest 256.

    Example:
        >>> from mtls_lab.pki import create_key
        >>> from mtls_lab.enrolment.lines import request
        >>> office = Office(CertificateAuthority.create("Device CA"))
        >>> office.answer("GET_SECRET", None)
        'ERROR this office knows ENROL and CHAIN'
        >>> birth = CertificateAuthority.create("Birth CA").issue_client("pump-1").certificate
        >>> office.announce(birth)
        >>> asks = birth.public_bytes(Encoding.DER)
        >>> office.answer("ENROL " + to_line(request(create_key(), "pump-1")), asks)[:3]
        'MII'
        >>> office.register["pump-1"] == birth
        False
    """

    def __init__(self, ca: CertificateAuthority, rules: Iterable[Rule] = ()) -> None:
        self.ca, self.rules = ca, list(rules)
        self.register: dict[str, x509.Certificate | None] = {}
        self.refusals: deque[tuple[str, str]] = deque(maxlen=MOST_REFUSALS)
        self._answered: dict[tuple[str, bytes], x509.Certificate] = {}
        self._turn = threading.Lock()  # two requests with one certificate: one of them is first

    def announce(self, birth: x509.Certificate) -> None:
        """Let a device of the factory ask once with its birth certificate. Raises LabError."""
        expect_certificate(birth, "announce")
        self.register[common_name(birth)] = birth

    def answer(self, command: str, certificate: bytes | None) -> str:
        """Answer a command of the peer with this certificate in DER, as `serve(answer=…)` asks.

        `ENROL` and a request in base64 gets a certificate, `CHAIN` that of the CA which signs now.
        What is refused gets a line that begins with `ERROR`.
        """
        verb, _, line = command.partition(" ")
        if command == "CHAIN":
            return to_line(self.ca.certificate)
        if verb != "ENROL":
            return "ERROR this office knows ENROL and CHAIN"
        try:
            csr = request_from(line)
        except LabError as problem:
            return f"ERROR {problem.found}"
        if not csr.is_signature_valid:
            return "ERROR the request is not signed with the key that it names"
        try:
            theirs = x509.load_der_x509_certificate(certificate or b"")
            who = ", ".join(names_in(theirs))
        except UNREADABLE:
            return "ERROR there is no certificate that this office can read"
        with self._turn:
            return self._decide(csr, who, theirs)

    def _decide(
        self, csr: x509.CertificateSigningRequest, who: str, theirs: x509.Certificate
    ) -> str:
        again = (
            who,
            csr.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        )
        if again in self._answered:
            return to_line(self._answered[again])
        if who not in self.register:
            return self._refuse(who, "nobody has announced this device")
        asked = Asked(csr, theirs, self.register[who])
        for rule in self.rules:
            if reason := rule(asked):
                return self._refuse(who, reason)
        try:
            issued = self.ca.sign(csr, Purpose.CLIENT)
        except ValueError as error:
            return self._refuse(who, str(error))
        self.register[who] = issued
        self._answered[again] = issued
        if len(self._answered) > MOST_ANSWERS:
            del self._answered[next(iter(self._answered))]
        return to_line(issued)

    def _refuse(self, who: str, reason: str) -> str:
        self.refusals.append((printable(who), printable(reason)))
        return f"ERROR {printable(reason)}"


# --- The rules of the lesson

#: Days after its last in which a certificate is still good for one thing: to be renewed.
GRACE = 30


def own_name(asked: Asked) -> str | None:
    """Let a device ask for its own name, and for nothing else.

    Example:
        >>> from mtls_lab.enrolment.lines import request
        >>> from mtls_lab.pki import CertificateAuthority, create_key
        >>> own = CertificateAuthority.create("Device CA").issue_client("pump-1").certificate
        >>> own_name(Asked(request(create_key(), "pump-2"), own, own))
        'the request is for another name'
    """
    same = names_in(asked.csr) == names_in(asked.certificate)
    return None if same else "the request is for another name"


def current_only(asked: Asked) -> str | None:
    """Let nobody ask with a certificate that has been replaced, or that is retired."""
    if asked.registered is None:
        return "this device is retired"
    current = asked.certificate == asked.registered
    return None if current else "this certificate is not the current one"


def not_too_late(asked: Asked) -> str | None:
    """Let a device that was off ask up to `GRACE` days after its certificate has expired."""
    late = datetime.now(UTC) - asked.certificate.not_valid_after_utc
    in_time = late <= timedelta(days=GRACE)
    return None if in_time else f"this certificate expired more than {GRACE} days ago"
