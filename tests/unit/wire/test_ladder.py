"""The ladder as HTML: every message of real handshakes, hostile bytes, and how it is styled."""

import re
import ssl
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtls_lab import CertificateAuthority, ask, from_wire, watch
from mtls_lab.common import read_facts
from mtls_lab.net import Backend, client_context, server_context
from mtls_lab.pki import Identity
from mtls_lab.wire import Direction, Handshake, Message
from mtls_lab.wire.ladder import draw, keys, sentence, style, tell
from mtls_lab.wire.ladder.listing import MOST, listings
from mtls_lab.wire.names import registry
from tests.unit.lab import Lab, client_hello, shake_hands
from tests.unit.wire.test_fields import UP, exchanges, handshake, said, vector

DOWN = Direction.TO_DEVICE
VOID = {"input", "wbr"}
#: All that the ladder is made of. No script, no picture, nothing that asks a server.
TAGS = {"div", "style", "b", "ol", "li", "details", "summary", "span", "p", "ul", "label", "a"}
TAGS |= VOID
ATTRIBUTES = {"class", "style", "title", "name", "type", "role", "aria-label", "aria-hidden"}
ATTRIBUTES |= {"data-key", "data-ladder", "data-waits", "data-lm-suppress-shortcuts", "href"}
ATTRIBUTES |= {"target", "rel"}
HOSTILE = "<img src=x onerror=alert(1)>\"'&"


