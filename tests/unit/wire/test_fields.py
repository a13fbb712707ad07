"""What a message says: those of real connections whole, those that are made up in every oddity."""

import ssl
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtls_lab import Direction, Exchange, ask, serve, watch
from mtls_lab.net import server_context
from mtls_lab.wire import Field, Malformed, Message, read_message
from mtls_lab.wire.names import registry
from mtls_lab.wire.reading import read_alert, read_change_cipher_spec
from mtls_lab.wire.reading.messages import RETRY, agreed_in
from mtls_lab.wire.reading.reader import MOST, NOT_READABLE
from tests.unit.lab import VERSIONS, Lab, client_hello

UP, DOWN = Direction.TO_BACKEND, Direction.TO_DEVICE


def vector(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


def handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(body, 3)


def extension(number: int, data: bytes) -> bytes:
    return number.to_bytes(2, "big") + vector(data, 2)


def server_hello(suite: int, *extensions: bytes, random: bytes = bytes(32)) -> bytes:
    listed = vector(b"".join(extensions), 2)
    return handshake(2, b"\3\3" + random + b"\0" + suite.to_bytes(2, "big") + b"\0" + listed)


TLS_1_3 = extension(43, b"\3\4")
OLD = server_hello(0xC02B)  # ECDHE, in TLS 1.2


def said(fields: Field, name: str) -> str:
    found = fields.find(name)
    assert found is not None, f"no {name} in\n{fields}"
    return found.value


def exchanges(lab: Lab, version: ssl.TLSVersion) -> Iterator[Exchange]:
    """Served, resumed, and refused: with no certificate, and with one that nobody trusts."""
    for credential in ("valid", "none", "untrusted"):
        device, backend_context = lab.device(credential, version), lab.mtls()
        watch(device, backend_context)
        with serve(backend_context) as backend:
            yield ask("GET_SECRET", backend, context=device)
    backend_context = server_context(*lab.server_files, client_ca=lab.ca_file)
    device = lab.device("valid", version)
    watch(device, backend_context)
    with serve(backend_context) as backend:
        first = ask("GET_SECRET", backend, context=device)
        yield ask("GET_SECRET", backend, context=device, session=first.session)


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: version.name)
def real(lab: Lab, request: pytest.FixtureRequest) -> dict[str, list[Message]]:
    """The messages of real exchanges in one version, by their names."""
    found: dict[str, list[Message]] = {}
    for exchange in exchanges(lab, request.param):
        for message in exchange.handshake.messages:
            found.setdefault(message.name, []).append(message)
    return found


def check(fields: Field, message: bytes) -> None:
    """Every field lies where it says, inside what it belongs to, in the order of the bytes."""
    assert message[fields.offset : fields.offset + fields.length] == fields.data
    at = fields.offset
    for each in fields.fields:
        if (each.name, each.value) == ("Certificate", "decompressed"):
            check(each, each.data)
            continue
        assert at <= each.offset
        at = each.offset + each.length
        check(each, message)
    assert at <= fields.offset + fields.length


def test_real_messages_are_read_to_the_last_byte(real: dict[str, list[Message]]) -> None:
    kinds = 10 if "EncryptedExtensions" in real else 13  # with two alerts
    assert len(real) >= kinds, list(real)
    for messages in real.values():
        for message in messages:
            fields = message.fields
            assert fields is not None
            assert fields.find(NOT_READABLE) is None, str(fields)
            assert fields.find("body") is None, str(fields)
            assert fields.data == message.data
            check(fields, message.data)
            if message.alert is None and not message.compressed:
                assert fields.name == message.name
            assert fields.rfc.startswith("RFC ")


def test_a_client_hello_says_what_the_device_asked(real: dict[str, list[Message]]) -> None:
    fields = real["ClientHello"][0].fields
    assert fields is not None
    assert said(fields, "name") == "localhost"
    assert "ecdsa_secp256r1_sha256" in said(fields, "supported_signature_algorithms")
    assert "x25519" in said(fields, "named_group_list")
    if "EncryptedExtensions" in real:
        assert said(fields, "versions") == "TLS 1.3"
        assert said(fields, "ke_modes") == "psk_dhe_ke"
        assert fields.find("key_exchange") is not None
    assert "TLS_" in said(fields, "cipher_suites")


