"""The certificates, the names of CAs and the signatures that a message carries.

Here: where each field of a certificate lies in its bytes (RFC 5280, section 4.1). Not here: what
the fields say, which pki reads.

cryptography and pki are imported where they are needed: Part 1 has no certificate.
"""

from __future__ import annotations

from mtls_lab.wire.reading.reader import Malformed, Reader

__all__ = ["certificate", "distinguished_name", "signature"]

#: The fields of a TBSCertificate in their order; a certificate of version 1 begins at the second.
TBS = ["version", "serialNumber", "signature", "issuer", "validity", "subject"]
TBS += ["subjectPublicKeyInfo"]
VERSION, EXTENSIONS = 0xA0, 0xA3  # their tags (RFC 5280, section 4.1)
#: A request (RFC 2986) around a name, for a library that reads names in requests only. Behind the
#: name stand an empty key, no attributes, no signature.
BEFORE, BEHIND = bytes.fromhex("020100"), bytes.fromhex("300a 3005 06032b6570 030100 a000")
UNSIGNED = bytes.fromhex("3005 06032b6570 030100")


def certificate(reader: Reader) -> None:
    """Read one X.509 certificate in DER, to the end of `reader`."""
    from cryptography import x509  # noqa: PLC0415

    from mtls_lab.pki import oid_name, read_fields  # noqa: PLC0415
    from mtls_lab.pki.signed import UNREADABLE  # noqa: PLC0415

    try:
        parsed = x509.load_der_x509_certificate(reader.peek(reader.more))
        said = {
            each.title if each.name == "unknown" else each.name: each.value
            for each in read_fields(parsed)
        }
        found = [each.oid for each in parsed.extensions]
    except UNREADABLE as error:
        raise Malformed(f"not a certificate that can be read: {error}") from None
    said["signature"] = said["signatureAlgorithm"]
    names = [oid_name(oid) for oid in found]
    values = [said.get(oid_name(oid)) or said.get(oid.dotted_string, "") for oid in found]

    def extensions(inner: Reader) -> None:
        _enter(inner)  # [3]
        _enter(inner)  # the SEQUENCE in it
        for name, value in zip(names, values, strict=True):
            inner.opaque(name, _size(inner), value)

    def to_be_signed(inner: Reader) -> None:
        end = inner.at + _size(inner)
        _enter(inner)
        order = TBS if inner.peek(1)[0] == VERSION else TBS[1:]
        for name in order:
            inner.opaque(name, _size(inner), said.get(name, ""))
        while inner.at < end:
            if inner.peek(1)[0] == EXTENSIONS:
                inner.struct("extensions", extensions, "RFC 5280, 4.2")
            else:
                inner.opaque("uniqueID", _size(inner))

    _enter(reader)
    reader.struct("tbsCertificate", to_be_signed, "RFC 5280, 4.1.2")
    reader.opaque("signatureAlgorithm", _size(reader), said["signatureAlgorithm"])
    reader.opaque("signatureValue", _size(reader))


def signature(reader: Reader) -> None:
    """Read an algorithm and a signature, as CertificateVerify has them in both versions."""
    reader.number("algorithm", 2, "signature_schemes")
    reader.vector("signature", 2)


def distinguished_name(reader: Reader) -> None:
    """Read the name of a CA in DER, with its length before it."""
    found = reader.vector("DistinguishedName", 2, lambda inner: inner.opaque("name", value=""))
    text = _spelled(found.data[2:])
    reader.fields[-1:] = [type(found)(found.name, found.offset, found.data, text, found.rfc)]


def _spelled(name: bytes) -> str:
    """Return a name in DER as RFC 4514 writes it."""
    from cryptography import x509  # noqa: PLC0415

    from mtls_lab.pki.signed import UNREADABLE  # noqa: PLC0415

    try:
        request = _sequence(_sequence(BEFORE + name + BEHIND) + UNSIGNED)
        return x509.load_der_x509_csr(request).subject.rfc4514_string() or "(empty)"
    except UNREADABLE:
        return f"not a name that can be read: {name[:32].hex(' ')}"


def _sequence(content: bytes) -> bytes:
    size = len(content)
    width = (size.bit_length() + 7) // 8
    length = bytes([size]) if size < 0x80 else bytes([0x80 + width]) + size.to_bytes(width, "big")
    return b"\x30" + length + content


def _header(reader: Reader) -> tuple[int, int]:
    """Return the size of an element's tag and length in DER, and of its content."""
    head = reader.peek(6)
    if len(head) < 2:
        raise Malformed("a certificate that ends too early")
    if head[1] < 0x80:
        return 2, head[1]
    more = head[1] & 0x7F
    return 2 + more, int.from_bytes(head[2 : 2 + more], "big")


def _size(reader: Reader) -> int:
    return sum(_header(reader))


def _enter(reader: Reader) -> None:
    reader.at += _header(reader)[0]
