"""Unpacking and restoring notebooks: a learner's work is never lost. What `enter` makes:
test_workspace.py."""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ipykernel.ipkernel import IPythonKernel
from jupyter_client.kernelspec import get_kernel_spec

from mtls_lab.common import FileProblem, NotInWorkspace, UnknownName
from mtls_lab.learner import notebooks as unpacking
from mtls_lab.learner.folder import MARKER
from mtls_lab.learner.notebooks import Reset, Unpacked, latest, notebooks, reset, unpack
from tests.unit.lab import dead_process, files_of_at_most

NAME = "1_plain_tcp.ipynb"
NEWER = "1_plain_tcp.new.ipynb"


def notebook(*sources: str, ran: bool = False) -> dict[str, Any]:
    """A notebook with a heading and a code cell for each source."""
    heading: dict[str, Any] = {"cell_type": "markdown", "metadata": {}, "source": ["# Ü ✓"]}
    outputs = [{"output_type": "stream", "name": "stdout", "text": ["hello\n"]}]
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": number if ran else None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": outputs if ran else [],
            "source": [source],
        }
        for number, source in enumerate(sources, start=1)
    ]
    metadata = unpacking._kernel() | ({"widgets": {"state": 1}} if ran else {})
    return {"cells": [heading, *cells], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


@dataclass
class Project:
    """A project with one notebook, and the folder of one learner."""

    source: Path
    folder: Path

    @property
    def target(self) -> Path:
        return self.folder / NAME

    @property
    def newer(self) -> Path:
        return self.folder / NEWER

    def publish(self, *sources: str) -> None:
        """Put a version of the notebook into the project, with outputs."""
        self.source.write_text(json.dumps(notebook(*sources, ran=True)), "utf-8")

    def learner_saves(self, *sources: str, path: Path | None = None) -> None:
        (path or self.target).write_text(json.dumps(notebook(*sources, ran=True)), "utf-8")

    def unpack(self) -> Unpacked:
        (done,) = unpack(self.folder)
        return done


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(unpacking, "resource_folder", lambda name: tmp_path / name)
    project = Project(tmp_path / "notebooks" / NAME, tmp_path / "lab")
    project.publish("version 1")
    return project


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_a_new_folder(project: Project) -> None:
    assert project.unpack() == Unpacked(project.target)
    assert read(project.target) == notebook("version 1")  # outputs and widgets cleared
    assert stat.S_IMODE(project.folder.stat().st_mode) == 0o700
    assert {path.name for path in project.folder.iterdir()} == {NAME, MARKER}


def test_a_notebook_is_labelled_as_the_kernel_here_will_label_it(project: Project) -> None:
    """Or else JupyterLab would change it as soon as it is opened."""
    content = notebook("version 1", ran=True)
    content["metadata"] = {"language_info": {"name": "python", "version": "2.7"}}
    project.source.write_text(json.dumps(content), "utf-8")
    project.unpack()
    spec = get_kernel_spec("python3")
    label = {"name": "python3", "display_name": spec.display_name, "language": spec.language}
    language = IPythonKernel.language_info
    assert read(project.target)["metadata"] == {"kernelspec": label, "language_info": language}


def test_twice(project: Project) -> None:
    project.unpack()
    before = project.target.read_bytes()
    assert project.unpack() == Unpacked(project.target, kept=True)
    assert project.target.read_bytes() == before


def test_what_the_learner_ran_keeps_its_outputs(project: Project) -> None:
    project.unpack()
    project.learner_saves("version 1")
    assert project.unpack() == Unpacked(project.target, kept=True)
    assert read(project.target) == notebook("version 1", ran=True)


def test_what_was_only_run_is_brought_up_to_date(project: Project) -> None:
    project.unpack()
    project.learner_saves("version 1")
    project.publish("version 2")
    assert project.unpack() == Unpacked(project.target)
    assert read(project.target) == notebook("version 2")


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_cell_at_the_end_is_nobodys_work(project: Project, empty: str) -> None:
    """JupyterLab adds one when the last cell is run with Shift+Enter."""
    project.unpack()
    project.learner_saves("version 1", empty, empty)
    project.publish("version 2")
    assert project.unpack() == Unpacked(project.target)
    assert read(project.target) == notebook("version 2")


def test_an_empty_cell_in_between_is_a_change(project: Project) -> None:
    project.unpack()
    project.learner_saves("", "version 1")
    project.publish("version 2")
    assert project.unpack().beside == project.newer


def test_what_the_learner_changed_stays(project: Project) -> None:
    project.unpack()
    project.learner_saves("my work")
    assert project.unpack() == Unpacked(project.target, kept=True)
    assert read(project.target) == notebook("my work", ran=True)
    assert not project.newer.exists()


def test_the_newer_one_is_put_beside(project: Project) -> None:
    project.unpack()
    project.learner_saves("my work")
    project.publish("version 2")
    assert project.unpack() == Unpacked(project.target, kept=True, beside=project.newer)
    assert read(project.target) == notebook("my work", ran=True)
    assert read(project.newer) == notebook("version 2")
    assert project.unpack() == Unpacked(project.target, kept=True)


def test_a_newer_one_that_was_not_touched_gives_way_to_the_next(project: Project) -> None:
    project.unpack()
    project.learner_saves("my work")
    for version in ("version 2", "version 3"):
        project.publish(version)
        assert project.unpack().beside == project.newer
        assert read(project.newer) == notebook(version)


def test_work_in_a_newer_one_is_not_lost_either(project: Project) -> None:
    project.unpack()
    project.learner_saves("my work")
    for number, version in ((1, "version 2"), (2, "version 3"), (3, "version 4")):
        project.publish(version)
        done = project.unpack()
        assert done.beside is not None
        assert read(done.beside) == notebook(version)
        project.learner_saves(f"more work {number}", path=done.beside)
    names = {path.name for path in project.folder.iterdir()} - {MARKER}
    assert names == {NAME, NEWER, "1_plain_tcp.new2.ipynb", "1_plain_tcp.new3.ipynb"}
    assert read(project.newer) == notebook("more work 1", ran=True)


def test_a_notebook_that_was_thrown_away_comes_back(project: Project) -> None:
    project.unpack()
    project.target.unlink()
    assert project.unpack() == Unpacked(project.target)
    assert read(project.target) == notebook("version 1")


@pytest.mark.parametrize("marker", ["kept", "lost"])
@pytest.mark.parametrize(
    "content", ["", "my notes", "[]", '{"cells": 5}', '{"cells": [1]}', "\xff"]
)
def test_a_file_of_that_name_that_is_no_notebook_is_the_learners(
    project: Project, content: str, marker: str
) -> None:
    project.unpack()
    project.target.write_text(content, "latin-1")
    project.publish("version 2")
    if marker == "lost":
        (project.folder / MARKER).unlink()
    newer = Unpacked(project.target, kept=True, beside=project.newer, damaged=True)
    assert project.unpack() == newer
    assert project.target.read_text("latin-1") == content


def test_a_folder_of_that_name_is_the_learners(project: Project) -> None:
    project.target.mkdir(parents=True)
    done = Unpacked(project.target, kept=True, beside=project.newer, damaged=True)
    assert project.unpack() == done
    assert project.target.is_dir()


def test_a_notebook_that_was_cut_off_is_named_with_its_checkpoint(project: Project) -> None:
    project.unpack()
    project.learner_saves("my work")
    checkpoint = project.folder / ".ipynb_checkpoints" / "1_plain_tcp-checkpoint.ipynb"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(project.target.read_bytes())
    os.truncate(project.target, 200)
    done = project.unpack()
    assert done == Unpacked(project.target, kept=True, damaged=True)
    assert done.checkpoint == checkpoint
    os.truncate(checkpoint, 200)
    assert Unpacked(project.target).checkpoint is None
    assert project.target.stat().st_size == 200


@pytest.mark.parametrize("what", ["pipe", "link", "nested"])
def test_what_is_no_file_is_not_waited_for_nor_followed(project: Project, what: str) -> None:
    project.folder.mkdir()
    outside = project.source.with_name("outside.txt")
    outside.write_text("mine")
    if what == "pipe":
        os.mkfifo(project.target)
    elif what == "link":
        project.target.symlink_to(outside)
    else:
        project.target.write_text("[" * 200_000)
    done = Unpacked(project.target, kept=True, beside=project.newer, damaged=True)
    assert project.unpack() == done
    assert outside.read_text() == "mine"
    assert project.newer.is_file()


def test_what_a_killed_process_left_is_taken_away(project: Project) -> None:
    left = project.folder / f".{NAME}.{dead_process()}-0123abcd.new"
    left.parent.mkdir()
    left.write_text("half")
    project.unpack()
    assert not left.exists()


def test_a_lost_marker_loses_no_work(project: Project) -> None:
    project.unpack()
    project.learner_saves("my work")
    (project.folder / MARKER).unlink()
    assert project.unpack() == Unpacked(project.target, kept=True, beside=project.newer)
    assert read(project.target) == notebook("my work", ran=True)


def test_a_lost_marker_puts_no_twin_beside(project: Project) -> None:
    project.unpack()
    project.learner_saves("version 1")
    (project.folder / MARKER).unlink()
    assert project.unpack() == Unpacked(project.target, kept=True)
    assert read(project.target) == notebook("version 1", ran=True)


def test_other_files_are_not_touched(project: Project) -> None:
    project.folder.mkdir()
    (project.folder / "notes.txt").write_text("mine")
    (project.folder / NEWER).write_text("mine too")
    project.unpack()
    project.learner_saves("my work")
    project.publish("version 2")
    project.unpack()
    assert (project.folder / "notes.txt").read_text() == "mine"
    assert (project.folder / NEWER).read_text() == "mine too"


# --- Back to the beginning


OLD = "1_plain_tcp.old.ipynb"


@pytest.mark.parametrize("what", ["1", "1_plain_tcp", NAME])
def test_reset_keeps_the_learners_own_beside(project: Project, what: str) -> None:
    project.unpack()
    project.learner_saves("my work")
    assert reset(project.folder, what) == [Reset(project.target, project.folder / OLD)]
    assert read(project.target) == notebook("version 1")
    assert read(project.folder / OLD) == notebook("my work", ran=True)
    assert project.unpack() == Unpacked(project.target, kept=True)


def test_reset_as_often_as_one_likes(project: Project) -> None:
    project.unpack()
    for number, name in enumerate((OLD, "1_plain_tcp.old2.ipynb", "1_plain_tcp.old3.ipynb")):
        project.learner_saves(f"work {number}")
        (done,) = reset(project.folder, "1")
        assert done.old == project.folder / name
    assert read(project.folder / OLD) == notebook("work 0", ran=True)


def test_reset_of_what_was_not_touched(project: Project) -> None:
    project.unpack()
    assert reset(project.folder, "1") == [Reset(project.target)]
    project.target.unlink()
    assert reset(project.folder, "1") == [Reset(project.target)]
    assert read(project.target) == notebook("version 1")


def test_reset_keeps_outputs_too(project: Project) -> None:
    project.unpack()
    project.learner_saves("version 1")
    (done,) = reset(project.folder, "1")
    assert done.old is not None
    assert read(done.old) == notebook("version 1", ran=True)


def test_reset_of_what_was_only_opened(project: Project) -> None:
    """JupyterLab saved it, with another label and an empty cell: there is nothing to keep."""
    project.unpack()
    saved = notebook("version 1")
    saved["cells"].append(notebook("")["cells"][1])
    saved["metadata"]["language_info"] = {"name": "python", "version": "3.11.0"}
    project.target.write_text(json.dumps(saved), "utf-8")
    assert reset(project.folder, "1") == [Reset(project.target)]
    assert read(project.target) == notebook("version 1")


def test_reset_gives_the_newest(project: Project) -> None:
    project.unpack()
    project.learner_saves("my work")
    project.publish("version 2")
    reset(project.folder, "1")
    assert read(project.target) == notebook("version 2")
    assert project.unpack() == Unpacked(project.target, kept=True)


@pytest.mark.parametrize("what", ["2", "", "1_", "ipynb", "../1"])
def test_reset_of_what_is_not_there(project: Project, what: str) -> None:
    project.unpack()
    with pytest.raises(UnknownName, match="one of 1, 1_plain_tcp"):
        reset(project.folder, what)


def test_reset_somewhere_else(project: Project, tmp_path: Path) -> None:
    project.unpack()
    (tmp_path / NAME).write_text("not the lab's")
    with pytest.raises(NotInWorkspace, match="is not a folder of the lab"):
        reset(tmp_path, "1")
    assert (tmp_path / NAME).read_text() == "not the lab's"


def test_reset_where_nothing_can_be_renamed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    project.unpack()
    project.learner_saves("my work")
    monkeypatch.setattr(Path, "rename", denied)  # root may do anything, and runs the tests in CI
    with pytest.raises(FileProblem, match=r"cannot be written \(Permission denied\)"):
        reset(project.folder, "1")
    assert read(project.target) == notebook("my work", ran=True)


def test_one_goes_on_where_one_was(project: Project) -> None:
    second = project.source.with_name("2_tls.ipynb")
    second.write_text(project.source.read_text("utf-8"), "utf-8")
    unpack(project.folder)
    assert latest(project.folder) == project.target
    project.learner_saves("version 1", path=project.folder / second.name)
    assert latest(project.folder) == project.folder / second.name
    project.learner_saves("version 1")
    os.utime(project.folder / second.name, (1, 1))
    assert latest(project.folder) == project.target


def test_another_python_takes_no_notebook_for_a_saved_one(project: Project) -> None:
    second = project.source.with_name("2_tls.ipynb")
    second.write_text(project.source.read_text("utf-8"), "utf-8")
    unpack(project.folder)
    for path in (project.target, project.folder / second.name):
        content = read(path)
        content["metadata"]["language_info"]["version"] = "3.11.0"
        path.write_text(json.dumps(content), "utf-8")
    assert latest(project.folder) == project.target


# --- What cannot be done


@pytest.mark.parametrize(
    "damage", ["", "{", "null", "[1]", '"abc"', "\xff", "[" * 200_000, "folder", "pipe"]
)
def test_a_damaged_marker(project: Project, damage: str) -> None:
    project.unpack()
    marker = project.folder / MARKER
    marker.unlink()
    if damage == "folder":
        marker.mkdir()
    elif damage == "pipe":
        os.mkfifo(marker)
    else:
        marker.write_text(damage, "latin-1")
    before = project.target.read_bytes()
    with pytest.raises(FileProblem) as caught:
        project.unpack()
    assert caught.value.found.startswith(f"{marker} cannot be read (")
    assert caught.value.expected == "the list of notebooks that the lab wrote there"
    assert caught.value.todo == (
        "delete this one file: your notebooks stay, and new ones are put beside them"
    )
    assert project.target.read_bytes() == before


def test_a_file_that_cannot_be_written(project: Project) -> None:
    """A folder whose name is longer than any file's can be."""
    longest = project.source.with_name(f"1_{'x' * 240}.ipynb")
    project.source.rename(longest)
    with pytest.raises(FileProblem) as caught:
        project.unpack()
    assert str(caught.value) == (
        f"Found:    {project.folder / longest.name} cannot be written (File name too long)\n"
        "Expected: a name that this disk takes\n"
        "To do:    choose a shorter name"
    )


def test_a_full_disk_leaves_nothing_half_written(project: Project) -> None:
    project.folder.mkdir()
    with files_of_at_most(10), pytest.raises(FileProblem, match="No space left on device"):
        project.unpack()
    assert list(project.folder.iterdir()) == []


def test_a_reset_on_a_full_disk_leaves_the_notebook_where_it_is(project: Project) -> None:
    project.unpack()
    project.learner_saves("my work")
    with files_of_at_most(10), pytest.raises(FileProblem, match="No space left on device"):
        reset(project.folder, "1")
    assert read(project.target) == notebook("my work", ran=True)
    assert {path.name for path in project.folder.iterdir()} == {NAME, MARKER}


# --- The project's own


def test_the_projects_own_notebooks(tmp_path: Path) -> None:
    done = unpack(tmp_path)
    assert [item.path.name for item in done] == [path.name for path in notebooks()]
    assert len(done) >= 3
    assert not any(item.kept for item in done)
    for item in done:
        for cell in read(item.path)["cells"]:
            assert cell.get("outputs", []) == []
            assert cell.get("execution_count") is None
    assert all(item.kept and item.beside is None for item in unpack(tmp_path))
