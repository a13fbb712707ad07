"""A handshake shown by a cell, in a real page: without a kernel, a script, or a hand's breadth."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import COLOURS, violations
from tests.browser.lab import DARK, LIGHT, NARROW, WIDE, JupyterLab, LabPage
from tests.browser.panel import shown

CELLS = (
    "from mtls_lab import ask, enter, serve, watch\n"
    "from mtls_lab.net import client_context, server_context\n"
    "_ = enter(4)\n"
    "backend_context = server_context('backend/server.crt', 'backend/server.key',\n"
    "                                 client_ca='backend/client_ca.pem')\n"
    "device = client_context('device/server_ca.pem')\n"
    "watch(backend_context, device)",
    "with serve(backend_context) as backend:\n"
    "    exchange = ask('GET_SECRET', backend, context=device)\n"
    "exchange.handshake",
)
#: How much of the ladder can be seen, while it draws itself and when it is done.
MOVING = """(ladder) => {
    const moving = ladder.getAnimations({ subtree: true });
    const total = Math.max(0, ...moving.map((each) => each.effect.getComputedTiming().endTime));
    return [moving.length, total];
}"""
ENDS = """async (ladder) => {
    for (const each of ladder.getAnimations({ subtree: true })) each.finish();
    const hidden = [...ladder.querySelectorAll("li, summary")]
        .filter((part) => getComputedStyle(part).opacity !== "1"
            || getComputedStyle(part).clipPath !== "none");
    return hidden.length;
}"""


@pytest.fixture(scope="module")
def opened(page: LabPage, lab: JupyterLab) -> Iterator[LabPage]:
    """One kernel for all tests of this file."""
    with shown(page, lab.folder, "ladder", *CELLS):
        yield page


@pytest.fixture
def ladder(opened: LabPage) -> Locator:
    """The output of a cell that has been run just now."""
    opened.run_all()
    assert [cell.errors for cell in opened.cells() if cell.errors] == []
    found = opened.page.locator(".jp-RenderedHTMLCommon .lab-ladder")
    expect(found).to_have_count(1)
    return found


def test_it_opens_by_keyboard(opened: LabPage, ladder: Locator) -> None:
    """JupyterLab keeps its hands off the keys: no cell is edited, added or left."""
    before = opened.cells()
    request = ladder.locator('details[data-key="backend-CertificateRequest-1"]')
    request.locator("summary").focus()
    opened.page.keyboard.press("Enter")
    expect(request).to_have_attribute("open", "")
    expect(request).to_contain_text("Without this message there is no mutual TLS.")
    opened.page.keyboard.press("Tab")  # its section in the RFC
    opened.page.keyboard.press("Tab")  # its fields: one stop
    for _ in range(3):
        opened.page.keyboard.press("ArrowDown")
    expect(request.locator("input").nth(3)).to_be_focused()
    expect(request.locator("input").nth(3)).to_be_checked()
    assert opened.cells() == before


def test_it_is_readable_everywhere(opened: LabPage, ladder: Locator) -> None:
    for key in ("device-ClientHello-1", "backend-Certificate-1", "device-Certificate-1"):
        ladder.locator(f'details[data-key="{key}"] > summary').click()
    first = opened.theme
    other = DARK if first == LIGHT else LIGHT
    for theme, width in ((first, WIDE), (first, NARROW), (other, NARROW)):
        opened.set_theme(theme)
        opened.set_width(width)
        assert opened.overflow() <= 0, (theme, width)
        rules = () if theme == first else (COLOURS,)  # a theme has no sizes and no names
        assert violations(opened.page, ".lab-ladder", rules=rules) == [], (theme, width)
    opened.set_width(WIDE)


def test_it_draws_itself_only_for_whoever_likes_motion(opened: LabPage, ladder: Locator) -> None:
    assert ladder.evaluate(MOVING) == [0, 0]
    opened.page.emulate_media(reduced_motion="no-preference")
    try:
        count, milliseconds = ladder.evaluate(MOVING)
        assert count == ladder.locator("li.lab-rung, li.lab-flag").count() > 10
        assert 1000 < milliseconds < 3000
        assert ladder.evaluate(ENDS) == 0
    finally:
        opened.page.emulate_media(reduced_motion="reduce")


def test_it_follows_the_size_of_the_text(opened: LabPage, ladder: Locator) -> None:
    """A teacher's page is read from six metres."""
    ladder.locator("details > summary").first.click()
    parts = ladder.locator(".lab-name, .lab-bytes, .lab-caption, .lab-fields label")
    sizes = "(parts) => parts.map((part) => parseFloat(getComputedStyle(part).fontSize))"
    before = parts.evaluate_all(sizes)
    assert len(before) > 10
    (twice,) = (2 * size for size in ladder.evaluate_all(sizes))
    ladder.evaluate("(ladder, size) => { ladder.style.fontSize = `${size}px`; }", twice)
    after = parts.evaluate_all(sizes)
    assert after == pytest.approx([2 * size for size in before])
    assert opened.overflow() <= 0
