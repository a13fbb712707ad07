"""Each message of TLS 1.3 and TLS 1.2, field by field.

Here: what stands in a message. Not here: what only TLS 1.2 has (older.py), extensions
(extensions.py) and certificates (certificates.py).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from mtls_lab.wire.names import name_of, rfc_of
from mtls_lab.wire.reading import older
from mtls_lab.wire.reading.certificates import certificate, signature
from mtls_lab.wire.reading.extensions import extensions
from mtls_lab.wire.reading.reader import NOT_READABLE, Field, Malformed, Reader

__all__ = [
    "TLS_1_3",
    "Agreed",
    "agreed_in",
    "read_alert",
    "read_change_cipher_spec",
    "read_message",
]

TLS_1_3 = 0x0304
#: The random of a ServerHello that asks for another ClientHello (RFC 8446, section 4.1.3).
RETRY = sha256(b"HelloRetryRequest").digest()
#: A longer Certificate message is not decompressed: OpenSSL takes none of more than 100 KB.
LARGEST = 2**17


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a ServerHello settles: the version, the cipher suite, and whether it asks again."""

    version: int
    suite: int
    random: bytes
    retry: bool

    @property
    def tls13(self) -> bool:
        """Whether it is TLS 1.3."""
        return self.version == TLS_1_3

    @property
    def suite_name(self) -> str:
        """The cipher suite as IANA names it, "" for one that is not known here."""
        return name_of("cipher_suites", self.suite) or ""


def agreed_in(hello: bytes) -> Agreed | None:
    """Return what this ServerHello settles, or None for bytes that are not one.

    Example:
        >>> agreed_in(b"\\x02\\x00\\x00\\x00") is None
        True
    """
    if hello[:1] != b"\x02":
        return None
    try:
        fields = read_message(hello)
    except Malformed:
        return None
    suite, random = fields.find("cipher_suite"), fields.find("random")
    if suite is None or random is None:
        return None
    chosen = fields.find("selected_version") or fields.find("legacy_version")
    version = int.from_bytes(chosen.data, "big") if chosen else 0
    return Agreed(version, int.from_bytes(suite.data, "big"), random.data, random.data == RETRY)


def read_message(data: bytes, server_hello: bytes = b"") -> Field:
    """Return a handshake message as a tree of fields.

    Args:
        data: one whole message with its four bytes of header (RFC 8446, section 4).
        server_hello: the ServerHello of its connection, which says the version and the key
            exchange; without one, TLS 1.3 is assumed.

    Raises:
        Malformed: the bytes are not one whole message. What is wrong further in is no exception:
            it becomes a field called "not readable".

    Example:
        >>> print(read_message(bytes.fromhex("18 000001 00")))
        0000  KeyUpdate (5 bytes; RFC 8446, 4.6.3)
        0000    msg_type  18  KeyUpdate (0x18)
        0001    length  00 00 01  1
        0004    request_update  00  update_not_requested (0x00)
    """
    if len(data) < 4 or len(data) != 4 + int.from_bytes(data[1:4], "big"):
        raise Malformed(f"{len(data)} bytes that are not one whole handshake message")
    agreed = agreed_in(server_hello) if server_hello else None
    tls13 = agreed is None or agreed.tls13
    name = name_of("handshake_types", data[0]) or f"type {data[0]}"
    reader = Reader(data, rfc=rfc_of("handshake_types", name, tls13=tls13))
    reader.number("msg_type", 1, "handshake_types")
    reader.number("length", 3)
    contents = (TLS_1_3_CONTENTS if tls13 else {**TLS_1_2_CONTENTS, **_by_suite(agreed)}).get(
        name, _unknown
    )
    reader.until_the_end(contents, once=True)
    value = "HelloRetryRequest" if name == "ServerHello" and data[6:38] == RETRY else ""
    return Field(name, 0, data, value, reader.rfc, tuple(reader.fields))


def read_alert(data: bytes) -> Field:
    """Return an alert (RFC 8446, section 6) as a tree of fields; it never fails.

    Example:
        >>> print(read_alert(bytes.fromhex("02 30")))
        0000  Alert = unknown_ca (2 bytes; RFC 8446, 6)
        0000    level  02  fatal (0x02)
        0001    description  30  unknown_ca (0x30)
    """

    def contents(reader: Reader) -> None:
        reader.number("level", 1, "alert_levels")
        reader.number("description", 1, "alerts")

    reader = Reader(data, rfc="RFC 8446, 6")
    reader.until_the_end(contents, once=True)
    value = (name_of("alerts", data[1]) or str(data[1])) if len(data) == 2 else NOT_READABLE
    return Field("Alert", 0, data, value, reader.rfc, tuple(reader.fields))


