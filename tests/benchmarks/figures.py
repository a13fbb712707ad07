"""A figure: what was measured beside a bare floor, and the limit that it has to keep.

Here: measuring in turn, ratios, how a figure is printed. Not here: what is measured, the floors.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: Runs something once and returns the seconds that count.
Measure = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    measured: str
    limit: str
    met: bool
    details: str = ""

    def __str__(self) -> str:
        verdict = "ok" if self.met else "MISSED"
        line = f"{self.name:<43} {self.measured:>8}  {self.limit:<8}  {verdict:<6}  {self.details}"
        return line.rstrip()


def all_met(figures: Iterable[Figure]) -> bool:
    """Print each as soon as it is measured; whether all of them keep their limits."""
    missed = []
    for figure in figures:
        print(figure, flush=True)
        missed += [figure] * (not figure.met)
    return not missed


@dataclass(frozen=True, slots=True)
class Pairs:
    """Seconds for the lab and for the floor; what stands side by side was measured back to back."""

    ours: tuple[float, ...]
    floor: tuple[float, ...]

    def at_most(self, limit: float, name: str) -> Figure:
        """The lab's time as a multiple of the floor's."""
        ratios = [ours / floor for ours, floor in zip(self.ours, self.floor, strict=True)]
        return self._figure(ratios, name, f"≤ {limit:.2f}", met=statistics.median(ratios) <= limit)

    def rate_at_least(self, limit: float, name: str) -> Figure:
        """What the lab does in a second as a part of what the floor does."""
        ratios = [floor / ours for ours, floor in zip(self.ours, self.floor, strict=True)]
        return self._figure(ratios, name, f"≥ {limit:.2f}", met=statistics.median(ratios) >= limit)

    def _figure(self, ratios: list[float], name: str, limit: str, *, met: bool) -> Figure:
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        ours, floor = (1000 * statistics.median(times) for times in (self.ours, self.floor))
        details = f"{ours:.1f} : {floor:.1f} ms, half of {len(ratios)} in {low:.2f} to {high:.2f}"
        return Figure(name, f"{middle:.3f}", limit, met, details)


def compare(ours: Measure, floor: Measure, *, pairs: int) -> Pairs:
    """Measures both in turn, after one run of each that does not count.

    On a busy machine only what runs at nearly the same time can be compared. Who goes first
    alternates, so that what one leaves to be tidied up slows both alike.
    """
    ours(), floor()
    measured = []
    for number in range(pairs):
        if number % 2:
            second, first = floor(), ours()
        else:
            first, second = ours(), floor()
        measured.append((first, second))
    return Pairs(*zip(*measured, strict=True))


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
