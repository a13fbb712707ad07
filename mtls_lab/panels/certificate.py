"""The certificate panel: any certificate as a card, each field with what it is for.

Here: the card as HTML, and the panel that shows it. Not here: the facts about the fields
(data/fields.toml), reading a certificate (pki/description.py), what is wrong in somebody's files
(experiments/own.py), trying one out (workbench.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import ipywidgets
from cryptography import x509

from mtls_lab import drawing
from mtls_lab.common import FileProblem, LabError, PathLike, UnknownName, printable
from mtls_lab.drawing import breakable, definitions, escape, side_by_side
from mtls_lab.experiments.own import ROLES, Own, look_into, read_chain
from mtls_lab.panels.base import WIDE, Panel, details, mark, need
from mtls_lab.pki import Field, common_name, describe, read_fields
from mtls_lab.pki.signed import expect_certificate

__all__ = ["CertificatePanel", "card", "found_in"]

WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
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

    Your own files may be in any form, with a chain: each certificate in them has a card, and what a
    verifier objects to stands above it. A file that is missing or holds no certificate is named in
    the panel, and `value` is its FileProblem.

    Args:
        sources: certificates, or files that hold one or several: PEM, PKCS #12 or PKCS #7.
        keyfile: the private key of the first certificate of each file, of any kind.
        cafile: the CAs that a verifier trusts; then the chain is followed to them.
        crlfile: the verifier's revocation lists.
        password: of a PKCS #12 file or of the key.
        role: "client" or "server", to have the purpose looked at too.

    Raises:
        LabError: no certificate was given, or something else.
        UnknownName: there is no such role.
    """

    name = "certificate"
    looks = ("certificate",)

    def __init__(
        self,
        *sources: Source,
        keyfile: PathLike | None = None,
        cafile: PathLike | None = None,
        crlfile: PathLike | None = None,
        password: str | None = None,
        role: str = "",
    ) -> None:
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
        for source in sources:
            if not isinstance(source, str | os.PathLike):
                expect_certificate(source, type(self).__name__)
        if role not in ROLES:
            raise UnknownName("role", role, [each for each in ROLES if each])
        self._with: dict[str, Any] = {
            "keyfile": keyfile,
            "cafile": cafile,
            "crlfile": crlfile,
            "password": password,
            "role": role,
        }
        #: By its label: where a certificate is, and which of that file it is.
        self._places: dict[str, tuple[Source, int]] = {}
        for source in sources:
            for number in range(self._count(source)):
                self._places[self._label(source, number)] = source, number
        self._which = ipywidgets.Dropdown(
            options=list(self._places),
            description="Certificate:",
            style=WIDE,
        )
        self.on_change(self._which, self._draw)
        if len(self._places) > 1:
            self.add(self._which)
            self.box.add_class("lab-several")
        if any(self._with.values()):
            self.box.add_class("lab-own")
        self._own: Own | None = None
        self._card = ipywidgets.HTML()
        self.add_below(self._card)
        self.guard(self._draw)

    def _count(self, source: Source) -> int:
        """How many certificates a source holds; if it cannot be read, that is told later."""
        if isinstance(source, x509.Certificate):
            return 1
        try:
            return len(read_chain(source, self._with["password"]))
        except FileProblem:
            return 1

    def _label(self, source: Source, number: int) -> str:
        if not isinstance(source, x509.Certificate):
            return f"{os.fspath(source)}, number {number + 1}" if number else os.fspath(source)
        label = printable(common_name(source)) or "no common name"
        same = sum(name.partition(" (")[0] == label for name in self._places)
        return f"{label} ({same + 1})" if same else label

    def select(self, certificate: str) -> x509.Certificate:
        """Show one of the certificates, by its file or its common name, and return it.

        The second one of a file is `"FILE, number 2"`.

        Raises:
            UnknownName: it is not one of those that the panel was given.
        """
        with self.turn:
            if certificate not in self._places:
                raise UnknownName("certificate", certificate, self._places)
            with self.quietly():
                self._which.value = certificate
            self.guard(self._draw)
            shown: x509.Certificate = self.value
            return shown

    def still(self) -> str:
        """Return what the certificate says, without its numbers and dates, and what is wrong."""
        says = (line.split(maxsplit=1) for line in describe(self.value).splitlines())
        head = f"<b>{escape(self._which.value)}</b>"
        rows = [(name, text) for name, text in says]
        rows += [("Finding", said) for said in (self._own.findings_told if self._own else ())]
        return side_by_side(drawing.card(head, definitions(rows)))

    def _draw(self) -> None:
        name = self._which.value
        source, number = self._places[name]
        self._card.value, self._own = "", None
        if not isinstance(source, x509.Certificate):
            need(source)
        need(*(file for key, file in self._with.items() if file and key.endswith("file")))
        self._own = own = look_into(source, **self._with)
        certificate = own.certificates[number]
        self._card.value = card(certificate)
        told = "".join(f"\n{each}" for each in own.findings_told)
        found = found_in(own, checked=any(self._with.values()))
        self.show(
            certificate,
            f"{printable(name)}\n{describe(certificate)}{told}",
            f"<p>Shown: <b>{escape(name)}</b></p>{found}",
            outcome="shown",
        )


def found_in(own: Own, *, checked: bool) -> str:
    """Return what a verifier objects to, with what to do, as HTML; all of it is escaped.

    Args:
        own: the files.
        checked: whether to say that nothing was found.
    """
    items = [f"<li>✗ {breakable(each)}</li>" for each in own.unread]
    items += [
        f"<li>✗ {breakable(says)}. <small>{breakable(fix)}</small></li>"
        for says, fix in own.findings
    ]
    if items:
        return f"<h5>What a verifier objects to</h5><ul class='lab-found'>{''.join(items)}</ul>"
    return mark(True, "No fault found in these files") if checked else ""  # noqa: FBT003 - a verdict


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
    # A long row of hexadecimal digits breaks between two bytes, and a date nowhere.
    says = OCTETS.sub(lambda found: found[0].replace(":", ":<wbr>"), escape(field.value))
    says = WHEN.sub(r"<span>\g<0></span>", says)
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
    return f"✓ in date, {days} more day{'' if days == 1 else 's'}"
