"""The first cell of a notebook: what it starts from, what it shows, and that this follows."""

import re
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from mtls_lab.classroom import entering
from mtls_lab.classroom.entering import STARTS, enter
from mtls_lab.classroom.out_of_order import HINT, hint, missing
from mtls_lab.cli.jupyter import FIRST
from mtls_lab.common import FileProblem, UnknownName
from mtls_lab.exercises import EXERCISES
from mtls_lab.learner import progress, workspace
from tests.authoring import canonical

TASK = EXERCISES[0].name


@pytest.fixture(autouse=True)
def folder(folder: Path) -> Iterator[Path]:
    yield folder
    progress.watchers.clear()
    entering._shown.clear()


def test_every_notebook_enters_by_its_own_number() -> None:
    entered = {}
    for path in canonical.NOTEBOOKS:
        code = "\n".join(c.source for c in canonical.read(path).cells if c.cell_type == "code")
        entered[path.stem.partition("_")[0]] = re.findall(r'\benter\("(\w+)"\)', code)
    assert entered == {name: [name] for name in STARTS}


@pytest.mark.parametrize("notebook", STARTS)
def test_it_starts_with_what_the_notebooks_before_made(notebook: str) -> None:
    entered = enter(notebook)
    assert entered.files == workspace.enter(STARTS[notebook]).files
    assert all((entered.folder / file).is_file() for file in entered.files)
    head, ready, *files = str(entered).splitlines()
    asks = "" if notebook == "5" else ": Predictions ○ ○"
    assert head.startswith(f"Part {notebook[0]}{asks}")
    assert ready == ("Ready. Made before:" if files else "Ready. No file is needed from before.")
    assert [each.strip() for each in files] == list(entered.files)


def test_a_notebook_of_an_older_version_enters_by_part() -> None:
    assert enter(3) == workspace.enter(3)
    assert str(enter(3)).startswith("Ready for part 3.")


def test_a_notebook_that_there_is_not() -> None:
    with pytest.raises(UnknownName, match="no notebook '9'\nExpected: one of 1, 1b, 2, 2b, 3, 3b"):
        enter("9")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("no_such_name", True),
        ("import ssl; raise ssl.SSLError(1, '[X509: KEY_VALUES_MISMATCH]')", True),
        ("from mtls_lab import pem; pem.read_certificate('no.crt')", True),
        ("open('no.crt')", True),
        ("from mtls_lab.common import write_file; write_file('ca', '')", False),
        ("from mtls_lab import enter; enter('9')", False),
        ("1 / 0", False),
        ("'all is well'", False),
    ],
)
def test_a_cell_that_ran_out_of_order_says_so(
    cell: str, *, said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, however often the first cell ran, and below the error."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    try:
        enter("2")
        enter("2")
        shell.run_cell(cell)  # type: ignore[no-untyped-call]
    finally:
        InteractiveShell.clear_instance()
    assert capsys.readouterr().out.count(HINT) == said


def test_what_is_not_there_is_named_and_who_makes_it(folder: Path) -> None:
    enter("3")
    context = ssl.create_default_context()

    def told() -> str:
        with pytest.raises(FileNotFoundError) as caught:
            context.load_cert_chain("device/client.crt", "device/client.key")
        return hint(caught.value).partition("\n")[0]

    assert told() == "No file device/client.crt: section 3 of Part 3 makes it."
    shutil.rmtree(folder / "device")
    assert told() == "No folder device: the first cell of the notebook makes it."
    shutil.rmtree(folder)
    assert told() == "Found:    the current folder, which is not there any more"
    with pytest.raises(FileProblem) as gone:
        enter("3")
    assert hint(gone.value) == ""  # it has said what to do
    assert str(missing("ca/ca.crt")) == str(gone.value)


def test_a_new_kernel_says_so_before_the_first_cell_has_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As after Restart Kernel. What it begins with leaves no name behind."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    try:
        before = set(shell.user_ns)
        shell.safe_execfile(FIRST, shell.user_ns, raise_exceptions=True)  # type: ignore[no-untyped-call]
        assert set(shell.user_ns) - before <= {"__all__", "__doc__"}
        shell.run_cell("serve()")  # type: ignore[no-untyped-call]
    finally:
        InteractiveShell.clear_instance()
    assert capsys.readouterr().out.count(HINT) == 1


def test_the_line_follows_what_is_noted() -> None:
    """The page is told by which name it shows the line, and that it has changed."""
    InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    with capture_output() as captured:
        enter("1b")._ipython_display_()  # type: ignore[attr-defined]
        enter("1b")._ipython_display_()  # type: ignore[attr-defined]
        progress.note(exercise=TASK, outcome="works but unsafe")
    InteractiveShell.clear_instance()
    texts = [output.data["text/plain"].partition("\n")[0] for output in captured.outputs]
    opened = "Part 1: Predictions ○ ○ ○ ○ 0 of 4 · Exercises ○ ○ ○ ○ 0 of 4"
    assert texts == [opened, opened, opened.replace("Exercises ○", "Exercises ⚠")]
    assert {output.transient["display_id"] for output in captured.outputs} == {entering.DISPLAY}
    assert [output.update for output in captured.outputs] == [False, False, True]
