"""What has to be in sight: a panel after Shift+Enter, and the two lines that are to be compared.

Not here: what a panel shows, and how it looks on its own (a file for each).
"""

from pathlib import Path

from tests.browser.lab import NARROW, WIDE, JupyterLab, LabPage
from tests.browser.panel import DRAWN, ShownPanel, shown
from tests.browser.test_every_panel import BEGIN, PANELS

#: The outcomes with the longest names, from both sides, and a refusal by the clone of Part 3.
PRINT = """
from mtls_lab import Failure, Side, Stage
names = [
    "SSLV3_ALERT_BAD_CERTIFICATE", "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_EXPIRED",
]
for name in names:
    print(Side("device", Stage.FIRST_READ, Failure("SSLError", name), "TLSv1.3", "CN=localhost"))
text = "unable to get local issuer certificate (verify code 20)"
print(Side("backend", Stage.HANDSHAKE, Failure("SSLCertVerificationError", text, 20)))
"""
#: Each word of a printed text that stands on more than one line of the page; and for each line of
#: the page its distance from the left edge of the text.
WORDS = """() => {
    const pre = document.querySelector(".jp-OutputArea-output pre");
    const left = pre.getBoundingClientRect().left;
    const walker = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT);
    const broken = [], lines = new Map();
    while (walker.nextNode()) {
        for (const word of walker.currentNode.textContent.matchAll(/\\S+/g)) {
            const range = document.createRange();
            range.setStart(walker.currentNode, word.index);
            range.setEnd(walker.currentNode, word.index + word[0].length);
            const tops = [...range.getClientRects()].map((box) => [Math.round(box.top), box.left]);
            if (new Set(tops.map(([top]) => top)).size > 1) broken.push(word[0]);
            for (const [top, at] of tops) {
                lines.set(top, Math.min(lines.get(top) ?? Infinity, Math.round(at - left)));
            }
        }
    }
    return [broken, [...lines.values()]];
}"""
ACTIVATE = """(index) => {
    const { content } = window.jupyterapp.shell.currentWidget;
    content.activeCellIndex = index;
    content.activate();
    content.activeCell.node.scrollIntoView({ block: "center" });
}"""
#: For a panel's cell: from where to where its title and its first control reach in the window; the
#: title, where nothing can be pressed.
SEEN = """(index) => {
    const { content } = window.jupyterapp.shell.currentWidget;
    const window_ = content.node.querySelector(".jp-WindowedPanel-outer").getBoundingClientRect();
    const panel = content.widgets[index].node.querySelector(".lab-panel");
    const controls = [...panel.querySelectorAll("button, select, input, summary")];
    const first = controls.find((control) => control.offsetParent);
    const title = panel.querySelector("h4");
    return [title, first ?? title].map((part) => {
        const { top, bottom } = part.getBoundingClientRect();
        return [Math.round(top - window_.top), Math.round(window_.bottom - bottom)];
    });
}"""


def test_shift_enter_leaves_a_panel_in_sight(page: LabPage, lab: JupyterLab) -> None:
    """JupyterLab holds the next cell where it is: the panel would go up, and its controls out.

    From the last panel to the first: what is still being drawn is below.
    """
    with shown(page, lab.folder, "predict", BEGIN, *PANELS.values(), "pass"):
        for index, name in [(0, ""), *reversed(list(enumerate(PANELS, start=1)))]:
            page.page.evaluate(ACTIVATE, index)
            page.page.keyboard.press("Shift+Enter")
            if name:
                ShownPanel(page, name).wait_for(1)
                page.page.wait_for_function(DRAWN)
                ShownPanel(page, name).settle()
                title, control = page.page.evaluate(SEEN, index)
                assert min(title) >= 0, name
                # A certificate has nothing to press but what opens the rest of it, at its end.
                assert min(control) >= 0 or name == "certificate", name


#: A notebook beside the file browser in windows of 1,280 and 1,024 pixels, and on a phone.
BESIDE = (950, 694, NARROW)


def test_a_long_line_breaks_between_words_and_goes_on_below_its_side(
    page: LabPage, lab: JupyterLab, pictures: Path
) -> None:
    found = {}
    with shown(page, lab.folder, "printed", PRINT):
        page.run_all()
        page.page.locator(".jp-OutputArea-output pre").wait_for()
        for width in BESIDE:
            page.set_width(width)
            page.screenshots(pictures, f"printed-{width}")
            found[width] = page.page.evaluate(WORDS)
        page.set_width(WIDE)
    for width, (broken, lines) in found.items():
        assert broken == [], width
        assert lines.count(0) == 5, width
        assert len(set(lines)) == 2, width
