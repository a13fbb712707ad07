"""The faults of a kata: what each is, how it shows, and which a seed draws.

Here: data/kata.toml as values, and the draw. Not here: what a fault does to the files
(sabotage.py), and what a learner sees of it (task.py).
"""

from __future__ import annotations

import hashlib
import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mtls_lab.common import LabError, UnknownName, kind_of, read_facts
from mtls_lab.kata.sabotage import STEPS, edit
from mtls_lab.wire import Expected, Stage

__all__ = ["LEVELS", "Fault", "catalogue", "drawn", "drawn_before", "slug"]

LEVELS = {
    1: "one fault, and its message names it",
    2: "one fault, and its message misleads",
    3: "two faults, and the second shows when the first is repaired",
    4: "one fault of a fleet's life: a chain, a renewal, a CA that was rolled",
}
#: Longer is no folder's name.
NAME_LENGTH = 40
#: How many faults data/kata.toml had at first: what they gave a seed, stays. A new fault comes
#: after them, at the end of the file.
FIRST = 31
#: And how many it had when the seeds that had the fault of an example got another one.
SECOND = 36


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to be broken; data/kata.toml says what each attribute means."""

    name: str
    level: int
    order: int
    parts: frozenset[str]
    wrong: str
    first: str
    device: Expected
    backend: Expected | None
    find: str
    says: str
    repair_in_words: str
    edit: tuple[str, str] | None = None
    example: int = 0
    life: bool = False

    def break_(self, folder: Path) -> None:
        """Put this fault into the folder of a kata. Raises FileProblem."""
        if self.edit:
            edit(folder, *self.edit)
        else:
            STEPS[self.name](folder)

    def hides(self, other: Fault) -> bool:
        """Whether in one folder this fault shows first, and its repair leaves the other."""
        return self.order < other.order and not self.parts & other.parts

    def __hash__(self) -> int:  # a seed is looked up among a thousand pairs
        return hash(self.name)

    def __str__(self) -> str:
        lines = {
            "Wrong": self.wrong,
            "Shows": self._shows(),
            "Find": self.find,
            "Look for": self.says,
            "Repair": self.repair_in_words,
        }
        return "\n".join(f"{label + ':':<9} {text}" for label, text in lines.items())

    def _shows(self) -> str:
        sides = {"device": self.device, "backend": self.backend}
        if self.first not in sides:
            return "the device is served, and so is Mallory: kata.check() says how"
        shown = [f"the {self.first}: {_in_words(sides.pop(self.first))}"]
        shown += [f"the {side}: {_in_words(expected)}" for side, expected in sides.items()]
        return "; ".join(shown)


def _in_words(expected: Expected | None) -> str:
    if expected is None:
        return "sees no connection"
    code = f" (verify code {expected.verify_code})" if expected.verify_code else ""
    unnamed = "PEM lib" if expected.stage is Stage.SETUP else ""
    return f"{expected.stage.value}, {expected.reason or expected.reply or unnamed}{code}"


# --- Which fault


@cache
def catalogue() -> dict[str, Fault]:
    """Return every fault by its name.

    Example:
        >>> catalogue()["client_expired"].backend.verify_code
        10
    """
    return {name: _fault(name, entry) for name, entry in read_facts("kata").items()}


def _fault(name: str, entry: dict[str, Any]) -> Fault:
    for side in ("device", "backend"):
        seen = entry.pop(side, None)
        entry[side] = seen and Expected.read(seen)
    right, wrong = entry.pop("edit", (None, None))
    entry["edit"] = (right, wrong) if right else None
    words = entry.pop("repair")
    return Fault(name=name, parts=frozenset(entry.pop("parts")), repair_in_words=words, **entry)


def drawn(seed: str | int, level: int) -> tuple[Fault, ...]:
    """Return the faults of a seed, the one that shows first in front.

    The choice is the same on every machine and every Python. A fault that is added later takes
    its fair share of the seeds, and every other seed keeps what it has: a teacher's
    `mtls-lab key anna` still describes Anna's folder. At level 2, no seed has the fault of an
    example, which is worked out in front of everybody. At level 3, one of the two needs the
    revocation list, and neither is a fault that the same seed has at level 1 or 2. At level 4 it is
    one of a fleet's life, and one that the same seed does not have at another level.

    Raises:
        LabError: a seed of another type, or without a letter or digit.
        UnknownName: a level that does not exist.

    Example:
        >>> drawn("Anna", 1) == drawn(" anna", 1)
        True
    """
    if type(level) is not int or level not in LEVELS:
        raise UnknownName("level", str(level), map(str, LEVELS))
    if level == 4:
        known = {fault for below in (1, 2, 3) for fault in drawn(seed, below)}
        alone = [(fault,) for fault in catalogue().values() if fault.life]
        lot = _lots(seed, level)
        return min(alone, key=lambda one: (one[0] in known, lot(one)))
    had = _draws(seed, level)
    return _instead(seed) if level == 2 and had[-1][0].example else had[-1]


def drawn_before(seed: str | int, level: int) -> tuple[Fault, ...] | None:
    """Return what a seed had before the draw was changed, None if that is what it has.

    A learner may still have such a folder: at level 3 from before one of the two had to need the
    list, at level 2 from before the faults of the examples were left out. Raises LabError.
    """
    if level == 4:
        return None
    before = _first(seed, 3, _pairs(_catalogued(FIRST))) if level == 3 else _draws(seed, level)[-1]
    return None if before == drawn(seed, level) else before


def _catalogued(count: int | None) -> tuple[Fault, ...]:
    """Return the faults as they were added, all of them or as many as there were once."""
    return tuple(catalogue().values())[:count]


def _draws(seed: str | int, level: int, count: int | None = None) -> list[tuple[Fault, ...]]:
    """Return what a seed has had: among the first faults, and whenever a fault was added since."""
    if level == 3:
        return [_pair(seed, count)]
    every, lot = _catalogued(count), _lots(seed, level)
    choices = _of_level(every[:FIRST], level)
    had, shares = [_first(seed, level, choices)], len(choices)
    for added in every[FIRST:]:
        if added.level == level:
            shares += 1
            if lot((added,)) % shares == 0:
                had.append((added,))
    return had


def _pair(seed: str | int, count: int | None) -> tuple[Fault, ...]:
    """Return the two faults that a seed has at level 3, among all or so many.

    Whatever it had once at level 1 or 2 is out: so another fault there changes nothing here but a
    pair with the new one.
    """
    known = {fault for below in (1, 2) for had in _draws(seed, below, count) for fault in had}
    if count is None:
        known.update(_instead(seed))
    pairs = (pair for pair in _of_level(_catalogued(count), 3) if known.isdisjoint(pair))
    return min(pairs, key=_lots(seed, 3))


def _instead(seed: str | int) -> tuple[Fault, ...]:
    """Return what a seed has at level 2 in place of the fault of an example.

    It is none of those that the seed had at level 3 then, so nothing else changes for anybody.
    """
    had = _pair(seed, SECOND)
    left = (fault for fault in _catalogued(SECOND) if not fault.example and fault not in had)
    return min(_of_level(tuple(left), 2), key=_lots(seed, 2))


def _first(seed: str | int, level: int, choices: list[tuple[Fault, ...]]) -> tuple[Fault, ...]:
    return random.Random(f"{level}/{slug(seed)}").choice(choices)


def _lots(seed: str | int, level: int) -> Callable[[tuple[Fault, ...]], int]:
    """What a seed draws for a choice: a number, whatever else there is to choose from."""
    drawer = f"{level}/{slug(seed)}/"

    def lot(choice: tuple[Fault, ...]) -> int:
        drawn_for = f"{drawer}{'/'.join([fault.name for fault in choice])}"
        return int.from_bytes(hashlib.sha256(drawn_for.encode()).digest(), "big")

    return lot


@lru_cache(maxsize=16)
def _of_level(faults: tuple[Fault, ...], level: int) -> list[tuple[Fault, ...]]:
    """What a level is about: one fault of it, or two of which one needs the list."""
    if level < 3:
        return [(fault,) for fault in faults if fault.level == level]
    return [pair for pair in _pairs(faults) if level in {fault.level for fault in pair}]


def _pairs(faults: tuple[Fault, ...]) -> list[tuple[Fault, ...]]:
    """Two faults of which the first hides the second."""
    return [(one, other) for one in faults for other in faults if one.hides(other)]


def slug(seed: str | int) -> str:
    """Return a seed as part of a folder's name; what is written alike is the same kata.

    Raises LabError.

    Example:
        >>> slug("  Anna-Lena O."), slug(7)
        ('anna-lena-o', '7')
    """
    wanted = "a number, or a short text such as your name"
    if isinstance(seed, bool) or not isinstance(seed, str | int):
        raise LabError(f"a seed that is {kind_of(seed)}", wanted, "give another seed")
    text = unicodedata.normalize("NFKC", str(seed)).casefold()
    words = "".join(c if c.isalnum() else " " for c in text).split()
    name = "-".join(words)
    if not 0 < len(name) <= NAME_LENGTH:
        found = f"a seed with {len(name)} letters and digits"
        raise LabError(found, f"{wanted}: 1 to {NAME_LENGTH}", "give another seed")
    return name
