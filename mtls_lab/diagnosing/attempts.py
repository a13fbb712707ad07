"""One connection as it went: how far, how it ended, which chain was sent, what was asked for.

Here: the values, read from the messages that passed. Not here: making the connection (calling.py),
whether a chain is trusted (OpenSSL decides that), and words for it (causes.py, judging.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import NameOID

from mtls_lab.common import printable
from mtls_lab.pki.key_kinds import key_kind, schemes_of
from mtls_lab.pki.rules import extensions_of, told
from mtls_lab.pki.signed import UNREADABLE
from mtls_lab.wire import Direction, Failure, Message, Session, Stage
from mtls_lab.wire.names import alert_of, spelled

__all__ = ["Attempt", "Requested", "Served", "first"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connection.

    Attributes:
        stage: how far it got.
        failure: why it ended there; None if nothing went wrong.
        version: the TLS version that was agreed; `""` where the handshake did not finish.
        cipher: the cipher suite, likewise.
        messages: the messages of TLS, decrypted.
        heard: what the server sent in the clear, or as application data.
        end: after the handshake: "closed" or "reset" at once, "garbled" if it sent a record that
            cannot be decrypted, "said" if it sent data, "quiet" if it waited for us; `""` before.
        resumed: whether a session was resumed.
        session: to resume it.
    """

    stage: Stage
    failure: Failure | None = None
    version: str = ""
    cipher: str = ""
    messages: tuple[Message, ...] = field(default=(), repr=False)
    heard: bytes = field(default=b"", repr=False)
    end: str = ""
    resumed: bool = False
    session: Session | None = field(default=None, repr=False)

    @property
    def alert(self) -> str:
        """The alert with which the server ended it, by its name in RFC 8446; or `""`."""
        for message in reversed(self.messages):
            if message.fatal and message.direction is Direction.TO_DEVICE:
                return message.alert or ""
        return alert_of(self.failure.reason) if self.failure else ""

    @property
    def agreed(self) -> tuple[str, str]:
        """What the ServerHello chose, also where the handshake then failed: version, suite."""
        hello = self.first("ServerHello")
        fields = hello.fields if hello else None
        if self.version or fields is None:
            return self.version, self.cipher
        found = (fields.find(name) for name in ("legacy_version", "cipher_suite"))
        version, cipher = (each.value.split(" (0x")[0] if each else "" for each in found)
        return version, cipher

    @property
    def refused(self) -> bool:
        """Whether the server ended it: by an alert, also one for other keys, or by hanging up."""
        return bool(self.alert) or self.end in {"closed", "reset", "garbled"} or self.cut

    @property
    def cut(self) -> bool:
        """Whether the connection broke off in the handshake, without an alert."""
        broken = {"UNEXPECTED_EOF_WHILE_READING", "ECONNRESET", "EPIPE", "ECONNABORTED"}
        early = self.stage is Stage.HANDSHAKE
        return early and self.failure is not None and self.failure.reason in broken

    @property
    def reached(self) -> bool:
        """Whether the server took the ClientHello: an answer in a version that is off does not."""
        off = self.failure is not None and self.failure.reason == "UNSUPPORTED_PROTOCOL"
        return self.first("ServerHello") is not None and not off

    @property
    def answered(self) -> bool:
        """Whether anything of TLS came back."""
        return any(message.direction is Direction.TO_DEVICE for message in self.messages)

    def first(self, name: str, direction: Direction = Direction.TO_DEVICE) -> Message | None:
        """Return the first message of this name that went this way."""
        return first(self.messages, name, direction)


def first(messages: Iterable[Message], name: str, direction: Direction) -> Message | None:
    """Return the first of these messages with this name that went this way."""
    found = (m for m in messages if m.name == name and m.direction is direction)
    return next(found, None)


# --- The chain that was sent