def read_change_cipher_spec(data: bytes) -> Field:
    """Return a ChangeCipherSpec (RFC 5246, section 7.1) as a tree of fields; it never fails.

    Example:
        >>> read_change_cipher_spec(bytes([1])).find("type").value
        '1'
    """
    reader = Reader(data, rfc="RFC 5246, 7.1")
    reader.until_the_end(lambda inner: inner.number("type", 1), once=True)
    return Field("ChangeCipherSpec", 0, data, "", reader.rfc, tuple(reader.fields))


def _unknown(reader: Reader) -> None:
    if reader.more:
        reader.opaque("body")


def _client_hello(reader: Reader) -> None:
    reader.number("legacy_version", 2, "versions")
    reader.opaque("random", 32)
    reader.vector("legacy_session_id", 1)
    reader.vector("cipher_suites", 2, lambda r: r.number("cipher_suite", 2, "cipher_suites"))
    reader.vector(
        "legacy_compression_methods",
        1,
        lambda r: r.number("compression_method", 1, "compression_methods"),
    )
    if reader.more:  # none at all is allowed before TLS 1.3
        extensions(reader, "ClientHello")


def _server_hello(reader: Reader) -> None:
    reader.number("legacy_version", 2, "versions")
    retry = reader.peek(32) == RETRY
    reader.opaque("random", 32)
    reader.vector("legacy_session_id_echo", 1)
    reader.number("cipher_suite", 2, "cipher_suites")
    reader.number("legacy_compression_method", 1, "compression_methods")
    if reader.more:
        extensions(reader, "HelloRetryRequest" if retry else "ServerHello")


def _certificate(reader: Reader) -> None:
    def entry(inner: Reader) -> None:
        inner.vector("cert_data", 3, certificate, once=True)
        extensions(inner, "Certificate")

    reader.vector("certificate_request_context", 1)
    reader.vector("certificate_list", 3, lambda r: r.struct("CertificateEntry", entry))


def _compressed_certificate(reader: Reader) -> None:
    algorithm = reader.number("algorithm", 2, "certificate_compression")
    length = reader.number("uncompressed_length", 3)
    body = reader.vector("compressed_certificate_message", 3).data[3:]
    if name_of("certificate_compression", algorithm) != "zlib" or length > LARGEST:
        return
    try:
        message = zlib.decompressobj().decompress(body, length + 1)
    except zlib.error as error:
        raise Malformed(f"the certificate cannot be decompressed: {error}") from None
    if len(message) != length:
        raise Malformed("the certificate is not as long as uncompressed_length says")
    # Its offsets count in the message that it is decompressed to.
    whole = b"\x0b" + length.to_bytes(3, "big") + message
    inner = Reader(whole, 4, rfc=rfc_of("handshake_types", "Certificate"))
    inner.until_the_end(_certificate, once=True)
    reader.fields.append(
        Field("Certificate", 0, whole, "decompressed", inner.rfc, tuple(inner.fields))
    )


def _certificate_request(reader: Reader) -> None:
    reader.vector("certificate_request_context", 1)
    extensions(reader, "CertificateRequest")


def _new_session_ticket(reader: Reader) -> None:
    seconds = int.from_bytes(reader.peek(4), "big")
    reader.number("ticket_lifetime", 4, value=f"{seconds} seconds")
    reader.number("ticket_age_add", 4)
    reader.vector("ticket_nonce", 1)
    reader.vector("ticket", 2)
    extensions(reader, "NewSessionTicket")


def _certificate_status(reader: Reader) -> None:
    reader.number("status_type", 1, "status_types")
    reader.vector("response", 3)


Contents = Callable[[Reader], object]


def _by_suite(agreed: Agreed | None) -> dict[str, Contents]:
    suite = agreed.suite_name if agreed else ""
    if not suite:
        return {}
    return {
        "ServerKeyExchange": partial(older.server_key_exchange, suite=suite),
        "ClientKeyExchange": partial(older.client_key_exchange, suite=suite),
    }


_BOTH: dict[str, Contents] = {
    "ClientHello": _client_hello,
    "ServerHello": _server_hello,
    "CertificateVerify": signature,
    "CertificateStatus": _certificate_status,
    "Finished": lambda reader: reader.opaque("verify_data"),
    "KeyUpdate": lambda reader: reader.number("request_update", 1, "key_update_requests"),
    "CompressedCertificate": _compressed_certificate,
    "EncryptedExtensions": lambda reader: extensions(reader, "EncryptedExtensions"),
}
TLS_1_3_CONTENTS: dict[str, Contents] = {
    **_BOTH,
    "Certificate": _certificate,
    "CertificateRequest": _certificate_request,
    "NewSessionTicket": _new_session_ticket,
}
TLS_1_2_CONTENTS: dict[str, Contents] = {
    **_BOTH,
    "Certificate": older.certificate_list,
    "CertificateRequest": older.certificate_request,
    "NewSessionTicket": older.new_session_ticket,
}
