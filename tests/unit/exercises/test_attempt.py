"""Every idea to stop the clone with what Part 2 left is attacked, and none is called right."""

import base64
import hmac
import html
import platform
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from mtls_lab.exercises import Attempt, call, stop_the_clone
from mtls_lab.exercises import attempt as module
from mtls_lab.exercises.questioning import can_be_elsewhere

uuid.getnode()  # from its first call on, libuuid keeps a file open where uuid-runtime is installed
PASSWORD = "swordfish"
TOKENS = {"device 7": "c0ffee-4711"}
KEY = b"a key in the program"
TOLD = "is told the device's MAC address and host name"


def tag(question: str) -> str:
    return hmac.new(KEY, question.encode(), "sha256").hexdigest()


def who(attempt: Attempt, words: str) -> bool:
    """Whether the first caller with these words was served."""
    return next(served for caller, served in attempt.tried if words in caller)


Idea = tuple[Callable[[str], object], Callable[[str, str, str], object]]

IDEAS: dict[str, Idea] = {
    "password": (lambda _: PASSWORD, lambda answer, *_: answer == PASSWORD),
    "token": (lambda _: TOKENS["device 7"], lambda answer, *_: answer in TOKENS.values()),
    "obfuscated": (
        lambda _: base64.b64decode(b"c3dvcmRmaXNo").decode(),
        lambda answer, *_: answer == PASSWORD,
    ),
    "MAC address": (
        lambda _: f"{uuid.getnode():012x}",
        lambda answer, *_: answer == f"{uuid.getnode():012x}",
    ),
    "host name": (lambda _: platform.node(), lambda answer, *_: answer == platform.node()),
    "serial number": (lambda _: "serial 00042", lambda answer, *_: answer == "serial 00042"),
    "IP address": (
        lambda _: "it is me",
        lambda answer, _, address: answer == "it is me" and address == "127.0.0.1",
    ),
    "challenge and response": (tag, lambda answer, question, _: answer == tag(question)),
    "all of it": (
        lambda question: f"{uuid.getnode()} {tag(question)}",
        lambda answer, question, address: (
            answer == f"{uuid.getnode()} {tag(question)}" and address == "127.0.0.1"
        ),
    ),
}


@pytest.mark.parametrize("idea", IDEAS)
def test_no_idea_stops_the_clone(idea: str) -> None:
    attempt = stop_the_clone(*IDEAS[idea])
    assert attempt.served
    assert attempt.head == "✗ the clone is served"
    assert attempt.tried[0] == ("the device", True)
    assert not who(attempt, "answers nothing")
    assert attempt.tried[-1][1]
    clone, backend = attempt.evidence
    assert "received ✓ the moon is full" in clone
    assert backend.endswith("is_genuine ✓ True")
    assert "right" not in str(attempt)
    assert str(attempt).splitlines()[-1].strip() == module.NEXT


@pytest.mark.parametrize("idea", ["password", "token", "serial number", "obfuscated"])
def test_a_secret_in_the_program_is_sent_again_and_copied(idea: str) -> None:
    attempt = stop_the_clone(*IDEAS[idea])
    assert who(attempt, "a recording, sent from elsewhere")
    assert who(attempt, "a copy of the program, on another machine, elsewhere")
    assert attempt.rules[0] == module.SENT_AGAIN
    assert attempt.rules[-1] == module.INSIDE


@pytest.mark.parametrize(("idea", "read"), [("password", True), ("obfuscated", False)])
def test_what_can_be_read_in_the_program_is_said_to_be(idea: str, read: bool) -> None:  # noqa: FBT001
    said = stop_the_clone(*IDEAS[idea]).rules[1]
    assert said == (
        "'swordfish' can be read in the bytes of the program: she need not run it"
        if read
        else "she let the program say 'swordfish': it need not be found to be used"
    )


@pytest.mark.parametrize("idea", ["MAC address", "host name"])
def test_what_the_machine_is_called_is_told_to_the_copy(idea: str) -> None:
    attempt = stop_the_clone(*IDEAS[idea])
    assert not who(attempt, "on another machine, elsewhere")
    assert who(attempt, TOLD)
    assert attempt.rules == (module.SENT_AGAIN, module.LABEL)


def test_an_address_is_where_the_clone_goes() -> None:
    assert can_be_elsewhere()
    attempt = stop_the_clone(*IDEAS["IP address"])
    assert not who(attempt, "a recording, sent from elsewhere")
    assert who(attempt, "a recording, sent from the device's address")
    assert not who(attempt, TOLD)
    assert who(attempt, "at the device's address")
    assert module.PLACE in attempt.rules


