"""The README's picture: the attack table, from attacks that run now.

Here: drawing it and writing it. Not here: the table itself (mtls_lab/attacks/table.py).
"""

import html
import tempfile
from pathlib import Path

from mtls_lab.attacks import AttackTable, attack_table, key_in_tpm, lab_protections
from mtls_lab.pki import CertificateAuthority
from mtls_lab.tpm import SoftwareTPM

PICTURE = Path(__file__).parents[2] / "data" / "attack_table.svg"

# The picture's measures in pixels: a column, a row, the column of the attacks' names.
_COLUMN, _ROW, _FIRST = 190, 44, 220
_STYLE = """<style>
text { font: 15px system-ui, sans-serif; fill: #1f2328 }
.head { font-weight: 600 }
.bad { fill: #ffd8d3 }
.good { fill: #cdf0d4 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .bad { fill: #7d1f1a }
  .good { fill: #14562a }
}
</style>"""


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="middle">{html.escape(text)}</text>'


def svg(table: AttackTable) -> str:
    """Return the table as a picture that reads in light and in dark, without colour too."""
    width = _FIRST + _COLUMN * len(table.columns) + 8
    height = _ROW * (len(table.rows) + 1) + 8
    title = html.escape(f"Attacks against {', '.join(table.columns)}")
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title">',
        f'<title id="title">{title}</title>',
        _STYLE,
    ]
    centres = {name: _FIRST + _COLUMN * at + _COLUMN // 2 for at, name in enumerate(table.columns)}
    parts += [_text(x, 28, name, "head") for name, x in centres.items()]
    for line, (attack, row) in enumerate(table.rows.items(), start=1):
        y = _ROW * line
        parts.append(f'<text x="8" y="{y + 28}">{html.escape(attack)}</text>')
        for name, x in centres.items():
            kind = "bad" if row[name].succeeded else "good"
            box = f'x="{x - _COLUMN // 2 + 3}" y="{y + 3}" rx="6"'
            size = f'width="{_COLUMN - 6}" height="{_ROW - 6}"'
            parts.append(f'<rect class="{kind}" {box} {size}/>')
            parts.append(_text(x, y + 28, row[name].word, "in"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def draw() -> str:
    with tempfile.TemporaryDirectory() as folder, SoftwareTPM(f"{folder}/tpm") as chip:
        protections = lab_protections(folder)
        mutual = next(each for each in protections if each.name == "Mutual TLS")
        ca = CertificateAuthority.load(f"{folder}/ca.crt", f"{folder}/ca.key")
        return svg(attack_table([*protections, key_in_tpm(chip, mutual, ca)]))


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
    print(f"data/{PICTURE.name}: written")
