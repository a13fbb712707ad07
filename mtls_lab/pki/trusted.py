"""Two older names of the block of a certificate that OpenSSL reads, and with it `ssl`.

Here: the certificate alone, as everybody reads it, and for what OpenSSL is to trust one. Not here:
PEM files (pem.py).
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from collections.abc import Iterator

__all__ = ["for_everybody", "limits_in"]

#: The first one has trust settings after the certificate (openssl x509 -trustout).
_BLOCK = re.compile(
    rb"-----BEGIN (TRUSTED|X509) CERTIFICATE-----([A-Za-z0-9+/=\s]{1,65536})"
    rb"-----END \1 CERTIFICATE-----"
)
SEQUENCE = 0x30
#: The DER of what trust is limited to: clientAuth, serverAuth, and anyExtendedKeyUsage.
_OF = {
    "clients": bytes.fromhex("06082b06010505070302"),
    "servers": bytes.fromhex("06082b06010505070301"),
}
_ANY = bytes.fromhex("0604551d2500")


def for_everybody(data: bytes) -> bytes:
    """Return PEM with ordinary blocks in the place of these; one that is damaged stays."""
    return _BLOCK.sub(lambda block: _parts(block)[0] or block[0], data)


def limits_in(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Give each certificate, in PEM form, that is not trusted for `clients` or for `servers`.

    A list of what it is trusted for (X509_CERT_AUX, x_x509a.c) excludes whatever is not in it.
    """
    for block in _BLOCK.finditer(data):
        certificate, settings = _parts(block)
        if len(settings) < 2 or settings[0] != SEQUENCE:
            continue
        listed, _ = _first(_content(settings))
        if certificate and listed[:1] == bytes([SEQUENCE]) and _ANY not in listed:
            yield from ((certificate, whom) for whom, oid in _OF.items() if oid not in listed)


def _parts(block: re.Match[bytes]) -> tuple[bytes, bytes]:
    """Return the certificate as PEM and what comes after it; both empty if it is damaged."""
    try:
        der = base64.b64decode(block[2])
    except binascii.Error:
        der = b""
    if len(der) < 2:
        return b"", b""
    certificate, rest = _first(der)
    return ssl.DER_cert_to_PEM_cert(certificate).strip().encode(), rest


def _first(der: bytes) -> tuple[bytes, bytes]:
    """Return the first element of DER, with its head, and the rest."""
    size = _head(der) + _length(der)
    return der[:size], der[size:]


def _content(der: bytes) -> bytes:
    return der[_head(der) :]


def _head(der: bytes) -> int:
    """How many bytes tag and length have (X.690, section 8.1.3)."""
    return 2 + (max(der[1] - 0x80, 0) if len(der) > 1 else 0)


def _length(der: bytes) -> int:
    if len(der) < 2:
        return 0
    return int.from_bytes(der[2 : _head(der)], "big") if der[1] > 0x80 else der[1]