def test_a_new_answer_each_time_stops_the_recording_and_not_the_copy() -> None:
    attempt = stop_the_clone(*IDEAS["challenge and response"])
    assert not any(served for caller, served in attempt.tried if "recording" in caller)
    assert who(attempt, "a copy of the program, on another machine, elsewhere")
    assert module.SENT_AGAIN not in attempt.rules
    assert attempt.rules[0].startswith("the answer is a new one each time")


def test_all_of_it_takes_all_of_it() -> None:
    attempt = stop_the_clone(*IDEAS["all of it"])
    assert [served for caller, served in attempt.tried if "cop" in caller] == [False, False, True]
    assert attempt.rules[:2] == (module.LABEL, module.PLACE)


def test_a_system_with_one_loopback_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtls_lab.exercises.questioning.ELSEWHERE", "192.0.2.1")
    assert not can_be_elsewhere()
    attempt = stop_the_clone(*IDEAS["password"])
    assert who(attempt, "elsewhere")


def test_everybody_is_served() -> None:
    attempt = stop_the_clone(lambda _: "x", lambda *_: True)
    assert (attempt.head, attempt.rules) == ("✗ everybody is served", (module.OPEN,))


def test_a_rule_that_counts_locks_the_device_out() -> None:
    calls: list[str] = []

    def is_genuine(answer: str, *_: str) -> bool:
        calls.append(answer)
        return len(calls) < 3

    attempt = stop_the_clone(lambda _: "x", is_genuine)
    assert (attempt.served, attempt.head) == (False, "✗ not stopped for good")
    assert attempt.tried[-1] == ("the device, after that", False)
    assert attempt.rules == (module.LOCKED_OUT,)


def test_what_cannot_be_explained_is_not_explained() -> None:
    """The rule serves the first calls and the last: by luck, these are the device's."""
    calls: list[str] = []

    def is_genuine(answer: str, *_: str) -> bool:
        calls.append(answer)
        return len(calls) <= 2 or len(calls) == 10

    attempt = stop_the_clone(lambda _: "x", is_genuine)
    assert (attempt.served, attempt.rules) == (False, (module.UNKNOWN,))
    assert "right" not in str(attempt)


def boom(_: str) -> str:
    raise RuntimeError("out of ideas")


def forever(_: str) -> str:
    while True:
        pass


@pytest.mark.parametrize(
    ("says", "genuine", "found"),
    [
        (boom, lambda *_: True, "boom raised RuntimeError: out of ideas"),
        (lambda _: "x", lambda: True, "<lambda> raised TypeError"),
        (lambda _: None, lambda *_: True, "<lambda> returned None"),
        (lambda _: "two\nlines", lambda *_: True, "<lambda> returned 'two\\nlines'"),
        (lambda _: "x" * 5000, lambda *_: True, "<lambda> returned 'xxxxx"),
        (lambda _: "\ud800", lambda *_: True, "<lambda> returned "),
        (lambda _: "x", lambda *_: False, "your device itself is refused"),
    ],
)
def test_functions_that_do_not_work_say_so(
    says: Callable[[str], object], genuine: Callable[..., object], found: str
) -> None:
    attempt = stop_the_clone(says, genuine)
    assert attempt.head.startswith(f"✗ not yet: {found}")
    assert len(attempt.rules) == 1
    assert not attempt.served


def test_a_function_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(call.__kwdefaults__ or {}, "limit", 0.2)
    attempt = stop_the_clone(forever, lambda *_: True)
    assert "had not returned after 0.2 s" in attempt.head


def test_it_is_shown_in_a_box_and_escaped() -> None:
    attempt = stop_the_clone(lambda _: "<b>me</b>", lambda answer, *_: answer == "<b>me</b>")
    shown = attempt._repr_html_()
    assert "<b>me" not in shown
    assert html.escape("'<b>me</b>'") in shown
    assert repr(attempt) == str(attempt)


def opened(file: Path) -> bytes:
    with file.open("rb") as key:
        return key.read()


@pytest.mark.parametrize("read", [Path.read_bytes, opened])
@pytest.mark.parametrize("absolute", [False, True])
def test_a_secret_in_a_file_of_the_device(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[Path], bytes],
    absolute: bool,  # noqa: FBT001
) -> None:
    """The copy of the software does not have it, wherever it is; the backend does."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "device.key" if absolute else Path("device.key")
    file.write_bytes(KEY)

    def from_file(question: str) -> str:
        return hmac.new(read(file), question.encode(), "sha256").hexdigest()

    attempt = stop_the_clone(from_file, lambda answer, question, _: answer == tag(question))
    assert not attempt.served
    assert attempt.head == "✗ not stopped for good"
    assert attempt.rules == (module.FILE,)
    assert Path.cwd() == tmp_path