#: Names of one certificate that are shown.
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Served:
    """What a server sent.

    Attributes:
        chain: the certificates that can be read, in the order in which they came.
    """

    chain: tuple[x509.Certificate, ...] = ()

    @classmethod
    def of(cls, message: Message | None) -> Served:
        """Read a Certificate message."""
        if message is None or message.fields is None:
            return cls()
        chain = []
        for each in message.fields.walk():
            if each.name in {"cert_data", "ASN.1Cert"}:
                with suppress(*UNREADABLE), warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # cryptography's, of what it will not read
                    found = x509.load_der_x509_certificate(each.data[3:])
                    _ = (found.subject, found.issuer, found.not_valid_after_utc)
                    chain.append(found)
        return cls(tuple(chain))

    @property
    def names(self) -> tuple[str, ...]:
        """For what names the first certificate is valid, as `DNS:…` and `IP:…`, or a CN."""
        if not self.chain:
            return ()
        found = extensions_of(self.chain[0]).get(x509.SubjectAlternativeName)
        if not isinstance(found, x509.SubjectAlternativeName):
            common = self.chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            return tuple(f"CN {printable(str(each.value))} (no subjectAltName)" for each in common)
        dns = found.get_values_for_type(x509.DNSName)
        ips = found.get_values_for_type(x509.IPAddress)
        return tuple(printable(f"DNS:{each}") for each in dns) + tuple(f"IP:{each}" for each in ips)

    @property
    def nameless(self) -> bool:
        """Whether the first certificate has a common name, and no subjectAltName."""
        return any(name.startswith("CN ") for name in self.names)

    @property
    def path(self) -> str:
        """The chain in one line, from the leaf upwards."""
        parts = [told(each.subject) for each in self.chain[:SHOWN]]
        if self.chain and self.chain[-1].issuer != self.chain[-1].subject:
            parts.append(f"({told(self.chain[-1].issuer)}, not sent)")
        return " ← ".join(parts) or "nothing that can be read"

    @property
    def out_of_order(self) -> bool:
        """Whether a certificate is not followed by its issuer, although that was sent."""
        subjects = [each.subject for each in self.chain]
        return any(
            lower.issuer in subjects and lower.issuer != upper.subject
            for lower, upper in zip(self.chain, self.chain[1:], strict=False)
            if lower.issuer != lower.subject
        )


# --- The certificate that was asked for


@dataclass(frozen=True, slots=True)
class Requested:
    """A CertificateRequest.

    Attributes:
        authorities: the names of the CAs, in DER; none is any.
        names: the same as text.
        schemes: the signature algorithms, by their names.
        types: the kinds of certificate, of TLS 1.2 only.
        tls13: whether it is one of TLS 1.3.
    """

    authorities: tuple[bytes, ...]
    names: tuple[str, ...]
    schemes: tuple[str, ...]
    types: tuple[str, ...]
    tls13: bool

    @classmethod
    def of(cls, message: Message) -> Requested:
        """Read one; what cannot be read is left out."""
        fields = message.fields
        if fields is None:
            return cls((), (), (), (), tls13=False)
        named = [each for each in fields.walk() if each.name == "DistinguishedName"]
        types = [each for each in fields.walk() if each.name == "type"]
        old = [each for each in fields.walk() if each.name == "SignatureAndHashAlgorithm"]
        new = fields.find("signature_algorithms")
        listed = [each for each in new.walk() if each.name == "SignatureScheme"] if new else old
        return cls(
            tuple(each.data[2:] for each in named),
            tuple(printable(each.value) for each in named),
            tuple(
                spelled("signature_schemes", int.from_bytes(each.data, "big"), 2).split(" (")[0]
                for each in listed
            ),
            tuple(each.value.split(" (")[0] for each in types),
            tls13=fields.find("certificate_request_context") is not None,
        )

    def names_issuer_of(self, chain: Sequence[x509.Certificate]) -> bool:
        """Whether one of the CAs that it names has signed something in the chain; or it names none.

        Java, Go and browsers send a certificate only then; OpenSSL and Python send it all the same.
        """
        issuers = {each.issuer.public_bytes() for each in chain}
        spelled_out = {printable(each.issuer.rfc4514_string()) for each in chain}
        return (
            not self.authorities
            or bool(issuers & set(self.authorities))
            or bool(spelled_out & set(self.names))
        )

    def takes_key_of(self, certificate: x509.Certificate) -> bool:
        """Whether the key of a certificate can sign with one of the algorithms.

        An algorithm that we do not know counts for nothing.
        """
        kind = "rsa_sign" if key_kind(certificate).startswith("RSA") else "ecdsa_sign"
        if self.types and kind not in self.types:
            return False
        return not self.schemes or bool(
            schemes_of(certificate, tls13=self.tls13) & set(self.schemes)
        )
