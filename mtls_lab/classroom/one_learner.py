"""How far a learner is: predictions and exercises of each part, counted, and the tests.

Here: the report for one folder. Not here: noting what was done (learner/progress.py), and a whole
class (whole_class.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtls_lab.exercises import EXERCISES, standing
from mtls_lab.learner import predictions, progress, quiz
from mtls_lab.learner.folder import own_folder
from mtls_lab.learner.progress import Progress

__all__ = ["PARTS", "Part", "parts", "report", "solved_katas"]

PARTS = (1, 2, 3, 4, 5)
#: As many damaged lines of the file are told by their number.
SOME = 5


@dataclass(frozen=True, slots=True)
class Lesson:
    """The predictions of one lesson, as far as a learner is.

    Attributes:
        title: what they are called; empty for those of the part's own lesson.
        questions: how many predictions the lesson asks for.
        predicted: how many were made before the run told.
        foreseen: how many of these were right.
    """

    title: str
    questions: int
    predicted: int
    foreseen: int

    def __str__(self) -> str:
        made = f"{self.predicted} of {self.questions}"
        line = f"{self.title}: {made}" if self.title else f"{made} predictions made"
        return line + (f", {self.foreseen} right" if self.predicted else "")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the course, as far as a learner is.

    Attributes:
        number: 1 to 5.
        lessons: the predictions of its lessons, its own first.
        exercises: how many exercises it has; Part 5 has none.
        solved: how many of them are right.
        unsafe: the names of those that work, and are unsafe.
    """

    number: int
    lessons: tuple[Lesson, ...]
    exercises: int
    solved: int
    unsafe: tuple[str, ...]

    @property
    def questions(self) -> int:
        """How many predictions all its lessons ask for."""
        return sum(each.questions for each in self.lessons)

    @property
    def predicted(self) -> int:
        """How many of them were made before the run told."""
        return sum(each.predicted for each in self.lessons)

    @property
    def begun(self) -> bool:
        """Whether anything of it was predicted or solved."""
        return bool(self.predicted or self.solved or self.unsafe)

    @property
    def foreseen(self) -> int:
        """How many of the predictions were right."""
        return sum(each.foreseen for each in self.lessons)

    def __str__(self) -> str:
        told = [str(each) for each in self.lessons]
        if self.exercises:
            told.append(f"{self.solved} of {self.exercises} exercises right")
        line = f"Part {self.number}: {'; '.join(told)}"
        return line + (f" (works but unsafe: {', '.join(self.unsafe)})" if self.unsafe else "")


def parts(done: Progress) -> list[Part]:
    """Count what was done, part by part; what this version of the course does not have is left out.

    Example:
        >>> [part.solved for part in parts(Progress())]
        [0, 0, 0, 0, 0]
    """
    return [_part(number, done) for number in PARTS]


def _part(number: int, done: Progress) -> Part:
    asked = [each for each in predictions.questions().values() if each.part == number]
    lessons = dict.fromkeys([str(number), *(each.lesson for each in asked)])
    tasks = [each.name for each in EXERCISES if each.part == number]
    best = {name: done.exercises[name].outcome for name in tasks if name in done.exercises}
    return Part(
        number,
        lessons=tuple(
            _lesson(lesson, [each.name for each in asked if each.lesson == lesson], done)
            for lesson in lessons
        ),
        exercises=len(tasks),
        solved=sum(outcome == "right" for outcome in best.values()),
        unsafe=tuple(name for name, outcome in best.items() if outcome == "works but unsafe"),
    )


def _lesson(lesson: str, asked: list[str], done: Progress) -> Lesson:
    """Count the predictions of one lesson, which the banner of a notebook shows as dots."""
    made = [done.predictions[name] for name in asked if name in done.predictions]
    foreseen = sum(each.choice == each.truth for each in made)
    return Lesson(standing.BESIDE.get(lesson, ""), len(asked), len(made), foreseen)


def report(folder: Path | None = None) -> str:
    """Say how far the learner of a folder is; default: the folder that this process is in.

    Raises:
        NotInWorkspace: there is no learner's folder.
        FileProblem: what it remembers cannot be read.
    """
    folder = own_folder(folder)
    done = progress.read(folder)
    solved = solved_katas(done)
    lines = [*map(str, parts(done)), f"Kata: {solved} solved" if solved else ""]
    lines += [quiz.result(done, when) for when in quiz.LAST]
    lines.append(_passed_over(progress.damaged(folder)))
    return "\n".join(filter(None, lines))


def _passed_over(lines: list[int]) -> str:
    """Say once which lines of the file are damaged, and what that costs; nothing if none is."""
    if not lines:
        return ""
    told = ", ".join(map(str, lines[:SOME])) + (" and more" if lines[SOME:] else "")
    what, noted = ("line", "it") if len(lines) == 1 else ("lines", "they")
    return f"Damaged: {what} {told} of {progress.FILE}. What {noted} noted is lost, and no more."


def solved_katas(done: Progress) -> int:
    """Count the katas that were solved."""
    return sum(
        name.startswith(standing.KATA) and each.outcome == "right"
        for name, each in done.exercises.items()
    )
