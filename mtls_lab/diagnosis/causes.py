"""Several causes that look the same from here: which is likeliest, and what tells them apart.

Here: the order of the causes of an alert, by what each stack really sends. Not here: the causes
(data/explanations.toml), and what was measured (data/peers.toml).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from mtls_lab.errors import UnknownName
from mtls_lab.facts import read_facts

__all__ = ["Cause", "in_words", "ranked"]

#: How often each fault of a certificate is asked about, most often first: the order of causes
#: that as many stacks report with one alert.
OFTEN = ("none", "untrusted", "wrong_purpose", "expired", "self_signed", "not_yet_valid")


@dataclass(frozen=True, slots=True)
class Cause:
    """One of the causes of a failure, and which fault of data/faults.toml it is, if it is one."""

    text: str
    fault: str = ""


def ranked(why: str | list[Any], alert: str, peer: str = "") -> list[Cause]:
    """Return the causes of an entry, the likeliest first.

    In an entry, a cause is a text, or a table of the `cause`, the `check` that tells it from the
    others, `measured`, the fault of a certificate in data/peers.toml that it is, and `fault`, that
    in data/faults.toml (default: as measured).

    Args:
        why: as the entry has it.
        alert: the alert that arrived, if one did.
        peer: the stack that sent it; then only what this stack sends it for remains.

    Raises:
        UnknownName: there is no such stack.
    """
    if peer and peer not in _peers():
        raise UnknownName("peer", peer, _peers())
    placed = []
    for number, cause in enumerate([why] if isinstance(why, str) else why):
        table: dict[str, str] = {"cause": cause} if isinstance(cause, str) else cause
        fault = table.get("measured", "")
        senders = _senders(fault, alert, peer)
        if peer and fault and not senders:
            continue  # this stack sends something else for it
        rank = OFTEN.index(fault) if fault and senders else len(OFTEN)
        placed.append((rank, number, Cause(_text(table, senders), table.get("fault", fault))))
    return [cause for *_, cause in sorted(placed, key=lambda each: each[:2])]


def in_words(causes: list[str]) -> str:
    """Return one cause as it is, and several as a numbered list."""
    if len(causes) == 1:
        return causes[0]
    numbered = "; ".join(f"({number}) {cause}" for number, cause in enumerate(causes, 1))
    return f"One of these, which look the same from here: {numbered}."


def _text(cause: dict[str, str], senders: list[str]) -> str:
    text = cause["cause"]
    if senders:
        text += f" [{', '.join(senders)}]"
    return f"{text} – check: {cause['check']}" if "check" in cause else text


def _senders(fault: str, alert: str, peer: str) -> list[str]:
    """The stacks that send this alert for this fault, or this one if it does."""
    return [
        entry["name"]
        for name, entry in _peers().items()
        if fault and alert in entry.get(fault, ()) and peer in {"", name}
    ]


@cache
def _peers() -> dict[str, dict[str, Any]]:
    return read_facts("peers")
