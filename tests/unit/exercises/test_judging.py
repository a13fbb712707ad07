"""What all checks share: four outcomes, and no learner's code that gets away. Not here: any
particular exercise (test_part*.py)."""

import asyncio
import gc
import json
import socket
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from mtls_lab import checks
from mtls_lab.common import FileProblem
from mtls_lab.exercises import EXERCISES, Called, NotYet, Outcome, Result, Unsafe, call, calling
from mtls_lab.exercises import judging as base
from mtls_lab.exercises.peers import all_closed, set_aside
from mtls_lab.learner.folder import MARKER
from mtls_lab.learner.progress import FILE


@pytest.fixture
def check() -> base.Check:
    """A check of a number, which is in no list of exercises."""

    @base.exercise("a whole number", lambda thing: isinstance(thing, int))
    def even(number: int) -> Iterator[str]:
        """Find an even number."""
        yield "it is a number"
        if number == 0:
            raise Unsafe("zero works today", "take one that stays")
        if number == 13:
            raise FileProblem("no file", "a file", "make the file")
        if 100 // number and number % 2:
            raise NotYet("it leaves a remainder", "an even number is twice another")
        yield "it is even"

    return even


def test_right(check: base.Check) -> None:
    result = check(4)
    assert (result.outcome, result.right) == (Outcome.RIGHT, True)
    assert str(result).splitlines() == ["✓ right", "  ✓ it is a number", "  ✓ it is even"]
    assert repr(result) == str(result)


def test_not_yet(check: base.Check) -> None:
    assert str(check(7)).splitlines() == [
        "✗ not yet",
        "  ✓ it is a number",
        "  ✗ it leaves a remainder",
        "  Rule: an even number is twice another",
    ]


def test_works_but_unsafe(check: base.Check) -> None:
    result = check(0)
    assert (result.outcome, result.right) == (Outcome.UNSAFE, False)
    assert str(result).startswith("⚠ works but unsafe\n")


def fetch(address: object) -> None:
    """A docstring is no attempt."""


def passes(address: object) -> None:
    pass


def half_open(address: object) -> bool:
    return address == ...


@pytest.mark.parametrize(
    "thing", [..., (1, ...), [...], (len, fetch), fetch, passes, half_open, lambda: ...]
)
def test_not_attempted(check: base.Check, thing: object) -> None:
    result = check(thing)
    assert result.outcome is Outcome.NOT_ATTEMPTED
    assert str(result) == "○ not attempted: replace the ... above, and run the cell again"


@pytest.mark.parametrize("thing", [lambda: True, lambda: "text", lambda: 0, lambda x: x, (1, 2)])
def test_a_short_answer_is_an_attempt(check: base.Check, thing: object) -> None:
    assert check(thing).outcome is Outcome.NOT_YET


@pytest.mark.parametrize(("thing", "named"), [("4", "a str"), (None, "None"), (len, "a builtin")])
def test_another_thing_than_wanted(check: base.Check, thing: object, named: str) -> None:
    result = check(thing)
    assert result.outcome is Outcome.NOT_YET
    assert result.found.startswith(f"you gave the check {named}")
    assert result.rule == "it takes a whole number"


def test_an_error_of_the_lab_says_what_to_do(check: base.Check) -> None:
    result = check(13)
    assert (result.outcome, result.seen) == (Outcome.NOT_YET, ("it is a number",))
    assert (result.found, result.rule) == ("no file", "make the file")


