"""What messages of TLS 1.2 say, where TLS 1.3 has no such message or writes it differently.

Here: RFC 5246, section 7.4, and the key exchanges of RFC 8422. Not here: what both versions have
(messages.py).
"""

from __future__ import annotations

from mtls_lab.wire.names import name_of
from mtls_lab.wire.reading.certificates import certificate, distinguished_name, signature
from mtls_lab.wire.reading.reader import Malformed, Reader

__all__ = [
    "certificate_list",
    "certificate_request",
    "client_key_exchange",
    "new_session_ticket",
    "server_key_exchange",
]


def certificate_list(reader: Reader) -> None:
    """Read a Certificate (RFC 5246, section 7.4.2)."""
    reader.vector("certificate_list", 3, lambda r: r.vector("ASN.1Cert", 3, certificate, once=True))


def certificate_request(reader: Reader) -> None:
    """Read a CertificateRequest (RFC 5246, section 7.4.4)."""
    reader.vector("certificate_types", 1, lambda r: r.number("type", 1, "client_certificate_types"))
    reader.vector(
        "supported_signature_algorithms",
        2,
        lambda r: r.number("SignatureAndHashAlgorithm", 2, "signature_schemes"),
    )
    reader.vector("certificate_authorities", 2, distinguished_name)


def new_session_ticket(reader: Reader) -> None:
    """Read a NewSessionTicket (RFC 5077, section 3.3)."""
    seconds = int.from_bytes(reader.peek(4), "big")
    reader.number("ticket_lifetime_hint", 4, value=f"{seconds} seconds")
    reader.vector("ticket", 2)


def server_key_exchange(reader: Reader, suite: str) -> None:
    """Read a ServerKeyExchange, which depends on the cipher suite."""
    if "PSK" in suite:
        reader.vector("psk_identity_hint", 2)
    if "ECDH" in suite:
        kind = reader.number("curve_type", 1, "curve_types")
        if name_of("curve_types", kind) != "named_curve":
            raise Malformed("a curve without a name, which RFC 8422 does not allow")
        reader.number("namedcurve", 2, "groups")
        reader.vector("public", 1)
    elif "DH" in suite:
        for name in ("dh_p", "dh_g", "dh_Ys"):
            reader.vector(name, 2)
    if reader.more:
        reader.struct("signed_params", signature)


def client_key_exchange(reader: Reader, suite: str) -> None:
    """Read a ClientKeyExchange, which depends on the cipher suite."""
    if "PSK" in suite:
        reader.vector("identity", 2)
    if "ECDH" in suite:
        reader.vector("ecdh_Yc", 1)
    elif "DH" in suite:
        reader.vector("dh_Yc", 2)
    elif "RSA" in suite:
        reader.vector("EncryptedPreMasterSecret", 2)
