"""What is known of a failure, and the entry of data/explanations.toml that fits it.

Here: the symptoms, which are what a `when` asks for, and the choice by them. Not here: where they
come from (views.py, caught.py, lines.py), what the entry says (explanation.py), and its words
(wording.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from mtls_lab.common import read_facts
from mtls_lab.wire import Failure, Stage
from mtls_lab.wire.names import alert_of, normal

__all__ = ["Entry", "Symptoms", "best_of", "find", "is_of_a_state", "known_reasons", "texts_of"]

Entry = dict[str, Any]

#: Whose view is told when both sides failed: who refused knows why, who was refused knows the
#: alert, and who sees a connection break off knows least.
SEEN_BY = ("refuser", "refused", "nobody")


@dataclass(frozen=True, slots=True)
class Symptoms:
    """What one side saw, as `when` in the data file asks for it; `""` is what nobody knows.

    `state` is what no failure says: how a good exchange was protected, that a rule raised, or
    which mistake is in a file. `words` are names that go with it. `says` is the line of another
    program that was read, `stack` who wrote it, `by` that program and its library by their
    names in data/lines.toml, `note` what is special about its words, `relayed` whether it has found
    nothing itself: the line repeats what the other side said. `files` are those that did not load,
    by `cert`, `key` and `ca`.
    """

    side: str = ""
    stage: str = ""
    failure: Failure = field(default_factory=lambda: Failure(""))
    version: str = ""
    peer: str = ""
    reply: str = ""
    state: str = ""
    words: tuple[tuple[str, str], ...] = ()
    says: str = ""
    stack: str = ""
    by: str = ""
    note: str = ""
    weight: float = 0
    relayed: bool = False
    files: tuple[tuple[str, str], ...] = ()

    @property
    def raw(self) -> str:
        """The failure as it came, and who has it."""
        return f"{self.side}: {self.failure}" if self.side else str(self.failure)

    @property
    def reason(self) -> str:
        """The reason of the failure, under the name that every release shares."""
        return normal(self.failure.reason)

    @property
    def alert(self) -> str:
        """The alert that arrived, by its name in RFC 8446; or `""`."""
        return alert_of(self.reason)

    @property
    def believed(self) -> bool:
        """Whether this is a device that took itself for connected until it read.

        In TLS 1.2 it has heard of every refusal by then, so the version need not be known.
        """
        return (self.side, self.stage) == ("device", Stage.FIRST_READ.value) and (
            self.version in {"", "TLSv1.3"}
        )


# --- Which entry fits


def best_of(views: Iterable[Symptoms]) -> tuple[Entry, Symptoms]:
    """Return the view that tells most, with its entry."""
    return min((find(seen) for seen in views), key=_tells_less)


def find(seen: Symptoms) -> tuple[Entry, Symptoms]:
    """Return the first entry that fits; it may tell the side, if that was not known."""
    failure = seen.failure
    facts: dict[str, object] = {
        "state": seen.state,
        "reply": seen.reply,
        "error": failure.error,
        "reason": re.sub("^WSAE", "E", seen.reason),  # Windows has its own names
        "alert": seen.alert,
        "verify_code": "none" if failure.verify_code is None else failure.verify_code,
        "text": failure.text,
        "side": seen.side,
        "stage": seen.stage,
        "version": seen.version,
    }
    for entry, when in _conditions():
        for key, wanted in when.items():
            if not _fits(key, wanted, facts[key]):
                break
        else:
            return entry, replace(seen, side=seen.side or "".join(when.get("side", ())))
    raise AssertionError("the last entry fits everything")


def is_of_a_state(entry: Entry, state: str) -> bool:
    """Whether an entry is about this state."""
    return any(state in _list(when.get("state", ())) for when in _list(entry["when"]))


@cache
def known_reasons() -> frozenset[object]:
    """The reasons that an entry asks for."""
    return frozenset(each for _, when in _conditions() for each in when.get("reason", ()))


@cache
def _entries() -> tuple[Entry, ...]:
    return tuple({"name": name} | entry for name, entry in read_facts("explanations").items())


@cache
def _conditions() -> tuple[tuple[Entry, dict[str, list[Any]]], ...]:
    """Each table of a `when` with its entry, every value as a list."""
    return tuple(
        (entry, {key: _list(value) for key, value in when.items()})
        for entry in _entries()
        for when in _list(entry["when"])
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _fits(key: str, wanted: list[Any], fact: object) -> bool:
    if key in {"text", "reply"}:
        return any(part in str(fact) for part in wanted)
    return fact in wanted or bool(fact if "*" in wanted else key in {"side", "stage"} and not fact)


def _tells_less(found: tuple[Entry, Symptoms]) -> tuple[int, bool]:
    entry, _ = found
    return SEEN_BY.index(entry["seen_by"]), not entry.get("known", True)


def texts_of(entry: Entry, seen: Symptoms, *, asked: bool) -> Entry:
    """Return what an entry says on this side, with what to ask for if no file is `asked` about."""
    texts: Entry = {"who": "{Refuser} refused {refused}."} | entry | entry.get(seen.side, {})
    ask = "" if asked else entry.get("ask", "")
    return texts | {"fix": f"{texts['fix']} {ask}".strip()}
