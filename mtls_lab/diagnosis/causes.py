"""Several causes that look the same from here: which is likeliest, and what tells them apart.

Here: the order of the causes of an alert, by what each stack really sends. Not here: the causes
(data/explanations.toml), and what was measured (data/peers.toml).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from mtls_lab.errors import UnknownName
from mtls_lab.facts import read_facts

__all__ = ["in_words", "ranked"]

#: How often each fault of a certificate is asked about, most often first: the order of causes
#: that as many stacks report with one alert.
OFTEN = ("none", "untrusted", "wrong_purpose", "expired", "self_signed", "not_yet_valid")


def ranked(why: str | list[Any], alert: str, peer: str = "") -> list[str]:
    """Return the causes of an entry as texts, the likeliest first.

    A cause is a text, or a table of the `cause`, the `check` that tells it from the others, and
    `measured`, the fault of a certificate in data/peers.toml that it is.

    Args:
        why: as the entry has it.
        alert: the alert that arrived, if one did.
        peer: the stack that sent it; then only what this stack sends it for remains.

    Raises:
        UnknownName: there is no such stack.
    """
    if peer and peer not in _peers():
        raise UnknownName("peer", peer, _peers())
    causes = [why] if isinstance(why, str) else why
    placed = []
    for number, cause in enumerate(causes):
        fault = cause.get("measured", "") if isinstance(cause, dict) else ""
        senders = _senders(fault, alert, peer)
        if peer and fault and not senders:
            continue  # this stack sends something else for it
        rank = OFTEN.index(fault) if fault and senders else len(OFTEN)
        placed.append((rank, number, _text(cause, senders)))
    placed.sort()
    return [text for *_, text in placed]


def in_words(causes: list[str]) -> str:
    """Return one cause as it is, and several as a numbered list."""
    if len(causes) == 1:
        return causes[0]
    numbered = "; ".join(f"({number}) {cause}" for number, cause in enumerate(causes, 1))
    return f"One of these, which look the same from here: {numbered}."


def _text(cause: str | dict[str, str], senders: list[str]) -> str:
    if isinstance(cause, str):
        return cause
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
