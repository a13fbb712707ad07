"""The certificate panel: any certificate as a card, each field with what it is for.

Here: the card as HTML, and the panel that shows it. Not here: the facts about the fields
(data/fields.toml), reading a certificate (pki/fields.py), trying one out (workbench.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from datetime import UTC, datetime

import ipywidgets
from cryptography import x509

from mtls_lab import drawing
from mtls_lab.drawing import definitions, side_by_side
from mtls_lab.errors import LabError, UnknownName
from mtls_lab.files import PathLike
from mtls_lab.panels.base import Panel, details, escape
from mtls_lab.panels.needed import need
from mtls_lab.pki import Field, common_name, describe, read_certificate, read_fields
from mtls_lab.text import printable

__all__ = ["CertificatePanel", "card"]

OCTETS = re.compile(r"(?:[0-9a-f]{2}:){4,}[0-9a-f]{2}")
#: The fields that decide whom one talks to, which Part 2 needs first; the others are folded.
FIRST = (
    "subject",
    "issuer",
    "validity",
    "basicConstraints",
    "extendedKeyUsage",
    "subjectAltName",
)

Source = x509.Certificate | PathLike


class CertificatePanel(Panel):
    """Certificates as cards, one at a time; `value` is the `x509.Certificate` that is shown.

    A file that is missing or holds no certificate is named in the panel, and `value` is its
    FileProblem.

    Args:
        sources: certificates, or files that hold one.

    Raises:
        LabError: no certificate was given.
    """

    name = "certificate"
    looks = ("certificate",)

    def __init__(self, *sources: Source) -> None:
        super().__init__(
            "What a certificate says",
            "Each field: what it says here, what it is for, and where it is defined.",
        )
        if not sources:
            raise LabError(
                "no certificate",
                "one or more, or files that hold one, such as 'backend/server.crt'",
                "give the panel a certificate to show",
            )
        self._certificates: dict[str, Source] = {}
        for source in sources:
            self._certificates[self._label(source)] = source
        self._which = ipywidgets.Dropdown(
            options=list(self._certificates),
            description="Certificate:",
            style={"description_width": "initial"},
        )
        self.on_change(self._which, self._draw)
        if len(self._certificates) > 1:
            self.add(self._which)
            self.box.add_class("lab-several")
        self._card = ipywidgets.HTML()
        self.add_below(self._card)
        self.guard(self._draw)

    def _label(self, source: Source) -> str:
        if not isinstance(source, x509.Certificate):
            return os.fspath(source)
        label = printable(common_name(source)) or "no common name"
        same = sum(name.partition(" (")[0] == label for name in self._certificates)
        return f"{label} ({same + 1})" if same else label

    def select(self, certificate: str) -> x509.Certificate:
        """Show one of the certificates, by its file or its common name, and return it.

        Raises:
            UnknownName: it is not one of those that the panel was given.
        """
        with self.turn:
            if certificate not in self._certificates:
                raise UnknownName("certificate", certificate, self._certificates)
            with self.quietly():
                self._which.value = certificate
            self.guard(self._draw)
            shown: x509.Certificate = self.value
            return shown

    def still(self) -> str:
        """Return what the certificate says, without its numbers and dates."""
        says = (line.split(maxsplit=1) for line in describe(self.value).splitlines())
        head = f"<b>{escape(printable(self._which.value))}</b>"
        return side_by_side(drawing.card(head, definitions((name, text) for name, text in says)))

    def _draw(self) -> None:
        name = self._which.value
        certificate = self._certificates[name]
        self._card.value = ""
        if not isinstance(certificate, x509.Certificate):
            need(certificate)
            certificate = read_certificate(certificate)
        self._card.value = card(certificate)
        self.show(
            certificate,
            f"{printable(name)}\n{describe(certificate)}",
            f"<p>Shown: <b>{escape(printable(name))}</b></p>",
            outcome="shown",
        )


def card(
    certificate: x509.Certificate,
    *,
    shown: Collection[str] = (),
    changed: Collection[str] = (),
) -> str:
    """Return a certificate as HTML; everything that a CA wrote into it is escaped.

    Args:
        certificate: what to show.
        shown: names of further fields that are not folded; one that the certificate does not
            have is shown as missing.
        changed: names of those that are marked.
    """
    subject = printable(common_name(certificate)) or "(no common name)"
    fields = read_fields(certificate, also=shown)
    unfolded = {*FIRST, *shown}
    first = "".join(_row(each, changed) for each in fields if each.name in unfolded)
    others = [_row(each, changed) for each in fields if each.name not in unfolded]
    more = details(f"{len(others)} more fields", f"<dl>{''.join(others)}</dl>")
    return (
        f'<div class="lab-card"><div class="lab-head"><span>Certificate</span><b>{escape(subject)}'
        f"</b><span>{escape(_today(certificate))}</span></div><dl>{first}</dl>{more}</div>"
    )


def _row(field: Field, changed: Collection[str]) -> str:
    # A long row of hexadecimal digits breaks between two bytes, and a time of day nowhere.
    says = OCTETS.sub(lambda found: found[0].replace(":", ":<wbr>"), escape(field.value))
    if field.name in changed:
        says = f"<mark>{says}</mark> <span class='lab-tag'>changed</span>"
    critical = ' <span class="lab-tag">critical</span>' if field.critical else ""
    number, _, section = field.rfc.removeprefix("RFC ").partition(", ")
    link = (
        f'<a href="https://www.rfc-editor.org/rfc/rfc{escape(number)}#section-{escape(section)}" '
        f'target="_blank" rel="noopener">{escape(field.rfc)}</a>'
    )
    return (
        f"<div><dt>{escape(field.title)}<code>{escape(field.name)}</code></dt>"
        f'<dd class="lab-says">{says}{critical}</dd>'
        f"<dd>{escape(field.what)} <small>{link}</small></dd></div>"
    )


def _today(certificate: x509.Certificate) -> str:
    """Whether its dates are good today; whether anybody trusts it is another matter."""
    now = datetime.now(UTC)
    if now < certificate.not_valid_before_utc:
        return "✗ not valid yet"
    if now > certificate.not_valid_after_utc:
        return "✗ expired"
    days = (certificate.not_valid_after_utc - now).days
    return f"✓ in its dates, {days} more day{'' if days == 1 else 's'}"
