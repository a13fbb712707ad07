"""The wire panel in a real page: Mallory's controls, Eve's search, by mouse and by keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.panel import ShownPanel

#: How wide a letter of a dump is.
TEXT_WIDTH = """(code) => {
    const text = new Range();
    text.selectNodeContents(code);
    return text.getBoundingClientRect().width / code.textContent.length;
}"""
NAME = "wire"
CELLS = (
    """
from mtls_lab.net import client_context, server_context
from mtls_lab.panels import WirePanel
from mtls_lab import enter
_ = enter(4)
backend = server_context(
    "backend/server.crt", "backend/server.key", client_ca="backend/client_ca.pem")
device = client_context("device/server_ca.pem", "device/client.crt", "device/client.key")
""",
    "from IPython.display import display\nplain = WirePanel()\ntls = WirePanel(backend, device)",
    "plain",
    "tls",
)


@pytest.fixture
def plain(opened: ShownPanel) -> ShownPanel:
    """A new panel over plain TCP; one over mutual TLS is below it."""
    opened.anew()
    return opened.number(0)


@pytest.fixture
def tls(plain: ShownPanel) -> ShownPanel:
    return plain.number(1)


def ask(panel: ShownPanel, deed: str | None = None) -> str:
    """Choose what Mallory does and ask; return the outcome."""
    after = panel.sequence + 1
    if deed:
        panel.button(deed).click()
    panel.button("Ask the backend").click()
    return panel.wait_for(after)


def test_without_protection_every_deed_succeeds(plain: ShownPanel) -> None:
    assert ask(plain) == "succeeds"
    assert "Eve reads along" in plain.result.inner_text()
    for deed, words in [
        ("flips a bit", "Nobody noticed. The device received “open sdsame”."),
        ("replaces a word", "Nobody noticed. The device received “the cave is empty”."),
        ("replays", "gave the secret away again"),
        ("cuts", "cannot tell who ended it"),
    ]:
        assert ask(plain, deed) == "succeeds"
        assert words in plain.result.inner_text()
    assert ask(plain, "does nothing") == "succeeds"


def test_only_the_controls_of_the_deed_are_there(plain: ShownPanel) -> None:
    controls = ("At", "Bit", "Replace", "by")
    for deed, there in [
        ("does nothing", ""),
        ("flips a bit", "At Bit"),
        ("replaces a word", "Replace by"),
        ("replays", ""),
        ("cuts", "At"),
    ]:
        plain.button(deed).click()
        for name in controls:
            control = plain.box.get_by_label(name, exact=True)
            expect(control).to_be_visible(visible=name in there.split())


def test_the_bit_is_the_learners_choice(plain: ShownPanel) -> None:
    plain.button("flips a bit").click()
    bit = plain.box.get_by_label("Bit", exact=True)
    bit.fill("7")
    bit.press("Enter")
    expect(plain.box).to_contain_text("Byte 1 of 12: 6f “o” becomes 6e “n”.")
    ask(plain)
    assert "The device received “npen sesame”" in plain.result.inner_text()
    changed = plain.box.locator("details", has_text="changed by Mallory")
    expect(changed).to_have_attribute("open", "")
    plain.box.get_by_label("At", exact=True).select_option("→ 1 GET_SECRET, 11 bytes")
    ask(plain)
    assert "ERROR unknown command" in plain.result.inner_text()


def test_a_click_on_a_byte_aims_at_it(plain: ShownPanel) -> None:
    unit = plain.box.locator('[data-unit="→ 1"]')
    unit.locator("summary").click()
    hexed, letters = unit.locator(".lab-dump span").first.locator("code").all()
    for part, letter, byte in ((hexed, 10, 3), (letters, 5, 5)):
        width = part.evaluate(TEXT_WIDTH)
        part.click(position={"x": width * (letter + 0.5), "y": 5})
        expect(plain.box.get_by_label("Bit", exact=True)).to_have_value(str(8 * byte + 7))
        expect(plain.box).to_contain_text(f"Byte {byte + 1} of 11")
        expect(unit.locator("mark.lab-aimed")).to_have_count(2)  # the byte, and its letter
        assert unit.locator("mark.lab-aimed").all_inner_texts()[1] == "GET_SECRET"[byte]
    ask(plain)
    assert "GET_SDCRET" in plain.result.inner_text() or "ERROR" in plain.result.inner_text()


def test_the_ends_tell_what_eve_could_not_read(tls: ShownPanel, plain: ShownPanel) -> None:
    request = tls.box.locator('details[data-key="backend-CertificateRequest-1"]')
    request.locator("summary").click()
    expect(request).to_contain_text("so here it is decrypted")
    expect(request.locator(".lab-bytes")).to_be_visible()
    ask(tls, "flips a bit")
    expect(request).to_have_attribute("open", "")
    expect(plain.box.locator(".lab-ladder")).to_have_count(0)  # no TLS, nothing to open


def test_the_words_are_the_learners_choice(plain: ShownPanel) -> None:
    plain.button("replaces a word").click()
    plain.box.get_by_label("Replace", exact=True).fill("GET_SECRET")
    plain.box.get_by_label("by", exact=True).fill("<img src=x onerror=alert(1)>")
    plain.lab.page.keyboard.press("Tab")
    ask(plain)
    expect(plain.result).to_contain_text("<img src=x onerror=alert(1)>")
    expect(plain.box.locator("img")).to_have_count(0)


def test_eve_searches_while_one_types(plain: ShownPanel) -> None:
    search, answer = plain.box.get_by_label("Can Eve find"), plain.box.get_by_test_id("wire-found")
    expect(answer).to_contain_text("Yes: “open sesame” passed in clear, in ← 1.")
    expect(plain.box.locator("mark.lab-found").first).to_be_visible()
    before = plain.sequence
    search.fill("SECRET")
    expect(answer).to_contain_text("Yes: “SECRET” passed in clear, in → 1.")
    search.fill("sesame street")
    expect(answer).to_contain_text("No: nothing that passed has “sesame street” in it.")
    expect(plain.box.locator("mark.lab-found")).to_have_count(0)
    assert plain.sequence == before  # a search is no new exchange


def test_what_eve_finds_in_tls(tls: ShownPanel) -> None:
    answer = tls.box.get_by_test_id("wire-found")
    expect(answer).to_contain_text("No: nothing that passed has “open sesame” in it.")
    tls.box.get_by_label("Can Eve find").fill("localhost")
    expect(answer).to_contain_text("Yes: “localhost” passed in clear, in → 1.")
    expect(tls.box.locator("dd", has_text="not in clear")).to_have_count(2)  # the certificates


def test_a_record_opens_to_its_bytes(tls: ShownPanel) -> None:
    hello = tls.box.locator(".lab-unit", has_text="ServerHello")
    dump = hello.locator(".lab-dump")
    expect(dump).to_be_hidden()
    hello.locator("summary").click()
    expect(dump).to_contain_text("16 03 03")
    # It has the width of the panel, and stands in two columns: half as high as it has rows.
    rows = dump.locator(":scope > span")
    tall = dump.evaluate("(dump) => dump.offsetHeight / dump.firstElementChild.offsetHeight")
    assert tall <= rows.count() / 2 + 1


def test_it_can_be_used_without_a_mouse(plain: ShownPanel) -> None:
    keyboard = plain.lab.page.keyboard
    plain.button("does nothing").focus()
    for key in ("Tab", "Enter"):  # flips a bit
        keyboard.press(key)
    bit = plain.box.get_by_label("Bit", exact=True)
    expect(bit).to_be_visible()
    for _ in range(5):  # three more deeds, the record, the bit
        keyboard.press("Tab")
    expect(bit).to_be_focused()
    keyboard.press("ArrowUp")
    expect(bit).to_have_value("56")
    keyboard.press("Tab")
    expect(plain.button("Ask the backend")).to_be_focused()
    keyboard.press("Space")
    plain.wait_for(2)
    assert "Mallory flips bit 56 of ← 1." in plain.result.inner_text()
    keyboard.press("Tab")
    keyboard.type("!")
    expect(plain.box.get_by_test_id("wire-found")).to_contain_text("!” in it")
    keyboard.press("Tab")
    unit = plain.box.locator("details").first
    keyboard.press("Enter")
    expect(unit).to_have_attribute("open", "")


def test_it_reads_well_everywhere(plain: ShownPanel, tls: ShownPanel, pictures: Path) -> None:
    ask(plain, "replaces a word")
    ask(tls, "flips a bit")
    plain.check_everywhere(pictures, "wire")
