"""A learner's folder made by version 0.1 still opens: nothing that the learner wrote is lost.

old_folder/ was made by that version, with one exercise solved and three predictions; what nobody
has changed is left out.
"""

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

import mtls_lab
from mtls_lab import face
from mtls_lab.classroom.one_learner import parts
from mtls_lab.learner import predictions, progress, quiz, reviews
from mtls_lab.learner.notebooks import unpack
from tests.unit.lab import forget

OLD = Path(__file__).with_name("old_folder")
MINE = "1b_exercises.ipynb"

#: The imports of the seven notebooks of version 0.1, apart from other packages.
IMPORTS = """
from mtls_lab import CertificateAuthority, Relay, ask, checks, handshake, pem, serve, watch
from mtls_lab.attacks import Protection, change_reply, clone, reply_index
from mtls_lab.course import report
from mtls_lab.credentials import CredentialStore, catalogue
from mtls_lab.describe import describe
from mtls_lab.errors import FileProblem
from mtls_lab.explain import explain
from mtls_lab.kata import Kata
from mtls_lab.openssl import available, openssl
from mtls_lab.panels import AttackPanel, CertificatePanel, CredentialPanel, FleetPanel
from mtls_lab.panels import PlacementPanel, WirePanel, WorkbenchPanel, predict
from mtls_lab.pki import Profile, create_key, self_signed
from mtls_lab.predictions import reveal
from mtls_lab.relay import cut, replace
from mtls_lab.wire import Direction, server_name
from mtls_lab.workspace import enter
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(OLD, tmp_path / "lab")
    monkeypatch.chdir(tmp_path / "lab")
    forget(monkeypatch)
    return tmp_path / "lab"


def test_the_notebook_that_was_changed_stays_and_the_new_one_lies_beside(folder: Path) -> None:
    before = (folder / MINE).read_bytes()
    done = {each.path.name: each for each in unpack(folder)}
    assert (folder / MINE).read_bytes() == before
    assert (done[MINE].kept, done[MINE].beside) == (True, folder / "1b_exercises.new.ipynb")
    assert not any(each.kept for name, each in done.items() if name != MINE)


def test_choices_and_progress_are_kept(folder: Path) -> None:
    unpack(folder)
    assert predictions.chosen("eve_listens") == "backend"
    done = progress.read(folder)
    assert done.predictions["no_certificate"] == progress.Predicted("handshake", "first_read")
    assert done.exercises["ask_by_hand"] == progress.Tried("right", 1)
    first, _, third, *_ = parts(done)
    assert (first.predicted, first.solved, third.predicted) == (1, 1, 1)


def test_its_predictions_come_back_at_once(folder: Path) -> None:
    """That version kept no day: they are due, and nobody was sure."""
    done = progress.read(folder)
    assert done.told["no_certificate"] == progress.Told(sure=None, day=None)
    today = date(2026, 11, 26)
    assert [each.name for each in reviews.due(done, today)] == ["silent_client", "no_certificate"]


def test_the_kept_notebook_runs(folder: Path) -> None:
    """Its import cell, and the answer in it: its exercise is judged as before."""
    unpack(folder)
    cells = json.loads((folder / MINE).read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    program = "\n".join([code[0], code[1].replace("checks.ask", "print(checks.ask") + ")"])
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.stderr == ""
    assert run.stdout.startswith("✗ not yet\n  ✓ the backend hands out its secret")


def test_a_kept_lesson_still_asks_and_tells(folder: Path) -> None:
    """A cell that asks, and one that runs: two cells of Part 1, as that version had them."""
    program = """
from mtls_lab.panels import predict
from mtls_lab.predictions import reveal
print(predict("changed_reply"))
print(reveal("changed_reply", "nobody"))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    question = predictions.question("changed_reply")
    assert run.stderr == ""
    assert run.stdout.count(question.question) == 2
    assert run.stdout.count(question.after) == 1
    assert "changed_reply" not in progress.read(folder).revealed  # nobody predicted, nobody pressed


def test_every_import_of_that_time_works_and_gives_the_names_of_today() -> None:
    program = f"{IMPORTS}\nfrom mtls_lab import explain as again\nassert again is explain"
    program += "\nfrom mtls_lab import Purpose\nassert Profile is Purpose"
    program += "\nassert callable(handshake.from_wire) and callable(openssl)"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_an_old_module_has_no_other_names() -> None:
    top = {path.stem for path in Path(mtls_lab.__file__).parent.iterdir()}
    assert top.isdisjoint(face.OLD)
    view = sys.modules["mtls_lab.workspace"]
    with pytest.raises(AttributeError, match="nothing"):
        view.nothing  # noqa: B018


def test_the_tests_can_be_taken_in_it(folder: Path) -> None:
    before = progress.read(folder)
    assert before.quiz == progress.Progress().quiz
    sitting = quiz.Sitting("before")
    sitting.answer("clock", "device")
    sitting.hand_in()
    after = progress.read(folder)
    assert (after.predictions, after.exercises) == (before.predictions, before.exercises)
    assert after.quiz["before"] == progress.Taken({"clock": "device"}, handed_in=True)