def test_a_certificate_says_whose_it_is(real: dict[str, list[Message]]) -> None:
    for direction, subject in ((DOWN, "CN=localhost"), (UP, "CN=trusted-client")):
        fields = next(m for m in real["Certificate"] if m.direction is direction).fields
        assert fields is not None
        assert said(fields, "subject") == subject
        assert said(fields, "issuer") == "CN=Lab CA"
        assert said(fields, "basicConstraints") == "CA:FALSE"
        assert said(fields, "subjectPublicKeyInfo") == "EC on the curve secp256r1, 256 bits"
        purpose = "clientAuth" if direction is UP else "serverAuth"
        assert said(fields, "extendedKeyUsage") == purpose


def test_the_rest_of_a_handshake(real: dict[str, list[Message]]) -> None:
    def fields(name: str) -> Field:
        found = real[name][0].fields
        assert found is not None
        return found

    assert said(fields("CertificateVerify"), "algorithm") == "ecdsa_secp256r1_sha256 (0x0403)"
    assert fields("Finished").find("verify_data") is not None
    assert said(fields("NewSessionTicket"), "ticket").endswith(" bytes")
    assert "seconds" in str(fields("NewSessionTicket"))
    assert "ecdsa_secp256r1_sha256" in said(
        fields("CertificateRequest"), "supported_signature_algorithms"
    )
    if "EncryptedExtensions" not in real:
        assert said(fields("ServerKeyExchange"), "curve_type") == "named_curve (0x03)"
        assert fields("ClientKeyExchange").find("ecdh_Yc") is not None
        assert said(fields("CertificateRequest"), "certificate_types").endswith("ecdsa_sign")


def test_a_resumed_handshake_names_its_ticket(lab: Lab) -> None:
    *_, resumed = exchanges(lab, ssl.TLSVersion.TLSv1_3)
    assert resumed.handshake.resumed
    hello, answer = (message.fields for message in resumed.handshake.messages[:2])
    assert hello is not None
    assert answer is not None
    assert hello.find("PskIdentity") is not None
    assert hello.find("PskBinderEntry") is not None
    assert said(answer, "selected_identity") == "0"


def test_what_was_not_watched_has_no_fields() -> None:
    assert Message("record", DOWN, 100, encrypted=True).fields is None


def test_half_a_message_is_no_error() -> None:
    fields = Message("Finished", DOWN, 36, encrypted=True, data=b"\x14\0\0\x20").fields
    assert fields is not None
    assert (fields.name, fields.fields) == ("Finished", ())
    assert fields.value == "4 bytes that are not one whole handshake message"


# --- Made by hand: what the lab's own connections do not have


def test_the_names_of_cas_in_both_versions() -> None:
    name = bytes.fromhex("3011310f300d06035504030c064c6162204341")  # CN=Lab CA
    authorities = vector(vector(name, 2), 2)
    new = read_message(handshake(13, b"\0" + vector(extension(47, authorities), 2)))
    old = read_message(handshake(13, b"\1\x40" + vector(b"\4\3", 2) + authorities), OLD)
    for fields, rfc in ((new, "RFC 8446, 4.3.2"), (old, "RFC 5246, 7.4.4")):
        assert said(fields, "DistinguishedName") == "CN=Lab CA"
        assert fields.rfc == rfc
        assert fields.find(NOT_READABLE) is None


def test_a_name_that_is_none_is_shown_as_bytes() -> None:
    authorities = vector(vector(b"\xff\0", 2) + vector(b"", 2), 2)
    fields = read_message(handshake(13, b"\0" + vector(extension(47, authorities), 2)))
    values = [each.value for each in fields.walk() if each.name == "DistinguishedName"]
    assert values == ["not a name that can be read: ff 00", "not a name that can be read: "]


def test_a_hello_retry_request() -> None:
    message = server_hello(0x1301, TLS_1_3, extension(51, b"\0\x18"), random=RETRY)
    fields = read_message(message)
    assert str(fields).splitlines()[0] == (
        "0000  ServerHello = HelloRetryRequest (56 bytes; RFC 8446, 4.1.3)"
    )
    assert said(fields, "selected_group") == "secp384r1 (0x0018)"
    agreed = agreed_in(message)
    assert agreed is not None
    assert agreed.retry


