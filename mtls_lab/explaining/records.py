"""A log of many connections has many failures: which others are there, beside the one that is told?

Here: the records of a log, each by itself, and how many are of one kind. Not here: which line is
told (lines.py), and what it means (explanation.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mtls_lab.explaining.lines import heard
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.explaining.weights import TELLING

__all__ = ["Other", "others_in"]

#: What begins a record of a log: a time, alone, in seconds, in brackets or after an address.
TIMED = re.compile(
    r"\W{0,3}(?:\d{4}[-/.]\d\d[-/.]\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d|\d{10}: |\d\d:\d\d:\d\d"
    r"|\S{1,60} \[\d\d/[A-Z][a-z]{2}/\d{4})"
)
#: So many records are looked at, the last ones.
MOST = 200


@dataclass(frozen=True, slots=True)
class Other:
    """A kind of failure that a log has beside the one that is told: a line of it, and how many."""

    says: str
    count: int


def others_in(text: str, told: str) -> list[Other]:
    """Return the other kinds of failures in a log, the most frequent first.

    Args:
        text: the log.
        told: the line of it that is told.
    """
    records = [line for line in text.splitlines() if TIMED.match(line)][-MOST:]
    if len(records) < 2:
        return []
    this, kinds = _kind(heard(told)), dict[object, Other]()
    for seen in map(heard, records):
        kind = _kind(seen)
        if seen.weight >= TELLING and kind != this:
            known = kinds.get(kind, Other(seen.says, 0))
            kinds[kind] = replace(known, says=seen.says, count=known.count + 1)
    return sorted(kinds.values(), key=lambda other: -other.count)


def _kind(seen: Symptoms) -> object:
    return seen.state or seen.failure.verify_code or seen.failure.reason or seen.failure.error