def test_an_error_of_the_check_itself_is_no_traceback(
    check: base.Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(thing: object) -> bool:
        raise KeyError(thing)

    monkeypatch.setattr(base, "kind_of", broken)
    result = check("4")
    assert result.outcome is Outcome.NOT_YET
    assert result.found == "the check could not go on: KeyError: '4'"


def test_it_is_escaped_on_a_page() -> None:
    result = Result("name", Outcome.NOT_YET, ("<b>",), "<img src=x onerror=alert(1)>", "<i>")
    page = result._repr_html_()
    assert 'role="status" data-testid="check-name" data-outcome="not yet"' in page
    assert not any(tag in page for tag in ("<img", "<b>", "<i>"))


def test_an_exercise_has_one_name() -> None:
    """Its check, its module, and the entry of the manifest that gives its place."""
    names = [each.name for each in EXERCISES]
    assert len(set(names)) == len(names)
    assert [each.part for each in EXERCISES] == sorted(each.part for each in EXERCISES)
    for each in EXERCISES:
        module = import_module(f"mtls_lab.exercises.part{each.part}.{each.name}")
        assert module.__all__ == [each.name]
        assert getattr(checks, each.name) is each.check is getattr(module, each.name)


def test_attempts_are_noted_and_untouched_cells_are_not(
    check: base.Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / MARKER).write_text("{}")
    monkeypatch.chdir(tmp_path)
    for thing in (..., 7, 0, 4):
        check(thing)
    events = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    outcomes = ("not yet", "works but unsafe", "right")
    assert events == [{"exercise": "even", "outcome": outcome} for outcome in outcomes]


def test_a_judgement_is_not_lost_if_it_cannot_be_remembered(
    check: base.Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / MARKER).write_text("{}")
    (tmp_path / FILE).mkdir()
    monkeypatch.chdir(tmp_path)
    result = check(4)
    assert result.right
    last = f"  Not remembered: {tmp_path / FILE} cannot be written (Is a directory)"
    assert str(result).splitlines()[-1] == last


def test_a_list_without_an_end_is_no_traceback(check: base.Check) -> None:
    endless: list[object] = []
    endless.append(endless)
    assert check(endless).found.startswith("the check could not go on: RecursionError")


# --- Calling what a learner wrote ---


def test_a_value_comes_back() -> None:
    called = call(max, 1, 2, key=abs)
    assert called == Called("max", value=2)
    assert called.returned("no rule is needed") == 2


def test_an_error_is_told_with_its_line() -> None:
    def stumble() -> None:
        raise ValueError("the reason")

    called = call(stumble)
    line = stumble.__code__.co_firstlineno + 1
    told = f"stumble raised ValueError: the reason (line {line} of its cell)"
    assert called.told == told
    with pytest.raises(NotYet) as caught:
        called.returned("it returns")
    assert (caught.value.found, caught.value.rule) == (told, "it returns")


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_leaving_is_an_error_too(error: BaseException) -> None:
    def leave() -> None:
        raise error

    assert call(leave).error is error


def test_a_callable_without_a_name() -> None:
    class Listener:
        def __call__(self) -> None:
            raise OSError

    assert call(Listener()).told.startswith("Listener raised OSError")


def forever() -> None:
    while True:
        pass


def stubborn() -> None:
    while True:
        try:
            forever()
        except Exception:  # noqa: BLE001, S112 - as one meets it
            continue


@pytest.mark.parametrize("function", [forever, stubborn])
def test_an_endless_loop_is_stopped(function: object) -> None:
    before = set(threading.enumerate())
    with calling.no_stragglers(), pytest.raises(NotYet, match=r"had not returned after 0\.05 s"):
        call(function, limit=0.05)  # type: ignore[arg-type]
    assert set(threading.enumerate()) <= before


def test_a_thread_that_is_stopped_while_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is thrown into it then has nobody to catch it, and is not printed all the same."""
    ending = threading.Event()

    def spin(_: object) -> None:
        ending.set()
        while True:
            pass

    monkeypatch.setattr(threading, "excepthook", spin)
    usual = sys.unraisablehook
    thread = threading.Thread(target=lambda: 1 / 0, daemon=True)
    with calling.no_stragglers():
        thread.start()
        assert ending.wait(60)
        calling.stragglers.append(thread)
    assert not thread.is_alive()
    assert sys.unraisablehook is usual


def test_what_catches_everything_is_left_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "GRACE", 0.1)
    enough = threading.Event()

    def immortal() -> None:
        while not enough.is_set():
            try:
                forever()
            except BaseException:  # noqa: BLE001, S112 - as nobody should
                continue

    threads = set(threading.enumerate())
    with (
        pytest.raises(NotYet, match="catches everything, even being stopped"),
        calling.no_stragglers(),
        pytest.raises(NotYet),
    ):
        call(immortal, limit=0.05)
    enough.set()
    (left,) = set(threading.enumerate()) - threads
    calling._throw(left)
    left.join(300)
    assert not left.is_alive()


# --- Every socket is closed


@pytest.fixture
def unfrozen() -> Iterator[None]:
    """Nothing is set aside, as in a learner's kernel (and unlike tests/conftest.py)."""
    gc.unfreeze()
    set_aside.cache_clear()
    yield
    gc.freeze()
    set_aside.cache_clear()


def forget() -> None:
    """Lose a socket that only a search for garbage finds."""
    lost: list[object] = [socket.socket()]
    lost.append(lost)


@pytest.mark.usefixtures("unfrozen")
def test_a_socket_that_nobody_closes_is_missed() -> None:
    with pytest.raises(NotYet, match="forget leaves its socket open"), all_closed("forget"):
        forget()
    assert gc.get_freeze_count() == 0


def ends_early() -> None:
    """Ask asyncio to close a connection, and do not wait until it has."""

    async def connect(address: tuple[str, int]) -> None:
        _, writer = await asyncio.open_connection(*address)
        writer.write(bytes(1 << 24))  # more than anybody reads: closing waits for it
        writer.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        asyncio.run(connect(listener.getsockname()))


@pytest.mark.usefixtures("unfrozen")
def test_a_socket_that_asyncio_had_no_time_to_close_is_named_so() -> None:
    words = "ends_early ends before asyncio has closed its socket"
    with pytest.raises(NotYet, match=words) as caught, all_closed("ends_early"):
        ends_early()
    assert "wait_closed" in caught.value.rule


def test_what_others_have_set_aside_stays_so() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    with all_closed("careful"):
        socket.socket().close()
    assert gc.get_freeze_count() >= before


@pytest.mark.usefixtures("unfrozen")
def test_a_socket_that_was_forgotten_before_is_not_meant() -> None:
    forget()
    with all_closed("careful"):
        socket.socket().close()
    with pytest.warns(ResourceWarning, match="unclosed"):
        gc.collect()