def test_the_listing_of_a_message() -> None:
    assert str(read_message(server_hello(0x1301, TLS_1_3, extension(0x1234, b"\7")))) == (
        "0000  ServerHello (55 bytes; RFC 8446, 4.1.3)\n"
        "0000    msg_type  02  ServerHello (0x02)\n"
        "0001    length  00 00 33  51\n"
        "0004    legacy_version  03 03  TLS 1.2 (0x0303)\n"
        "0006    random  00 00 00 00 00 00 00 00 …  32 bytes\n"
        "0026    legacy_session_id_echo  00  (empty)\n"
        "0027    cipher_suite  13 01  TLS_AES_128_GCM_SHA256 (0x1301)\n"
        "0029    legacy_compression_method  00  null (0x00)\n"
        "002a    extensions (13 bytes)\n"
        "002c      supported_versions (6 bytes; RFC 8446, 4.2.1)\n"
        "002c        extension_type  00 2b  supported_versions (0x002b)\n"
        "002e        extension_data = TLS 1.3 (4 bytes)\n"
        "0030          selected_version  03 04  TLS 1.3 (0x0304)\n"
        "0032      extension 4660 (5 bytes)\n"
        "0032        extension_type  12 34  0x1234\n"
        "0034        extension_data = 1 byte (3 bytes)\n"
        "0036          data  07  1 byte"
    )


def test_key_exchanges_of_tls_1_2() -> None:
    dhe = server_hello(0x009E)
    body = vector(b"\xff" * 32, 2) + vector(b"\2", 2) + vector(b"\1" * 32, 2)
    fields = read_message(handshake(12, body + b"\4\1" + vector(b"signed", 2)), dhe)
    names = [each.name for each in fields.fields]
    assert names == ["msg_type", "length", "dh_p", "dh_g", "dh_Ys", "signed_params"]
    assert read_message(handshake(16, vector(b"\1" * 32, 2)), dhe).find("dh_Yc") is not None
    rsa = read_message(handshake(16, vector(b"\1" * 256, 2)), server_hello(0x009C))
    assert rsa.find("EncryptedPreMasterSecret") is not None
    psk = read_message(handshake(16, vector(b"me", 2)), server_hello(0x00A8))
    assert psk.find("identity") is not None
    unknown = read_message(handshake(12, b"\1\2\3"), server_hello(0x1F1F))
    assert said(unknown, "body") == "3 bytes"


def test_a_curve_without_a_name() -> None:
    fields = read_message(handshake(12, b"\1rest"), OLD)
    assert said(fields, NOT_READABLE) == "a curve without a name, which RFC 8422 does not allow"


def test_a_compressed_certificate(real: dict[str, list[Message]]) -> None:
    body = b"\0" + vector(b"", 3)
    if "EncryptedExtensions" in real:
        whole = real["Certificate"][0].fields
        assert whole is not None
        inner = whole.find("Certificate")  # of one that came compressed, or itself
        assert inner is not None
        body = inner.data[4:]
    squeezed = zlib.compress(body)
    fields = read_message(handshake(25, b"\0\1" + vector(body, 3)[:3] + vector(squeezed, 3)))
    inner = fields.find("Certificate")
    assert inner is not None
    assert inner.data == handshake(11, body)
    assert fields.find(NOT_READABLE) is None
    check(fields, fields.data)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\0\1" + b"\0\0\5" + vector(b"not zlib", 3), "cannot be decompressed"),
        (b"\0\1" + b"\0\0\5" + vector(zlib.compress(bytes(9**6)), 3), "not as long as"),
    ],
    ids=["not zlib", "a bomb"],
)
def test_a_compressed_certificate_that_is_none(body: bytes, reason: str) -> None:
    assert reason in said(read_message(handshake(25, body)), NOT_READABLE)


def test_brotli_is_named_and_left_alone() -> None:
    fields = read_message(handshake(25, b"\0\2" + b"\0\0\5" + vector(b"bytes", 3)))
    assert said(fields, "algorithm") == "brotli (0x0002)"
    assert fields.find("Certificate") is None


def test_a_certificate_that_is_none() -> None:
    entry = vector(b"\x30\x03\2\1\1", 3) + b"\0\0"
    fields = read_message(handshake(11, b"\0" + vector(entry, 3)))
    assert said(fields, NOT_READABLE).startswith("not a certificate that can be read: ")
    assert fields.find("extensions") is not None  # what comes after is read all the same


