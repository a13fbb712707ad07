"""The attack table: the attacks against any number of protections, as text, HTML and SVG.

Here: running them all, and how the verdicts look. Not here: the attacks (attacks.py).
"""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtls_lab import pem
from mtls_lab.attacks import ATTACKS, Protection, Verdict
from mtls_lab.contexts import client_context, only_trusted_client, server_context
from mtls_lab.pki import CertificateAuthority

__all__ = ["AttackTable", "attack_table", "lab_protections"]


@dataclass(frozen=True)
class AttackTable:
    """The verdicts as a table: text, HTML, and the SVG picture of the README."""

    verdicts: tuple[Verdict, ...]

    @property
    def rows(self) -> dict[str, dict[str, Verdict]]:
        """The verdicts by attack, then by protection."""
        rows: dict[str, dict[str, Verdict]] = {}
        for verdict in self.verdicts:
            rows.setdefault(verdict.attack, {})[verdict.protection] = verdict
        return rows

    @property
    def columns(self) -> Sequence[str]:
        """The names of the protections, in order."""
        return list(dict.fromkeys(verdict.protection for verdict in self.verdicts))

    def __str__(self) -> str:
        lines = [f"{'':<25}" + "".join(f"{name:<14}" for name in self.columns)]
        for attack, row in self.rows.items():
            lines.append(
                f"{attack:<25}" + "".join(f"{row[name].word:<14}" for name in self.columns)
            )
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.columns)
        lines = [f"<table><thead><tr><td></td>{head}</tr></thead><tbody>"]
        for attack, row in self.rows.items():
            cells = "".join(_html_cell(row[name]) for name in self.columns)
            lines.append(f'<tr><th scope="row">{html.escape(attack)}</th>{cells}</tr>')
        return "".join([*lines, "</tbody></table>"])

    def svg(self) -> str:
        """Return the table as a picture that reads in light and in dark, without colour too."""
        width = _FIRST + _COLUMN * len(self.columns) + 8
        height = _ROW * (len(self.rows) + 1) + 8
        title = html.escape(f"Attacks against {', '.join(self.columns)}")
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title">',
            f'<title id="title">{title}</title>',
            _STYLE,
        ]
        centres = {
            name: _FIRST + _COLUMN * at + _COLUMN // 2 for at, name in enumerate(self.columns)
        }
        parts += [_text(x, 28, name, "head") for name, x in centres.items()]
        for line, (attack, row) in enumerate(self.rows.items(), start=1):
            y = _ROW * line
            parts.append(f'<text x="8" y="{y + 28}">{html.escape(attack)}</text>')
            for name, x in centres.items():
                kind = "bad" if row[name].succeeded else "good"
                box = f'x="{x - _COLUMN // 2 + 3}" y="{y + 3}" rx="6"'
                size = f'width="{_COLUMN - 6}" height="{_ROW - 6}"'
                parts.append(f'<rect class="{kind}" {box} {size}/>')
                parts.append(_text(x, y + 28, row[name].word, "in"))
        return "\n".join([*parts, "</svg>"]) + "\n"


# The picture's measures in pixels: a column, a row, the column of the attacks' names.
_COLUMN, _ROW, _FIRST = 150, 44, 220
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


def _html_cell(verdict: Verdict) -> str:
    colour = "--jp-error-color1" if verdict.succeeded else "--jp-success-color1"
    evidence = html.escape("\n".join(verdict.evidence), quote=True)
    style = f"border-bottom:3px solid var({colour}, currentColor)"
    return f'<td style="{style}" title="{evidence}">{verdict.word}</td>'


def attack_table(
    protections: Iterable[Protection],
    attacks: Iterable[Callable[[Protection], Verdict]] = ATTACKS,
) -> AttackTable:
    """Run every attack against every protection, now, and return the table.

    Raises:
        ProtectionBroken: under one of them not even the device is served.

    Example:
        >>> from mtls_lab.attacks import clone, eavesdrop
        >>> print(attack_table([Protection("Plain TCP")], [eavesdrop, clone]))
                                 Plain TCP
        Eavesdrop                ✗ succeeds
        Clone the device         ✗ succeeds
    """
    attacks, protections = list(attacks), list(protections)
    for protection in protections:
        protection.check()
    return AttackTable(
        tuple(attack(protection) for protection in protections for attack in attacks)
    )


def lab_protections(folder: str | os.PathLike[str]) -> list[Protection]:
    """Make the protections of Parts 1, 2 and 3, with a new CA and its files in `folder`."""
    folder = pem.private_folder(folder)
    ca = CertificateAuthority.create("Lab CA")
    ca_file = Path(folder) / "ca.crt"
    pem.write_certificate(ca_file, ca.certificate)
    server = ca.issue_server(["localhost", "127.0.0.1"]).save(folder, "server")
    client = ca.issue_client("trusted-client").save(folder, "client")
    return [
        Protection("Plain TCP"),
        Protection("TLS", server_context(*server), client_context(ca_file), server_ca=ca_file),
        Protection(
            "Mutual TLS",
            server_context(*server, client_ca=ca_file),
            client_context(ca_file, *client),
            only_trusted_client,
            ca_file,
            *client,
        ),
    ]
