"""The broken PKI of one learner: made from a seed, judged by live connections.

Here: the kata as the learner meets it, its check, and the teacher's key. Not here: its folder
(folder.py), the faults (faults.py), their files (sabotage.py), and what the check tries (exam.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.common import FileProblem, Shown, writing
from mtls_lab.drawing import code, escape
from mtls_lab.exercises import Outcome, Result, judge, remembered
from mtls_lab.kata import exam, faults
from mtls_lab.kata.folder import (
    DRAWN,
    SESSIONS,
    digests,
    has_expired,
    listing,
    made_of,
    make,
    put_aside,
    put_by,
)
from mtls_lab.learner.folder import learner_folder
from mtls_lab.wire import Exchange

__all__ = ["FOLDER", "Kata", "kata_key"]

FOLDER = "kata"
ASKS = "The device asks for the secret:"
#: The level whose faults need a revocation list.
WITH_LIST = 3
GONE, AGAIN = "the folder of the kata is gone", "create the kata again"


@dataclass(frozen=True, slots=True, repr=False)
class Kata(Shown):
    """A folder in which a device and a backend should talk, and do not; `create` makes one.

    Attributes:
        seed: what it was made from, as its folder spells it.
        level: 1, 2, 3 or 4.
        folder: where its files are, absolute.
    """

    seed: str
    level: int
    folder: Path

    @classmethod
    def create(
        cls,
        seed: str | int,
        level: int = 1,
        folder: Path | str | None = None,
        *,
        fresh: bool = False,
    ) -> Kata:
        """Make the kata of this seed and level, or return to it with everything that was changed.

        The keys are new each time; which faults it has depends on seed and level alone.

        Args:
            seed: a number or a short text, such as the learner's name.
            level: 1, 2, 3 or 4.
            folder: where to; default: `kata/LEVEL-SEED` in the learner's folder.
            fresh: start again: the folder that is there is kept beside, as `….old`. One whose
                certificates have expired is, in any case.

        Raises:
            LabError: the seed is no number and no text.
            UnknownName: there is no such level.
            FileProblem: the folder cannot be written, or holds something else.
        """
        drawn, name = faults.drawn(seed, level), faults.slug(seed)
        home = learner_folder() or Path.cwd()
        target = Path(folder) if folder else home / FOLDER / f"{level}-{name}"
        kata = cls(name, level, target.absolute())
        with writing(target):
            if target.exists() and (fresh or has_expired(target)):
                put_aside(target)
            if not target.exists():
                make(target, drawn, crl=kata._crl)
        kata.changed()  # raises, if it is no kata's folder
        return kata

    @property
    def name(self) -> str:
        """How learner/progress.py knows it, such as `kata 1/anna`."""
        return f"kata {self.level}/{self.seed}"

    @property
    def title(self) -> str:
        """The first line of what is shown."""
        return f"Kata {self.level}/{self.seed}: {faults.LEVELS[self.level]}"

    @property
    def _crl(self) -> bool:
        return any(fault.level == WITH_LIST for fault in faults.drawn(self.seed, self.level))

    def changed(self) -> list[str]:
        """Return the files that are not as they were made. Raises FileProblem."""
        _, made = self._made()
        now = digests(self.folder)
        return [name for name in sorted(made | now) if made.get(name) != now.get(name)]

    def _made(self) -> tuple[int, dict[str, str]]:
        """Return how the folder was made, and the digests of then. Raises FileProblem."""
        if not self.folder.is_dir():
            raise FileProblem(GONE, "the folder that Kata.create has made", AGAIN)
        try:
            return made_of(self.folder)
        except (OSError, ValueError, TypeError):
            raise FileProblem(
                f"{self.folder} exists, but it is not a kata's folder",
                "no folder yet, or one that Kata.create has made",
                "give another folder, or Kata.create(…, fresh=True): this one is kept beside it",
            ) from None

    def ask(self) -> Exchange:
        """Let the device ask the backend, as the files are now, and return what both sides saw.

        Raises:
            FileProblem: contexts.py does not run, or does not end.
        """
        exchanges: list[Exchange] = []

        def once(_: Kata) -> Iterator[str]:
            exchanges.append(exam.meet(exam.load()))
            yield from ()

        result = self._judge(once)
        if not exchanges:
            raise FileProblem(result.found, "a contexts.py that runs", result.rule)
        return exchanges[0]

    def check(self) -> Result:
        """Connect the device with the backend, then attack both, and judge; it never raises.

        An attempt is noted as soon as anything was changed.
        """

        def steps(_: Kata) -> Iterator[str]:
            version, _digests = self._made()
            yield from exam.examine(crl=self._crl, sessions=version >= SESSIONS)

        result = self._judge(steps)
        with suppress(FileProblem):
            if self.changed():
                return self.remembered(result)
        return result

    def remembered(self, result: Result) -> Result:
        """Note an attempt in the learner's folder."""
        return remembered(result)

    def _judge(self, steps: Callable[[Kata], Iterator[str]]) -> Result:
        try:
            with chdir(self.folder):
                return judge(self.name, steps, self)
        except OSError:
            return Result(self.name, Outcome.NOT_YET, (), GONE, AGAIN)

    @property
    def _before(self) -> str:
        """What it is, and what is in its folder."""
        home = learner_folder(self.folder) or self.folder.parent
        lines = [
            self.title,
            f"  in {self.folder.relative_to(home).as_posix()}",
            *(f"  {each}" for each in listing(self.folder)),
            *(f"  Kept beside it: {each}" for each in put_by(self.folder)),
        ]
        if changed := self.changed():
            lines.append(f"  Changed since it was made, and kept: {', '.join(changed)}")
        return "\n".join(lines)

    def _now(self) -> tuple[Exchange | str, str]:
        """Let the device ask: what came of it, or what does not run, and what to do next."""
        try:
            exchange = self.ask()
        except FileProblem as problem:
            return problem.found, ""
        if exchange.ok:
            return exchange, "It is served. Is everybody else refused? kata.check() tries."
        return exchange, "Start with the side that refuses: at which stage, and with which files?"

    def __str__(self) -> str:
        came, todo = self._now()
        lines = [self._before, "", ASKS, *(f"  {line}" for line in str(came).splitlines())]
        return "\n".join(lines + [todo] * bool(todo))

    def _repr_html_(self) -> str:
        came, todo = self._now()
        shown = f"<p>{escape(came)}</p>" if isinstance(came, str) else came._repr_html_()
        return f"{code(self._before)}<p>{ASKS}</p>{shown}<p>{escape(todo)}</p>"

    def __repr__(self) -> str:
        return f"<Kata {self.level}/{self.seed}>"


