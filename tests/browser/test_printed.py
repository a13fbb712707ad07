"""What a cell has printed, on pages of every width: the two lines that are to be compared.

Not here: what is printed (tests/unit/wire).
"""

from pathlib import Path

from tests.browser.lab import NARROW, WIDE, JupyterLab, LabPage
from tests.browser.panel import shown

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
