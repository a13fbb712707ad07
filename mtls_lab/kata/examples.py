"""The worked diagnoses before a kata: the same fault for everybody, and made new each time.

Here: which faults they have, and the check of a diagnosis that a learner finishes. Not here: a
learner's own kata (task.py), and what is wrong in each (faults.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path, PurePath

from mtls_lab.common import UnknownName, scratch_folder, writing
from mtls_lab.exercises import NotYet, Result, judge
from mtls_lab.kata import exam, faults, sabotage
from mtls_lab.kata.folder import make
from mtls_lab.kata.task import FOLDER, Kata
from mtls_lab.learner.folder import learner_folder
from mtls_lab.pki import pem
from mtls_lab.wire import Exchange, Side, Stage

__all__ = ["EXAMPLES", "Example", "worked_kata"]

#: By their numbers in the notebook. Each is of level 2, where no seed draws it.
EXAMPLES = dict(
    sorted((each.example, name) for name, each in faults.catalogue().items() if each.example)
)


class Example(Kata):
    """A kata whose fault is the same for everybody; it counts for nobody's progress."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """What a result calls it."""
        return f"example {self.seed}"

    @property
    def title(self) -> str:
        """The first line of what is shown."""
        return f"Example {self.seed}"

    def remembered(self, result: Result) -> Result:
        """Note nothing: what is worked out for you is not solved by you."""
        return result

    def diagnosed(self, refused_by: object, stage: object, file: object) -> Result:
        """Check a diagnosis against the fault as it was made; never raises.

        Args:
            refused_by: "device" or "backend": whose error was it?
            stage: where that side was then, as its line names it.
            file: which file has to be another, such as "device/client.crt".
        """
        return judge(self.name, self._diagnosis, (refused_by, stage, file))

    def _diagnosis(self, told: tuple[object, object, object]) -> Iterator[str]:
        """Make the fault again, look who refuses, and put back the file that was named."""
        refused_by, stage, file = map(_as_written, told)
        with scratch_folder() as scratch:
            whole, broken = Path(scratch, "whole"), Path(scratch, "broken")
            whole.mkdir()
            sabotage.lay_out(whole, crl=False)
            shutil.copytree(whole, broken)
            faults.catalogue()[EXAMPLES[int(self.seed)]].break_(broken)
            side = _that_refused(_meet(broken))
            if str(refused_by).lower() not in _SIDES:
                found = f"{refused_by!r} is neither of the two sides"
                raise NotYet(
                    found, f"take the word that its line begins with: {' or '.join(_SIDES)}"
                )
            if str(refused_by).lower() != side.who:
                found = f"it was not {refused_by!r} that refused"
                raise NotYet(found, "…ALERT… is what a side was told: the other one refused")
            yield f"the {side.who} refused"
            if str(stage).lower() != side.stage.value:
                found = f"the {side.who} was not at {stage!r}"
                raise NotYet(found, f"take the words of its line: {', '.join(_STAGES)}")
            yield f"at its {side.stage.value}"
            files = [each.relative_to(whole).as_posix() for each in whole.glob("*/*")]
            if not isinstance(file, str) or file not in files:
                raise NotYet(f"there is no file {file!r}", "the listing above has them all")
            put_back = Path(file)
            for each in (put_back, put_back.with_suffix(".key")):  # a certificate with its key
                if each.as_posix() in files:
                    shutil.copy(whole / each, broken / each)
            exchange = _meet(broken)
            if not exchange.ok:
                rule = "the refusing side looked at two files: the other's certificate, its own CA"
                new = _another(whole, file)
                raise NotYet(f"with {new}, the device is still refused", rule)
            yield f"with the right {file}, the device is served"


_SIDES = ("device", "backend")
_STAGES = [stage.value for stage in Stage]


def _as_written(told: object) -> object:
    """A side, a stage or a file as it is listed, however a learner writes it."""
    if not isinstance(told, str | PurePath):
        return told
    return str(told).strip().replace("\\", "/").removeprefix("./")


def _another(whole: Path, file: str) -> str:
    """What was put in a file's place: of a certificate also whose, for another CA's may do."""
    if file.endswith(".crt"):
        certificate = pem.read_certificate(whole / file)
        if certificate.issuer != certificate.subject:
            return f"a new {file} from {certificate.issuer.rfc4514_string()}"
    return f"another {file}"


def _that_refused(exchange: Exchange) -> Side:
    """The side whose error is its own decision, and not an alert that it received."""
    sides = [side for side in (exchange.backend, exchange.device) if side and side.failure]
    return next(
        (s for s in sides if s.failure and "ALERT" not in s.failure.reason), exchange.device
    )


def _meet(folder: Path) -> Exchange:
    with chdir(folder):
        return exam.meet(exam.load())


def worked_kata(number: int) -> Example:
    """Make the folder of a worked diagnosis, again each time: nothing of a learner's is in it.

    Args:
        number: 1, 2 or 3.

    Raises:
        UnknownName: there is no such example.
        FileProblem: the folder cannot be written.

    Example:
        >>> worked_kata(4)
        Traceback (most recent call last):
        mtls_lab.common.errors.UnknownName: Found:    no example '4'
        Expected: one of 1, 2, 3
        To do:    correct the name
    """
    if number not in EXAMPLES:
        raise UnknownName("example", str(number), map(str, EXAMPLES))
    fault = faults.catalogue()[EXAMPLES[number]]
    target = (learner_folder() or Path.cwd()) / FOLDER / f"example-{number}"
    with writing(target):
        if target.exists():
            shutil.rmtree(target)
        make(target, (fault,), crl=False)
    return Example(str(number), fault.level, target.absolute())
