"""Several causes that look the same from here: which is likeliest, and which the files rule out.

Here: the order of the causes of an alert, by what each stack really sends, and causes against what
a look into files has found. Not here: the causes (data/explanations.toml, data/faults.toml), what
was measured (peers.py), and the look itself (look.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mtls_lab.common import read_facts
from mtls_lab.explaining.peers import OFTEN, alerts_sent, names_of, peer_named

__all__ = ["Cause", "disproved", "in_words", "others_than", "ranked", "ruled_out"]

#: Who sends an alert for a cause, behind it.
SENDERS = re.compile(r" \[[^]]+ [\d.]+\](?: – check|$)")


@dataclass(frozen=True, slots=True)
class Cause:
    """One of the causes of a failure, and which fault of data/faults.toml it is, if it is one.

    One that is `likely` no file shows, and it comes before the use of other files than those given.
    """

    text: str
    fault: str = ""
    likely: bool = False


def ranked(
    why: str | list[Any],
    alert: str,
    peer: str,
    said: Sequence[str],
    *,
    course: bool,
    verifier: str,
    owner: str,
) -> list[Cause]:
    """Return the causes of an entry, the likeliest first.

    In an entry, a cause is a text, or a table of the `cause`, the `check` that tells it from the
    others, `measured`, the fault of a certificate in data/peers.json that it is, `fault`, that in
    data/faults.toml (default: as measured), and `to = "course"` or `to = "others"` if it is told
    in the course only, or to whoever is not in it, `verifiers` if only these libraries say this
    for it, `of` if only this side's certificate can have it, and `likely = true` if no file shows
    it.

    Args:
        why: as the entry has it.
        alert: the alert that arrived, if one did.
        peer: the stack that sent it, perhaps with a version, such as "go 1.27"; then only what
            this sends it for remains.
        said: the faults for which peers have said the very line that is asked about.
        course: whether the reader is in the course.
        verifier: the library that has verified, as its words show.
        owner: whose certificate it is, "device" or "backend"; `""` if that is not known.

    Raises:
        UnknownName: there is no such stack.
    """
    peer = peer and peer_named(peer)
    placed, told_to = [], "course" if course else "others"
    for number, cause in enumerate([why] if isinstance(why, str) else why):
        table: dict[str, Any] = {"cause": cause} if isinstance(cause, str) else cause
        if table.get("to", told_to) != told_to:
            continue
        if verifier not in {"", *table.get("verifiers", [verifier])}:
            continue
        if owner not in {"", table.get("of", owner)}:
            continue
        fault = table.get("measured", "")
        senders = _senders(fault, alert, peer)
        if peer and fault and not senders:
            continue  # this stack sends something else for it
        rank = OFTEN.index(fault) if fault and (senders or fault in said) else len(OFTEN)
        told = Cause(_text(table, senders), table.get("fault", fault), table.get("likely", False))
        placed.append((fault not in said, rank, number, told))
    return [cause for *_, cause in sorted(placed, key=lambda each: each[:3])]


def in_words(causes: list[str]) -> str:
    """Return one cause as it is, and several as a numbered list.

    Example:
        >>> in_words(["it has expired", "it was damaged"])
        'One of these, which look the same from here: (1) it has expired; (2) it was damaged.'
    """
    if len(causes) == 1:
        return causes[0]
    numbered = "; ".join(f"({number}) {cause}" for number, cause in enumerate(causes, 1))
    senders = "; in brackets, servers that send this alert for it" * any(
        map(SENDERS.search, causes)
    )
    return f"One of these, which look the same from here{senders}: {numbered}."


def _text(cause: dict[str, str], senders: list[str]) -> str:
    text = cause["cause"]
    if senders:
        text += f" [{', '.join(senders)}]"
    return f"{text} – check: {cause['check']}" if "check" in cause else text


def _senders(fault: str, alert: str, peer: str) -> list[str]:
    """The stacks that send this alert for this fault, or this one if it does."""
    if not fault or not alert:
        return []
    return [
        entry["name"]
        for entry in alerts_sent()
        if alert in entry.get(fault, ()) and peer in {"", *names_of(entry)}
    ]


# --- What files rule out

#: In this order they are named.
FILES = ("cert", "key", "ca", "crl")
#: Whose certificate it is decides which purpose it needs; the other one disproves nothing.
OTHER_PURPOSE = {"device": " for servers", "backend": " for clients"}


def disproved(
    causes: Sequence[Cause], found: Collection[str], at_hand: Collection[str], owner: str
) -> tuple[Cause, ...]:
    """Return the causes that the files rule out, in their order.

    Args:
        causes: what may have caused a failure.
        found: the names of what a look into the files has found.
        at_hand: which files could be read: `cert`, `key`, `ca`, `crl`.
        owner: whose certificate it is, "device" or "backend"; `""` if that is not known.

    Example:
        >>> expired, gone = Cause("it has expired", "expired"), Cause("nobody is there")
        >>> disproved([expired, gone], found=(), at_hand={"cert"}, owner="device") == (expired,)
        True
        >>> disproved([expired, gone], found={"expired"}, at_hand={"cert"}, owner="device")
        ()
    """
    foreign = OTHER_PURPOSE.get(owner, "nobody's")
    shown = {name for name in found if not name.endswith(foreign)}
    return tuple(
        cause
        for cause in causes
        if cause.fault in _faults()
        and set(_faults()[cause.fault]["files"]) <= set(at_hand)
        and shown.isdisjoint(_faults()[cause.fault]["looks"])
    )


def others_than(causes: Sequence[Cause], look: str) -> list[Cause]:
    """Return the causes that a look into the files has not told already.

    Example:
        >>> gone = Cause("nobody is there")
        >>> others_than([Cause("it has expired", "expired"), gone], "expired") == [gone]
        True
    """
    return [each for each in causes if look not in _faults().get(each.fault, {}).get("looks", ())]


@cache
def _faults() -> dict[str, dict[str, Any]]:
    return read_facts("faults")


def ruled_out(ruled: Sequence[Cause], names: Mapping[str, str]) -> str:
    """Return in few words which causes are ruled out, and by which files; `""` if none are."""
    if not ruled:
        return ""
    said = ", ".join(dict.fromkeys(_faults()[each.fault]["says"] for each in ruled))
    needed = {name for each in ruled for name in _faults()[each.fault]["files"]}
    files = " and ".join(dict.fromkeys(names[name] for name in FILES if name in needed))
    return f"ruled out by {files}: {said}"
