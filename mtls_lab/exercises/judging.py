"""What all checks share: the decorator that makes an exercise of a generator, and runs it.

Here: `exercise`, `judge`. Not here: the four outcomes (result.py), calling a learner's function
(calling.py), any particular exercise, their order (manifest.py).

A check is a generator. It yields a sentence for each thing that it has seen to hold, and raises
NotYet or Unsafe at the first that does not; whoever reaches the end is right.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import CodeType
from typing import Any

from mtls_lab.common import LabError, kind_of
from mtls_lab.exercises.calling import no_stragglers
from mtls_lab.exercises.result import NotYet, Outcome, Result
from mtls_lab.learner import progress

__all__ = ["Check", "exercise", "is_open", "judge", "remembered"]

Check = Callable[[Any], Result]
#: What a check is made of: it takes what the learner wrote, and yields what held.
Steps = Callable[[Any], Iterator[str]]


def exercise(wanted: str, kind: Callable[[object], bool] = callable) -> Callable[[Steps], Check]:
    """Make a check of a generator; what the generator does is told in this module's docstring.

    The check takes what the learner wrote and never raises. Its name is the exercise's name, in
    the learner's progress as well. Its place in the course is in manifest.py.

    Args:
        wanted: what the learner has to hand in, such as "a function fetch(address)".
        kind: whether something is of this kind; default: anything that can be called.
    """

    def decorate(steps: Steps) -> Check:
        def of_this_kind(thing: Any) -> Iterator[str]:
            if not kind(thing):
                raise NotYet(f"you gave the check {kind_of(thing)}", f"it takes {wanted}")
            yield from steps(thing)

        @functools.wraps(steps)
        def check(thing: Any) -> Result:
            result = judge(steps.__name__, of_this_kind, thing)
            return result if result.outcome is Outcome.NOT_ATTEMPTED else remembered(result)

        return check

    return decorate


def remembered(result: Result) -> Result:
    """Note an attempt in the learner's folder; if that fails, the result stands, and says so."""
    try:
        progress.note(exercise=result.exercise, outcome=result.outcome.value)
    except LabError as problem:
        return replace(result, remark=f"Not remembered: {problem.found}")
    return result


def judge(name: str, steps: Steps, thing: object) -> Result:
    """Run a check and return what it found; it never raises, and notes nothing.

    Args:
        name: what the result calls it.
        steps: the check, as a generator.
        thing: what the learner wrote.
    """
    seen: list[str] = []
    try:
        if is_open(thing):
            return Result(name, Outcome.NOT_ATTEMPTED)
        with no_stragglers():
            for sentence in steps(thing):
                seen.append(sentence)  # noqa: PERF402 - what held stays, if the next does not
    except NotYet as no:
        return Result(name, no.outcome, tuple(seen), no.found, no.rule)
    except LabError as error:
        return Result(name, Outcome.NOT_YET, tuple(seen), error.found, error.todo)
    except Exception as error:  # noqa: BLE001 - a traceback of ours would teach nothing
        found = f"the check could not go on: {type(error).__name__}: {error}"
        rule = "run the cells above once more, in order; if it still fails, please report it"
        return Result(name, Outcome.NOT_YET, tuple(seen), found, rule)
    return Result(name, Outcome.RIGHT, tuple(seen))


#: What the body `...` (or `pass`, or a docstring) compiles to, on every Python since 3.11, beside
#: the one constant that is returned, None.
_NOTHING = {"RESUME", "NOP", "RETURN_VALUE", "CACHE"}


def is_open(thing: object) -> bool:
    """Whether there is still a `...` where the answer belongs, or a function without a body."""
    if isinstance(thing, tuple | list):
        return any(map(is_open, thing))
    code = getattr(thing, "__code__", None)
    if not isinstance(code, CodeType):
        return thing is ...
    steps = [each for each in dis.get_instructions(code) if each.opname not in _NOTHING]
    return ... in code.co_consts or all(each.argval is None for each in steps)
