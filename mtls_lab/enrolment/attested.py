"""Enrolment of a key in a TPM: the office that asks for proof, and the device that gives it.

Here: two commands, ATTEST and ENROL, as lines; the challenges that are open. Not here: what is
believed (evidence.py, endorsement.py), the TPM (tpm/attesting.py).

    device  ATTEST <certificate of the endorsement key> <attestation key>
    office  <credential: a nonce that only this TPM can open, and only with that key>
    device  ENROL <request> <key> <statement, with the nonce in it> <signature>
    office  <certificate>
"""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mtls_lab.common import LabError, printable
from mtls_lab.enrolment.endorsement import not_endorsed
from mtls_lab.enrolment.evidence import RULES, Claim, EvidenceRule
from mtls_lab.enrolment.lines import request_from, to_line
from mtls_lab.enrolment.office import MOST_REFUSALS
from mtls_lab.pki import CertificateAuthority, Purpose
from mtls_lab.pki.signed import UNREADABLE, expect_certificate
from mtls_lab.tpm import Evidence, Public, Statement, make_credential

__all__ = ["AttestingOffice", "attest_line", "credential_from", "enrol_line"]

#: A nonce of 128 bits cannot be guessed; in hexadecimal nobody reads it.
NONCE = 16
#: Whoever knows a TPM's certificate can have challenges made for it: so many are open at a time for
#: one device, the latest. Those of other devices stay open.
MOST_OPEN = 8


@dataclass(frozen=True, slots=True)
class _Challenge:
    """An open challenge: to whom, with which attestation key, and until when."""

    name: str
    attestation: Public
    until: float


class AttestingOffice:
    """Certify keys that are in TPMs on the register, and no others.

    Args:
        ca: what signs.
        manufacturers: the CAs whose word is taken for what is a TPM.
        between: CAs between those and the certificates of TPMs, as their makers publish them.
        rules: asked in order about what a device sends, the first reason refuses.
        patience: seconds in which a challenge has to be answered.

    Attributes:
        register: by the SHA-256 of the certificate of a TPM's endorsement key, the device's name.
        refusals: the reasons that were given, in order; the latest 256.

    Example:
        >>> office = AttestingOffice(CertificateAuthority.create("Device CA"), [])
        >>> office.answer("GET_SECRET", None)
        'ERROR this office knows ATTEST and ENROL'
    """

    def __init__(
        self,
        ca: CertificateAuthority,
        manufacturers: Iterable[x509.Certificate],
        rules: Iterable[EvidenceRule] = RULES,
        *,
        between: Iterable[x509.Certificate] = (),
        patience: float = 60.0,
    ) -> None:
        self.ca, self.rules = ca, list(rules)
        self.manufacturers, self.between = list(manufacturers), list(between)
        self.patience = patience
        self.register: dict[bytes, str] = {}
        self.refusals: deque[str] = deque(maxlen=MOST_REFUSALS)
        self._open: dict[bytes, _Challenge] = {}
        self._turn = threading.Lock()

    def announce(self, endorsement: x509.Certificate, name: str) -> None:
        """Put a TPM on the register, as the factory does that built it in. Raises LabError."""
        expect_certificate(endorsement, "announce")
        self.register[endorsement.fingerprint(hashes.SHA256())] = name

    def answer(self, command: str, _certificate: bytes | None) -> str:
        """Answer a command, as `serve(answer=…)` asks; a refusal begins with `ERROR`."""
        verb, *words = command.split(" ")
        with self._turn:
            try:
                if verb == "ATTEST" and len(words) == 2:
                    return self._attest(*words)
                if verb == "ENROL" and len(words) in {1, 4}:
                    return self._enrol(*words)
            except (LabError, ValueError) as problem:
                return self._refuse(str(getattr(problem, "found", problem)))
        return "ERROR this office knows ATTEST and ENROL"

    def _attest(self, endorsement: str, attestation: str) -> str:
        try:
            certificate = x509.load_der_x509_certificate(_bytes(endorsement))
        except UNREADABLE:
            return self._refuse("what should be the certificate of a TPM cannot be read")
        if reason := not_endorsed(certificate, self.manufacturers, self.between):
            return self._refuse(reason)
        name = self.register.get(certificate.fingerprint(hashes.SHA256()))
        if name is None:
            return self._refuse("nobody has announced this TPM")
        key, theirs = certificate.public_key(), Public.read(_bytes(attestation))
        assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)  # noqa: S101 - not_endorsed has seen it
        nonce = secrets.token_bytes(NONCE)
        credential = make_credential(key, theirs.name, nonce)
        mine = [each for each, challenge in self._open.items() if challenge.name == name]
        for old in mine[: max(len(mine) + 1 - MOST_OPEN, 0)]:
            del self._open[old]
        self._open[nonce] = _Challenge(name, theirs, time.monotonic() + self.patience)
        return _text(credential)

    def _enrol(self, request: str, *words: str) -> str:
        csr = request_from(request)
        if not csr.is_signature_valid:
            return self._refuse("the request is not signed with the key that it names")
        if not words:
            return self._refuse("no TPM states that this key is its own")
        evidence = Evidence(*map(_bytes, words))
        challenge = self._open.pop(Statement.read(evidence.statement).nonce, None)
        if challenge is None or challenge.until < time.monotonic():
            return self._refuse("the statement answers no open challenge: it is not fresh")
        claim = Claim.of(csr, challenge.name, challenge.attestation, evidence)
        for rule in self.rules:
            if reason := rule(claim):
                return self._refuse(reason)
        return to_line(self.ca.sign(csr, Purpose.CLIENT))

    def _refuse(self, reason: str) -> str:
        self.refusals.append(printable(reason))
        return f"ERROR {self.refusals[-1]}"


def attest_line(endorsement: x509.Certificate, attestation: Public) -> str:
    """Return the command with which a device shows its TPM, and the key that will sign."""
    return f"ATTEST {to_line(endorsement)} {_text(attestation.encoded())}"


def enrol_line(csr: x509.CertificateSigningRequest, evidence: Evidence | None = None) -> str:
    """Return the command that asks for a certificate, with what a TPM states about its key."""
    if evidence is None:
        return f"ENROL {to_line(csr)}"
    words = (evidence.public, evidence.statement, evidence.signature)
    return " ".join(["ENROL", to_line(csr), *map(_text, words)])


def credential_from(line: str | None) -> bytes:
    """Read the office's answer to ATTEST.

    Raises:
        LabError: it is a refusal, or no reply came.
    """
    try:
        return _bytes(line or "ERROR no reply")
    except ValueError:
        raise LabError(
            line or "no reply", "a credential", "read both sides of the exchange"
        ) from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(word: str) -> bytes:
    try:
        return base64.b64decode(word, validate=True)
    except ValueError:
        raise ValueError("a word that is not base64") from None