def test_what_a_peer_writes_cannot_reach_the_terminal() -> None:
    entry = vector(b"\0" + vector(b"a\x1b[31m\nb", 2), 2)
    body = b"\3\3" + bytes(32) + b"\0" + vector(b"\x13\1", 2) + b"\1\0"
    fields = read_message(handshake(1, body + vector(extension(0, entry), 2)))
    assert said(fields, "name") == "a\\u001b[31m\\u000ab"


def test_an_unknown_message() -> None:
    fields = read_message(handshake(99, b"abc"))
    assert (fields.name, said(fields, "body")) == ("type 99", "3 bytes")


def test_fields_that_are_too_long_for_their_vector() -> None:
    broken = b"\3\3" + bytes(32) + b"\0" + vector(b"\x13", 2) + b"\1\0"
    fields = read_message(handshake(1, broken))
    assert said(fields, NOT_READABLE) == "cipher_suite should have 2 bytes, and 1 are left"
    assert fields.find("compression_method") is not None
    fields = read_message(handshake(15, b"\4\3\xff\xffabc"))
    assert said(fields, NOT_READABLE) == "signature should have 65535 bytes, and 3 are left"
    fields = read_message(handshake(14, b"more"), OLD)
    assert said(fields, "body") == "4 bytes"
    fields = read_message(handshake(24, b"\0\0"))
    assert said(fields, NOT_READABLE) == "1 bytes more than there should be"


def test_a_message_of_many_fields_is_bounded() -> None:
    """A certificate request of 16 MiB could hold three million names."""
    entries = vector(b"", 3) + b"\0\0"
    fields = read_message(handshake(11, b"\0" + vector(entries * 400_000, 3)))
    assert sum(1 for _ in fields.walk()) < 2 * MOST
    assert f"more than {MOST} fields in one message" in {each.value for each in fields.walk()}


@pytest.mark.parametrize(
    "data", [b"", b"\1\0\0", handshake(1, b"abc")[:-1], handshake(1, b"") + b"x"]
)
def test_bytes_that_are_not_one_message(data: bytes) -> None:
    with pytest.raises(Malformed, match="not one whole handshake message"):
        read_message(data)


@pytest.mark.parametrize("data", [b"", b"\2", b"\2\x30\0"])
def test_alerts_and_ciphers_that_are_none(data: bytes) -> None:
    assert read_alert(data).find(NOT_READABLE) is not None
    assert read_change_cipher_spec(data * 2).find(NOT_READABLE) is not None


# --- Hostile bytes

SPELLED = set(registry("handshake_types").values())
KINDS = [1, 2, 4, 8, 11, 12, 13, 15, 16, 20, 22, 24, 25]
HELLOS = [b"", OLD, server_hello(0x1301, TLS_1_3), server_hello(0x009E), server_hello(0x00A8)]


def harmless(fields: Field) -> None:
    for each in fields.walk():
        assert each.value.isprintable()
    assert str(fields).count("\n") + 1 == sum(1 for _ in fields.walk())
    check(fields, fields.data)


@given(st.sampled_from(KINDS), st.binary(max_size=300), st.sampled_from(HELLOS))
def test_random_bytes_are_read(kind: int, body: bytes, hello: bytes) -> None:
    harmless(read_message(handshake(kind, body), hello))


@given(st.binary(max_size=40), st.binary(max_size=60))
def test_random_messages_and_hellos(data: bytes, hello: bytes) -> None:
    try:
        harmless(read_message(data, hello))
    except Malformed:
        assert len(data) != 4 + int.from_bytes(data[1:4], "big")


NUMBERS = st.integers(0, 2**16)


@given(NUMBERS, st.lists(NUMBERS, max_size=3))
def test_flipped_bits_of_real_messages(
    real: dict[str, list[Message]], which: int, bits: list[int]
) -> None:
    """The numbers are taken modulo what there is: the sizes differ from run to run."""
    messages = [m for each in real.values() for m in each if m.name in SPELLED]
    message = messages[which % len(messages)]
    body = bytearray(message.data)
    for bit in bits:
        at = 32 + bit % (8 * len(body) - 32) if len(body) > 4 else 0
        body[at // 8] ^= (1 << at % 8) * (at > 0)
    harmless(read_message(bytes(body), message.server_hello))


def test_every_truncation_of_a_client_hello(lab: Lab) -> None:
    body = client_hello(lab.device())[9:]
    for end in range(len(body)):
        harmless(read_message(handshake(1, body[:end])))