class Page(HTMLParser):
    """Reads HTML strictly: every element is closed, where it was opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name == "href"}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def harmless(self) -> bool:
        return (
            self.tags <= TAGS
            and self.attributes <= ATTRIBUTES
            and all(link.startswith("https://www.rfc-editor.org/rfc/") for link in self.links)
        )


@pytest.fixture
def backend_context(lab: Lab) -> ssl.SSLContext:
    context = lab.mtls()
    watch(context)
    return context


def seen(lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion) -> Handshake:
    device = lab.device("valid", version)
    watch(device)
    with Backend(backend_context) as backend:
        return ask("PING", backend, context=device).handshake


def said_by(name: str, direction: Direction, data: bytes) -> Message:
    return Message(name, direction, len(data), encrypted=False, data=data)


# --- What is in it


@pytest.mark.parametrize("inline", [True, False])
def test_every_message_has_its_rung(lab: Lab, version: ssl.TLSVersion, *, inline: bool) -> None:
    for exchange in exchanges(lab, version):
        shown = draw(exchange.handshake, inline=inline)
        page = Page(shown)
        assert page.harmless
        found = re.findall(r'data-key="([^"]+)"', shown)
        assert found == keys(exchange.handshake)
        assert len(set(found)) == len(found)
        for message in exchange.handshake.messages:
            assert sentence(message) in page.text
            assert (message.alert or message.name) in page.text
            # Each is there with all that it says: no byte has no name.
            assert message.fields is not None
            for row in (row for each in listings(message.fields) for row in each.rows):
                assert row.name in page.text


def test_every_byte_has_a_name(lab: Lab, version: ssl.TLSVersion) -> None:
    for exchange in exchanges(lab, version):
        for message in exchange.handshake.messages:
            assert message.fields is not None
            shown = listings(message.fields)
            assert b"".join(piece.data for piece in shown[0].pieces) == message.data
            rows = [row for each in shown for top in each.rows for row in top.walk()]
            assert [row.number for row in rows] == list(range(len(rows)))
            for each in shown:
                assert all(piece.title for piece in each.pieces)


def test_what_only_leads_to_a_field_is_left_out(lab: Lab) -> None:
    hello = client_hello(lab.device())[5:]
    fields = said_by("ClientHello", UP, hello).fields
    assert fields is not None
    assert fields.find("extension_data") is not None
    rows = [row.name for top in listings(fields)[0].rows for row in top.walk()]
    names = set(rows)
    assert {"key_share", "key_exchange", "server_name", "host_name", "cipher_suites"} <= names
    assert names & {"extension_data", "extension_type", "cipher_suite"} == set()
    # From OpenSSL 3.5 on there are two, and then each is named.
    assert ("KeyShareEntry" in names) == (rows.count("key_exchange") > 1)


def test_values_are_in_words(lab: Lab, backend_context: ssl.SSLContext) -> None:
    page = Page(draw(seen(lab, backend_context, ssl.TLSVersion.TLSv1_3)))
    for words in (
        *("TLS_AES_256_GCM_SHA384", "ecdsa_secp256r1_sha256", "x25519", "localhost", "TLS 1.3"),
        *("CN=trusted-client", "CN=Lab CA", "clientAuth", "digitalSignature", "7200 seconds"),
        *("RFC 8446, 4.2.8", "RFC 5280, 4.1.2.6", "RFC 6066, 3", "Fresh random bytes."),
    ):
        assert words in page.text, words


def test_the_names_of_cas(lab: Lab) -> None:
    name = lab.ca.certificate.subject.public_bytes()
    body = b"\0" + vector(b"\0\x2f" + vector(vector(vector(name, 2) * 2, 2), 2), 2)
    request = said_by("CertificateRequest", DOWN, handshake(13, body))
    text = Page(tell(request, "key")).text
    assert "certificate_authorities" in text
    assert "CN=Lab CA\N{NO-BREAK SPACE}· CN=Lab CA" in text


def test_it_says_what_was_encrypted(lab: Lab, backend_context: ssl.SSLContext) -> None:
    messages = seen(lab, backend_context, ssl.TLSVersion.TLSv1_3).messages
    assert "On the wire it was in clear: Eve can read it too." in tell(messages[0], "")
    assert "so here it is decrypted" in tell(messages[-1], "")


def test_without_bytes_it_says_what_to_do(lab: Lab) -> None:
    wire = shake_hands(lab.device("valid", ssl.TLSVersion.TLSv1_3), lab.mtls())
    heard = from_wire(wire.items())
    page = Page(draw(heard))
    assert "Only its length is known" in page.text
    assert "watch(context) on both contexts" in page.text
    assert page.harmless
    assert "call watch(context)" in draw(Handshake()).lower()
    assert draw(Handshake(), empty="No <b>TLS</b>.") == "<p>No &lt;b&gt;TLS&lt;/b&gt;.</p>"


def test_only_what_is_asked_for_is_told(lab: Lab, backend_context: ssl.SSLContext) -> None:
    handshake = seen(lab, backend_context, ssl.TLSVersion.TLSv1_3)
    none = draw(handshake, told=())
    assert none.count("data-waits") == len(handshake.messages)
    assert "lab-bytes" not in none
    one = draw(handshake, told={"device-Certificate-1"}, page="p-")
    assert one.count("data-waits") == len(handshake.messages) - 1
    assert tell(handshake.messages[7], "p-device-Certificate-1") in one
    assert len(none) < 12_000


def test_a_chain_is_unfolded_at_its_first_certificate(lab: Lab, version: ssl.TLSVersion) -> None:
    context = lab.mtls()
    watch(context)
    sent = next(m for m in seen(lab, context, version).messages if m.name == "Certificate")
    shown = tell(sent, "")
    assert shown.count("Its fields") == 1
    assert shown.count("Whom the certificate is about.") == 1


def test_long_values_are_shortened() -> None:
    long = said_by("Finished", UP, handshake(20, bytes(range(200)) * 3))
    shown = tell(long, "")
    assert "… 580 more …" in shown
    assert len(shown) < 2000


# --- Whatever the bytes are


def test_a_hostile_name_is_text(tmp_path: Path, lab: Lab, version: ssl.TLSVersion) -> None:
    """In a certificate, in its issuer, in the host that is called."""
    ca = CertificateAuthority.create(HOSTILE)
    Identity(ca.key, ca.certificate).save(tmp_path, "ca")
    backend_context = server_context(*lab.server_files, client_ca=tmp_path / "ca.crt")
    device = client_context(lab.ca_file, *ca.issue_client(HOSTILE).save(tmp_path, "device"))
    device.maximum_version = version
    watch(device, backend_context)
    with Backend(backend_context) as backend:
        exchange = ask("PING", backend, context=device)
    assert exchange.ok
    for inline in (True, False):
        page = Page(draw(exchange.handshake, inline=inline))
        assert page.harmless
        assert f"CN={HOSTILE[:4]}" in page.text.replace("\\", "")


@pytest.mark.parametrize(
    "name", [b"<img/src>", b'" onload="', b"</style>!", b"\x1b[2J\0\r\n\t\xff"]
)
def test_a_hostile_host_is_text(lab: Lab, name: bytes) -> None:
    hello = client_hello(lab.device())[5:].replace(b"localhost", name[:9].ljust(9, b"."))
    message = said_by("ClientHello", UP, hello)
    page = Page(tell(message, HOSTILE))
    assert page.harmless
    assert said(message.fields, "host_name")  # type: ignore[arg-type]
    assert not set("\x1b\0\r\xff") & set(page.text)


@pytest.mark.parametrize("name", [HOSTILE, f"Alert {HOSTILE}"])
def test_a_hostile_message_is_text(name: str) -> None:
    message = Message(name, UP, 3, encrypted=False)
    assert Page(draw(Handshake((message,)), page=HOSTILE)).harmless
    assert Page(tell(message, HOSTILE)).harmless


def test_a_message_of_countless_fields_stays_small() -> None:
    suites = vector(bytes(2) * 30_000, 2)
    many = vector(b"".join(bytes([0, n % 60]) + vector(b"", 2) for n in range(9000)), 2)
    data = handshake(1, b"\3\3" + bytes(32) + b"\0" + suites + b"\1\0" + many)
    shown = tell(said_by("ClientHello", UP, data), "")
    assert "fields more" in shown
    assert shown.count("<input") == MOST
    assert len(shown) < 400_000
    assert Page(shown).harmless


@given(data=st.binary(max_size=300), kind=st.sampled_from([1, 2, 4, 8, 11, 12, 13, 15, 16, 20, 25]))
def test_any_bytes_can_be_told(data: bytes, kind: int) -> None:
    message = said_by("x", UP, handshake(kind, data))
    page = Page(tell(message, "key"))
    assert page.harmless
    assert message.fields is not None
    shown = listings(message.fields)[0]
    assert b"".join(piece.data for piece in shown.pieces) == message.data


# --- How it looks


def test_it_brings_its_style_where_there_is_none(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    handshake = seen(lab, backend_context, version)
    assert handshake._repr_html_().count("<style>") == 1
    panel = draw(handshake)
    assert "<style" not in panel
    assert len(panel) < len(draw(handshake, inline=True))


def test_what_varies_is_marked(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    """Two runs differ nowhere else, so that a notebook in the repository stays what it is."""
    runs = [seen(lab, backend_context, version) for _ in range(2)]
    assert runs[0].messages[0].data != runs[1].messages[0].data
    kept = {re.sub("<!--varies-->.*?<!--/varies-->", "", each._repr_html_()) for each in runs}
    assert len(kept) == 1
    assert "lab-bytes" not in kept.pop()


def test_as_text_it_is_what_it_prints(lab: Lab, backend_context: ssl.SSLContext) -> None:
    class Printer:
        said = ""

        def text(self, text: str) -> None:
            self.said += text

    handshake, printer = seen(lab, backend_context, ssl.TLSVersion.TLSv1_3), Printer()
    handshake._repr_pretty_(printer, cycle=False)
    assert printer.said == str(handshake)


def test_the_style_sheet() -> None:
    sheet = style()
    assert "url(" not in sheet
    assert "@import" not in sheet
    assert not re.search(r"[\d.]+px(?!,24px|\))", sheet.replace("1px", "").replace("24px", ""))
    moving = sheet[sheet.index("@media (prefers-reduced-motion: no-preference)") :]
    assert "animation:" not in sheet.replace(moving, "")


def test_it_can_hold_still(lab: Lab, backend_context: ssl.SSLContext) -> None:
    handshake = seen(lab, backend_context, ssl.TLSVersion.TLSv1_3)
    assert "lab-moves" in draw(handshake)
    assert "lab-moves" not in draw(handshake, moving=False)


def test_a_resumed_handshake_says_so() -> None:
    finished = Message("Finished", DOWN, 36, encrypted=True)
    certificate = Message("Certificate", DOWN, 400, encrypted=True)
    assert 'aria-label="Resumed handshake with 1 messages' in draw(Handshake((finished,)))
    assert 'aria-label="Handshake with 2' in draw(Handshake((certificate, finished)))


# --- data/message_fields.toml


def test_every_explained_field_exists() -> None:
    """A name with a slip in it would never be looked up."""
    reading = Path(__file__).parents[3] / "mtls_lab" / "wire" / "reading"
    written = set(re.findall(r'"(\w+)"', "".join(p.read_text() for p in reading.glob("*.py"))))
    facts = read_facts("message_fields")
    assert set(facts["fields"]) <= written | set(registry("extensions").values())
    assert set(facts["alerts"]) <= set(registry("alerts").values())


def test_every_message_is_explained() -> None:
    assert set(registry("handshake_types").values()) <= set(read_facts("messages"))
