"""What a server's CertificateRequest asks for, and whether a certificate satisfies it.

Here: RFC 8446, sections 4.2.3, 4.2.4 and 4.3.2, and RFC 5246, section 7.4.4. Not here: whether the
server then trusts it (judging.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from mtls_lab.pki.key_kinds import key_kind, schemes_of
from mtls_lab.text import printable
from mtls_lab.wire import Message
from mtls_lab.wire.names import spelled

__all__ = ["Requested"]


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
