"""`make slides` also makes this: a sheet to print for everybody at the end of the 90 minutes.

Here: from the teacher's page, the notebooks' outputs and the facts to one HTML file of two pages:
what was seen, and what to do at work. Nothing on it is written here but its headings. Not here: the
slides (slides.py).
"""

import re
import sys
from pathlib import Path

from mtls_lab.common import read_facts
from mtls_lab.learner.predictions import question, questions
from tests.authoring import slides
from tests.authoring.canonical import ROOT, read

#: A side's line, or the name that stands above two of them.
SIDE = re.compile(r"^\w+ +(connect|setup) [✓✗]|^[\w' ]+:$")
STYLE = """
@page { size: A4; margin: 11mm }
body { font: 9pt/1.36 system-ui, sans-serif; max-width: 188mm; margin: 0 auto }
h1 { font-size: 13pt; margin: 0 0 1mm } h2 { font-size: 10pt; margin: 2.4mm 0 .8mm }
p, ol, pre { margin: 0 0 .8mm } ol { padding-left: 5mm }
pre { font: 7pt/1.32 ui-monospace, monospace; white-space: pre-wrap; margin-left: 4mm }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .5mm 1.5mm .5mm 0; font-weight: 400 }
tr > :first-child { white-space: nowrap } tr + tr { border-top: .2mm solid #999 }
td { font-size: 8pt } thead th, b { font-weight: 600 }
section + section { break-before: page }
"""


def chapter(page: str, title: str) -> str:
    """One chapter of a page in Markdown."""
    found = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, title
    return found


def inline(text: str) -> str:
    """A sentence in Markdown as HTML."""
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", slides.escape(text))


def block(lines: list[str]) -> str:
    """Lines as they were printed or typed."""
    return f"<pre>{slides.escape(chr(10).join(lines))}</pre>"


def outcomes() -> dict[str, list[str]]:
    """By prediction, in the order of the lessons: what happened, and the lines of both sides."""
    found = {}
    for path in slides.PARTS[:3]:
        for cell in read(path).cells:
            names = slides.PREDICT.findall(cell.source) if cell.cell_type == "code" else []
            for name in names:
                (text,) = (
                    text
                    for output in cell.outputs
                    if slides.HAPPENED in (text := slides.output_text(output))
                )
                happened, *lines = text.partition(slides.HAPPENED)[2].splitlines()
                found[name] = [happened, *filter(SIDE.match, lines)]
    return found


def seen(plan: str) -> str:
    """What the short plan predicts: the question, what happened, and both sides."""
    asked = [name for name in questions() if re.search(rf"\*{name}\*", plan)]
    parts, told = [], outcomes()
    for name in asked:
        happened, *lines = told[name]
        if (part := f"<h2>Part {question(name).part}</h2>") not in parts:
            parts.append(part)
        parts.append(f"<p>{inline(question(name).question)} <b>{inline(happened)}</b></p>")
        if lines:
            parts.append(block(lines))
    return "\n".join(parts)


def credentials() -> str:
    """What each side says of each credential."""
    rows = []
    for each in read_facts("credentials").values():
        sides = (each.get("backend", {}), each["device"]["TLSv1.3"], each["device"]["TLSv1.2"])
        cells = "".join(f"<td>{ended(side)}</td>" for side in sides)
        rows.append(f"<tr><th>{slides.escape(each['title'])}</th>{cells}</tr>")
    heads = ["", "the backend says", "the device, TLS 1.3", "the device, TLS 1.2"]
    head = "".join(f"<th>{each}</th>" for each in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def ended(side: dict[str, object]) -> str:
    """How one side ended, such as "✗ handshake: CERTIFICATE_VERIFY_FAILED (10)"."""
    if "reply" in side:
        return f"✗ {side['reply']}"
    if "reason" not in side:
        return "✓ served" if side else "saw no connection"
    code = f" ({side['verify_code']})" if "verify_code" in side else ""
    return f"✗ {side['stage']}: {side['reason']}{code}".replace("_", "_<wbr>")


def commands() -> str:
    """What is typed at work: our own, as the README has them, and openssl's, as the kata does."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ours = re.findall(r"(?m)^\$ (mtls-lab .+)$", chapter(readme, "Your own mTLS fails?"))
    kata = read(ROOT / "notebooks" / "3c_kata.ipynb")
    shown = [
        each for cell in kata.cells for each in re.findall(r"(?s)```sh\n(.*?)```", cell.source)
    ]
    theirs = [line for block in shown for line in block.strip().splitlines()]
    assert ours
    assert theirs
    return block([*ours, *theirs])


def handout() -> str:
    """The sheet as one page for a browser, which prints it on two."""
    teaching = (ROOT / "notebooks" / "teaching.md").read_text(encoding="utf-8")
    home = re.findall(r"(?m)^\d\. (.+)$", chapter(teaching, "What they should take home"))
    assert len(home) == 4
    sentences = "".join(f"<li>{inline(each)}</li>" for each in home)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Mutual TLS: what you saw</title>
<style>{STYLE}</style></head><body>
<section><h1>Mutual TLS: what you saw</h1>
{seen(chapter(teaching, "90 minutes"))}</section>
<section><h1>When yours fails</h1><ol>{sentences}</ol>
<h2>Who refused? A device presents …</h2>{credentials()}
<h2>Ask</h2>{commands()}</section></body></html>
"""


def main(folder: Path) -> None:
    """Writes it."""
    folder.mkdir(exist_ok=True)
    target = folder / "handout.html"
    target.write_text(handout(), encoding="utf-8")
    print(f"{target}: print it on both sides of one sheet")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]) if sys.argv[1:] else slides.FOLDER)
