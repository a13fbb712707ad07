"""Exercise of Part 4: move a fleet from one CA to the next, and refuse no device on the way.

Here: the check, which lets the whole fleet call after each step. Not here: the fleet itself
(experiments/life.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mtls_lab.common import UnknownName
from mtls_lab.exercises.calling import call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import shown
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.experiments import Life
from mtls_lab.experiments.life import LifeReport

__all__ = ["roll_over"]

SIZE = 3
#: How often a device that is off does not answer.
OFF = 2
RULE = "no good device is refused after any step"


class _Fleet:
    """A fleet as the learner's function gets it: each method is a step, after which all call."""

    def __init__(self) -> None:
        self._life = Life(SIZE)
        self.report = self._life.report()
        self.names = tuple(each.name for each in self.report.devices)
        self.outage: NotYet | None = None
        self._off = {self.names[-1]: OFF}

    def trust(self, which: str) -> None:
        """Let the backend trust "CA 1", "both" or "CA 2"."""
        self._after(f"trust({which!r})", self._life.trust(which))

    def sign_with(self, which: str) -> None:
        """Let the office sign with "CA 1" or "CA 2"; one device renews at once."""
        first = self.names[0]
        self._after(f"sign_with({which!r})", self._life.sign_with(which))
        self._after(f"sign_with({which!r}), when {first} has renewed", self._life.renew(first))

    def renew(self, name: str) -> bool:
        """Let a device renew; False if it is off just now."""
        if self._off.get(name, 0):
            self._off[name] -= 1
            return False
        self._after(f"renew({name!r})", self._life.renew(name))
        return True

    def _after(self, step: str, report: LifeReport) -> None:
        self.report = report
        if report.refused and self.outage is None:
            refused = report.refused
            verb = "is" if len(refused) == 1 else "are"
            names = ", ".join(each.name for each in refused)
            self.outage = NotYet(f"after {step}, {names} {verb} refused: {refused[0].why}", RULE)

    def old_ca_signs(self) -> list[str]:
        """Return where a certificate is served that is signed with the old CA's key today."""
        places = ("by the backend", "by the office")
        asked = zip(places, self._life.certified_by("CA 1"), strict=True)
        return [place for place, member in asked if member.served]


@exercise("a function roll_over(fleet)")
def roll_over(function: Callable[..., Any]) -> Iterator[str]:
    """Move a fleet to another CA, step by step."""
    fleet = _Fleet()
    called = call(function, fleet)
    if isinstance(called.error, UnknownName):
        raise NotYet(called.error.found, f"expected: {called.error.expected}")
    called.returned('a fleet has names, trust("both"), sign_with("CA 2") and renew(name)')
    if called.value is not None and called.value is not fleet:
        raise NotYet(f"{called.name} returned {shown(called.value)}", "it moves the fleet it gets")
    if fleet.outage:
        raise fleet.outage
    yield "after each step, every device is served"
    left = [each.name for each in fleet.report.devices if each.ca != "CA 2"]
    if left:
        raise NotYet(
            f"at the end, {', '.join(left)} still {'has' if len(left) == 1 else 'have'} a"
            " certificate of CA 1",
            "a device that is off renews when it is back: ask again",
        )
    yield "every device has a certificate of CA 2, the one that was off too"
    if places := fleet.old_ca_signs():
        raise Unsafe(
            f"a thief with the key of CA 1 signed a certificate, and was served {places[0]}",
            "nobody should trust a CA that nobody needs any more",
        )
    yield "a certificate that a thief signs with the key of CA 1 is refused, by the office too"
