"""The extensions of a TLS message (RFC 8446, section 4.2), field by field.

Here: every extension that the lab's connections carry, and those that a learner's own may. Not
here: the messages (messages.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mtls_lab.wire.names import name_of, rfc_of
from mtls_lab.wire.reading.certificates import distinguished_name
from mtls_lab.wire.reading.reader import Reader

__all__ = ["extensions"]


def extensions(reader: Reader, message: str) -> None:
    """Read the extensions of a message; several mean something else in each (section 4.2)."""
    reader.vector("extensions", 2, partial(_extension, message=message))


def _extension(reader: Reader, message: str) -> None:
    number = int.from_bytes(reader.peek(2), "big")
    name = name_of("extensions", number)
    rfc = rfc_of("extensions", name) if name else ""

    def data(inner: Reader) -> None:
        if name in _BY_MESSAGE:
            _BY_MESSAGE[name](inner, message)
        else:
            _READERS.get(name, _opaque)(inner)

    def contents(inner: Reader) -> None:
        inner.number("extension_type", 2, "extensions")
        inner.vector("extension_data", 2, data, once=True)

    reader.struct(name or f"extension {number}", contents, rfc)


def _opaque(reader: Reader) -> None:
    if reader.more:
        reader.opaque("data")


def _server_name(reader: Reader, message: str) -> None:
    def entry(inner: Reader) -> None:
        inner.number("name_type", 1, "name_types")
        inner.vector("host_name", 2, lambda r: r.text("name"), once=True)

    if message == "ClientHello":
        reader.vector("server_name_list", 2, lambda r: r.struct("ServerName", entry))


def _numbers(
    reader: Reader, *, vector: str, size: int, item: str, width: int, registry: str
) -> None:
    reader.vector(vector, size, lambda r: r.number(item, width, registry))


def _alpn(reader: Reader) -> None:
    reader.vector(
        "protocol_name_list",
        2,
        lambda r: r.vector("ProtocolName", 1, lambda inner: inner.text("name"), once=True),
    )


def _supported_versions(reader: Reader, message: str) -> None:
    if message == "ClientHello":
        reader.vector("versions", 1, lambda r: r.number("version", 2, "versions"))
    else:
        reader.number("selected_version", 2, "versions")


def _key_share(reader: Reader, message: str) -> None:
    def entry(inner: Reader) -> None:
        inner.number("group", 2, "groups")
        inner.vector("key_exchange", 2)

    if message == "ClientHello":
        reader.vector("client_shares", 2, lambda r: r.struct("KeyShareEntry", entry))
    elif message == "HelloRetryRequest":
        reader.number("selected_group", 2, "groups")
    else:
        reader.struct("server_share", entry)


def _pre_shared_key(reader: Reader, message: str) -> None:
    def identity(inner: Reader) -> None:
        inner.vector("identity", 2)
        inner.number("obfuscated_ticket_age", 4)

    if message == "ClientHello":
        reader.vector("identities", 2, lambda r: r.struct("PskIdentity", identity))
        reader.vector("binders", 2, lambda r: r.vector("PskBinderEntry", 1))
    else:
        reader.number("selected_identity", 2)


def _early_data(reader: Reader, message: str) -> None:
    if message == "NewSessionTicket":
        reader.number("max_early_data_size", 4)


def _status_request(reader: Reader, message: str) -> None:
    if not reader.more:
        return
    reader.number("status_type", 1, "status_types")
    if message == "Certificate":
        reader.vector("response", 3)
    else:
        reader.vector("responder_id_list", 2)
        reader.vector("request_extensions", 2)


_SIGNATURE_SCHEMES = partial(
    _numbers,
    vector="supported_signature_algorithms",
    size=2,
    item="SignatureScheme",
    width=2,
    registry="signature_schemes",
)

#: What stands in the data of an extension, by its name, in each message something else.
_BY_MESSAGE: dict[str | None, Callable[[Reader, str], None]] = {
    "server_name": _server_name,
    "status_request": _status_request,
    "pre_shared_key": _pre_shared_key,
    "early_data": _early_data,
    "supported_versions": _supported_versions,
    "key_share": _key_share,
}
#: The same in every message; the others are shown as bytes.
_READERS: dict[str | None, Callable[[Reader], object]] = {
    "supported_groups": partial(
        _numbers, vector="named_group_list", size=2, item="NamedGroup", width=2, registry="groups"
    ),
    "ec_point_formats": partial(
        _numbers,
        vector="ec_point_format_list",
        size=1,
        item="ECPointFormat",
        width=1,
        registry="point_formats",
    ),
    "signature_algorithms": _SIGNATURE_SCHEMES,
    "signature_algorithms_cert": _SIGNATURE_SCHEMES,
    "application_layer_protocol_negotiation": _alpn,
    "padding": lambda r: r.opaque("padding", value=f"{r.more} bytes"),
    "compress_certificate": partial(
        _numbers,
        vector="algorithms",
        size=1,
        item="CertificateCompressionAlgorithm",
        width=2,
        registry="certificate_compression",
    ),
    "cookie": lambda r: r.vector("cookie", 2),
    "psk_key_exchange_modes": partial(
        _numbers,
        vector="ke_modes",
        size=1,
        item="PskKeyExchangeMode",
        width=1,
        registry="psk_modes",
    ),
    "certificate_authorities": lambda r: r.vector("authorities", 2, distinguished_name),
    "record_size_limit": lambda r: r.number("RecordSizeLimit", 2),
    "renegotiation_info": lambda r: r.vector("renegotiated_connection", 1),
}