def kata_key(seed: str | int, level: int = 1) -> str:
    """Return what is broken in the kata of this seed and level: for the teacher.

    Raises what `Kata.create` raises for its arguments.

    Example:
        >>> print(kata_key("anna", 1).splitlines()[0])
        Kata 1/anna: one fault, and its message names it
    """
    drawn = faults.drawn(seed, level)
    lines = [f"Kata {level}/{faults.slug(seed)}: {faults.LEVELS[level]}"]
    for number, fault in enumerate(drawn, 1):
        lines += [
            "",
            f"{number}. {fault.name}",
            *(f"   {line}" for line in str(fault).splitlines()),
        ]
    if (before := faults.drawn_before(seed, level)) and (folder := _older(seed, level)):
        names = ", then ".join(fault.name for fault in before)
        lines += ["", f"{folder} is of an earlier version of the lab. It may have: {names}"]
    return "\n".join(lines)


def _older(seed: str | int, level: int) -> str | None:
    """Name the kata's folder, if the learner whose folder this is has one of before."""
    kata = Path(FOLDER, f"{level}-{faults.slug(seed)}")
    with suppress(FileProblem, OSError, ValueError):
        version, _ = made_of((learner_folder() or Path()) / kata)
        return kata.as_posix() if version < DRAWN else None
    return None
