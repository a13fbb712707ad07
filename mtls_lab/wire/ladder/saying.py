"""What one message says: a sentence, its fields, and its bytes with the name of each.

Here: the HTML inside a rung. Not here: the rung (rungs.py), which fields there are (listing.py),
and how it looks (look.py).

Hovering or choosing a field marks its bytes, and hovering bytes marks their field: the row of a
field has the class `f7`, its bytes `g7` and, where no inner field has them, `b7`; look.py has a
rule for each number. The fields are radio buttons, so that arrow keys choose one.
"""

from __future__ import annotations

from functools import cache

from mtls_lab.common import read_facts
from mtls_lab.drawing import breakable, escape
from mtls_lab.wire.handshake import Message
from mtls_lab.wire.ladder.listing import BETWEEN, Listing, Piece, Row, listings
from mtls_lab.wire.ladder.look import Look
from mtls_lab.wire.reading.reader import NOT_READABLE

__all__ = ["sentence", "tell"]

#: Of more bytes that say one thing, only the first and the last are shown.
LONGEST, FIRST, LAST = 40, 16, 4
#: Of a chain, the first certificate is shown unfolded.
LINKS = {"CertificateEntry", "ASN.1Cert"}

HIDDEN = (
    "On the wire it was encrypted: Eve saw how long it is, and nothing else. Both ends are "
    "watched, so here it is decrypted."
)
CLEAR = "On the wire it was in clear: Eve can read it too."
UNKNOWN = (
    "Only its length is known, {size} bytes. To see what is in such a message, call "
    "watch(context) on both contexts before you ask."
)


@cache
def _sentences() -> dict[str, str]:
    return read_facts("messages")


@cache
def _meanings() -> dict[str, dict[str, str]]:
    """For fields, alerts, and the fields of certificates: what each is for, and where it is."""
    facts, inside = read_facts("message_fields"), read_facts("fields")
    return {
        "fields": facts["fields"],
        "alerts": facts["alerts"],
        "certificate": {name: each["what"] for name, each in inside.items()},
        "sections": {name: each["rfc"] for name, each in inside.items()},
    }


def sentence(message: Message) -> str:
    """Say what a message is for, and what is special about this one.

    Example:
        >>> from mtls_lab.wire import Direction
        >>> print(sentence(Message("ServerHelloDone", Direction.TO_DEVICE, 4, encrypted=False)))
        The backend has nothing more to say (TLS 1.2).
    """
    name = message.name if message.alert is None else "Alert"
    parts = [_sentences().get(name, "")]
    if message.alert:
        parts.append(_meanings()["alerts"].get(message.alert, ""))
    if message.empty:
        parts.append("This one is empty: the sender has no certificate to present.")
    if not message.arrived:
        parts.append("The other side never read it: it had stopped already.")
    return " ".join(part for part in parts if part)


def tell(message: Message, key: str, look: Look | None = None) -> str:
    """Return what a message says, as HTML.

    Args:
        message: with or without its bytes.
        key: tells the fields of this message from those of any other on the page.
        look: how elements are styled; by the style sheet if it is None.
    """
    look = look or Look()
    fields = message.fields
    if fields is None:
        return f"<p>{escape(UNKNOWN.format(size=message.size))}</p>"
    wire = HIDDEN if message.encrypted else CLEAR
    if message.compressed:
        wire += " It came compressed, as a CompressedCertificate (RFC 8879)."
    parts = [f"<p {look('wire')}>{wire} {_section(fields.rfc)}</p>"]
    for listing in listings(fields):
        if listing.title:
            parts.append(f"<p><b>{escape(listing.title)}</b></p>")
        rows, dump = _fields(listing, key, fields.rfc, look), " ".join(map(_piece, listing.pieces))
        parts.append(f"<div {look('both')}>{rows}<p {look('bytes')}>{dump}</p></div>")
    return "".join(parts)


def _piece(piece: Piece) -> str:
    data, title = piece.data, piece.title
    shown = data.hex(" ")
    if len(data) > LONGEST:
        left_out = f"… {len(data) - FIRST - LAST:,} more …"
        shown = f"{data[:FIRST].hex(' ')} {left_out} {data[-LAST:].hex(' ')}"
    kinds = "".join(f" g{number}" for number in piece.rows)
    kinds = f"b{piece.own}{kinds}" if piece.own >= 0 else ""
    named = f' class="{kinds}"' * bool(kinds)
    return f'<span{named} title="{escape(title)}">{shown}</span>'


def _fields(listing: Listing, key: str, rfc: str, look: Look) -> str:
    rows = "".join(_row(row, key, rfc, [], look) for row in listing.rows)
    more = ""
    if listing.more:
        more = f"<p>… and {listing.more:,} fields more: print(message.fields) has them all.</p>"
    group = 'role="radiogroup" aria-label="Fields"'
    return f"<div {group} {look('fields')}><ul>{rows}</ul>{more}</div>"


def _row(row: Row, key: str, rfc: str, told: list[str], look: Look) -> str:
    if row.number < 0:
        return ""
    inside = row.rfc.startswith("RFC 5280")
    where = _meanings()["sections"].get(row.name, row.rfc) if inside else row.rfc
    what = _meanings()["certificate" if inside else "fields"].get(row.name, "")
    again = row.name in told
    what = "" if again else what  # once is enough for a chain of certificates
    told.append(row.name)
    name = f"⚠ {row.name}" if row.name == NOT_READABLE else row.name
    rows = "".join(_row(each, key, row.rfc, told, look) for each in row.rows)
    value = row.value or _about(row)
    inner = f"<ul>{rows}</ul>" if rows else ""
    if rows and again and row.name in LINKS:
        inner = f"<details><summary{look.keys}>Its fields</summary>{inner}</details>"
    return "".join(
        [
            f'<li><label class="f{row.number}"><input type="radio" name="{escape(key)}"',
            f"{look.keys}><b>{breakable(name)}</b> <span>{_value(value)}</span></label>",
            f" {_section(where)}" * (where != rfc),
            f"<p>{escape(what)}</p>" * bool(what),
            inner,
            "</li>",
        ]
    )


def _value(value: str) -> str:
    """Each value of a list is kept on one line, where it fits on one."""
    if BETWEEN not in value:
        return breakable(value)
    joint = f"&nbsp;{BETWEEN.strip()}</span> <span>"
    return f"<span>{joint.join(map(breakable, value.split(BETWEEN)))}</span>"


def _about(row: Row) -> str:
    """Whose certificate it is, where a row holds one."""
    subject = next((each.value for each in row.walk() if each.name == "subject"), "")
    return subject if row.name in LINKS else ""


def _section(rfc: str) -> str:
    number, _, section = rfc.removeprefix("RFC ").partition(", ")
    if not section:
        return ""
    return (
        f'<a href="https://www.rfc-editor.org/rfc/rfc{escape(number)}#section-{escape(section)}" '
        f'target="_blank" rel="noopener">{escape(rfc)}</a>'
    )
