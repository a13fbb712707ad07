"""The chain that a server presents, as it was sent.

Here: the certificates in a Certificate message, their order, and the names in the first. Not here:
whether they are trusted: OpenSSL decides that (probing.py), and judging.py says why.
"""

from __future__ import annotations

import ipaddress
import warnings
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from mtls_lab.pki.description import UNREADABLE
from mtls_lab.pki.rules import extensions_of, told
from mtls_lab.text import printable
from mtls_lab.wire import Message

__all__ = ["Served", "is_address"]

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


def is_address(name: str) -> bool:
    """Whether a host is an IP address: then there is no SNI (RFC 6066, section 3).

    Example:
        >>> is_address("127.0.0.1"), is_address("localhost")
        (True, False)
    """
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
