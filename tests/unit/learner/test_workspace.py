"""What `enter` makes and keeps for each part. Unpacking notebooks: test_notebooks.py."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mtls_lab import CertificateAuthority, ask, serve
from mtls_lab.common import FileProblem, NotInWorkspace, typed
from mtls_lab.learner import enter, workspace
from mtls_lab.learner.folder import MARKER, own_folder, read_marker
from mtls_lab.learner.workspace import FOLDERS
from mtls_lab.net import client_context, only_trusted_client, server_context
from mtls_lab.pki import Purpose, create_key, describe, pem
from tests.unit.lab import not_root

PART_2 = (
    "ca/ca.crt",
    "ca/ca.key",
    "backend/server.crt",
    "backend/server.key",
    "device/server_ca.pem",
)
PART_3 = ("device/client.crt", "device/client.key", "backend/client_ca.pem")


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MARKER
    }


@pytest.mark.skipif(os.name != "posix", reason="Windows deletes no folder that somebody is in")
@pytest.mark.parametrize("ask_for", [lambda: enter(1), own_folder, lambda: own_folder(Path("lab"))])
def test_a_current_folder_that_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask_for: Callable[[], object]
) -> None:
    (tmp_path / "lab").mkdir()
    monkeypatch.chdir(tmp_path / "lab")
    (tmp_path / "lab").rmdir()
    with pytest.raises(FileProblem) as caught:
        ask_for()
    assert caught.value.found == "the current folder, which is not there any more"


@pytest.mark.parametrize(
    ("part", "expected"), [(1, ()), (2, ()), (3, PART_2), (4, PART_2 + PART_3)]
)
def test_each_part_starts_with_what_the_earlier_ones_made(
    folder: Path, part: int, expected: tuple[str, ...]
) -> None:
    entered = enter(part)
    assert (entered.folder, entered.part, entered.files) == (folder, part, expected)
    assert set(files(folder)) == set(expected)
    for name in FOLDERS:
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700
    for name in expected:
        mode = 0o600 if name.endswith(".key") else 0o644
        assert stat.S_IMODE((folder / name).stat().st_mode) == mode


def test_what_it_says() -> None:
    nothing = workspace.Workspace(Path("lab"), 1, ())
    assert str(nothing) == "Ready for part 1. From the parts before:\n  nothing is needed yet"
    some = workspace.Workspace(Path("lab"), 3, ("ca/ca.crt", "ca/ca.key"))
    assert str(some) == "Ready for part 3. From the parts before:\n  ca/ca.crt\n  ca/ca.key"


def test_mutual_tls_works_with_what_is_there(folder: Path) -> None:
    enter(4)
    server = server_context(*PART_2[2:4], client_ca="backend/client_ca.pem")
    with serve(server, authorize=only_trusted_client) as backend:
        exchange = ask(
            "GET_SECRET", backend, context=client_context("device/server_ca.pem", *PART_3[:2])
        )
    assert exchange.ok
    assert Path.cwd() == folder


def test_it_works_from_a_folder_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(1)
    monkeypatch.chdir(folder / "device")
    assert enter(1).folder == Path.cwd() == folder


def test_entering_again_changes_nothing(folder: Path) -> None:
    enter(4)
    before = files(folder)
    for part in (1, 2, 3, 4):
        enter(part)
    assert files(folder) == before


def test_a_learners_own_files_are_kept(folder: Path) -> None:
    """Made by hand in Part 2, with names of the learner's own."""
    enter(2)
    ca = CertificateAuthority.create("My own CA")
    pem.Identity(ca.key, ca.certificate).save("ca", "ca")
    ca.issue_server(["localhost"]).save("backend", "server")
    before = files(folder)
    enter(3)
    after = files(folder)
    assert before.items() <= after.items()
    assert "issuer                CN=My own CA" in describe(
        pem.read_certificate("device/server_ca.pem")
    )


# --- What does not fit is made again


def expired_server() -> None:
    ca = CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    ca.issue("x", Purpose.SERVER, names=["localhost"], valid_days=(-9, -1)).save(
        "backend", "server"
    )


def other_server() -> None:
    CertificateAuthority.create("Lab CA").issue_server(["localhost"]).save("backend", "server")


def other_server_key() -> None:
    CertificateAuthority.create("x").issue_server(["x"]).save("attacker", "server")
    Path("attacker/server.key").replace("backend/server.key")
    Path("attacker/server.crt").unlink()


def expired_client() -> None:
    ca = CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    ca.issue("trusted-client", Purpose.CLIENT, valid_days=(-9, -1)).save("device", "client")


def other_client() -> None:
    CertificateAuthority.create("Lab CA").issue_client("trusted-client").save("device", "client")


def expired_ca() -> None:
    ca = CertificateAuthority.create("Lab CA", days=0)
    pem.Identity(ca.key, ca.certificate).save("ca", "ca")


def other_ca_key() -> None:
    ca = CertificateAuthority.create("Lab CA")
    pem.write_key("ca/ca.key", ca.key)


def another_key_identifier() -> None:
    """As after the last cell of Part 2's section 2 alone, where section 1 has made another CA."""
    ca, before = CertificateAuthority.load("ca/ca.crt", "ca/ca.key"), create_key()
    issued = CertificateAuthority(
        ca.key, CertificateAuthority.create("Lab CA", key=before).certificate
    )
    issued.issue_server(["localhost"]).save("backend", "server")


def client_as_server() -> None:
    ca = CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    ca.issue("localhost", Purpose.CLIENT, names=["localhost"]).save("backend", "server")


def server_of_another_name() -> None:
    ca = CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    ca.issue_server(["mallory.example"]).save("backend", "server")


def server_as_client() -> None:
    ca = CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    ca.issue_server(["trusted-client"]).save("device", "client")


def leaf_as_ca() -> None:
    ca = CertificateAuthority.create("Lab CA")
    leaf = ca.issue("Lab CA", None, key=ca.key)  # signed with its own key, and CA:FALSE
    pem.Identity(ca.key, leaf.certificate).save("ca", "ca")


SERVER, CLIENT = set(PART_2[2:4]), set(PART_3[:2])
EVERYTHING = set(PART_2 + PART_3)


@pytest.mark.parametrize(
    ("damage", "made_again"),
    [
        (expired_server, SERVER),
        (other_server, SERVER),
        (other_server_key, SERVER),
        (lambda: Path("backend/server.key").unlink(), SERVER),
        (lambda: Path("backend/server.crt").write_text("garbage"), SERVER),
        (expired_client, CLIENT),
        (other_client, CLIENT),
        (lambda: Path("device/client.crt").unlink(), CLIENT),
        (expired_ca, EVERYTHING),
        (other_ca_key, EVERYTHING),
        (lambda: Path("ca/ca.crt").write_text(""), EVERYTHING),
        (another_key_identifier, SERVER),
        (client_as_server, SERVER),
        (server_of_another_name, SERVER),
        (server_as_client, CLIENT),
        (leaf_as_ca, EVERYTHING),
        (lambda: Path("device/server_ca.pem").write_text("garbage"), set()),
        (lambda: Path("backend/client_ca.pem").unlink(), set()),
    ],
    ids=[
        "server expired",
        "server of another CA",
        "server with another key",
        "server key missing",
        "server garbage",
        "client expired",
        "client of another CA",
        "client missing",
        "CA expired",
        "CA with another key",
        "CA empty",
        "server with another CA's key identifier",
        "server with a client's purpose",
        "server with another name",
        "client with a server's purpose",
        "CA that may not sign",
        "copy of the CA damaged",
        "copy of the CA missing",
    ],
)
def test_what_is_made_again(
    folder: Path, damage: Callable[[], object], made_again: set[str]
) -> None:
    enter(4)
    good = files(folder)
    damage()
    damaged = files(folder)
    enter(4)
    healed = files(folder)
    assert damaged != healed
    assert {name for name in healed if healed[name] != good[name]} == made_again
    test_mutual_tls_works_with_what_is_there(folder)


# --- In the wrong place


def test_not_in_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotInWorkspace) as caught:
        enter(1)
    assert str(caught.value) == (
        f"Found:    {tmp_path} is not a folder of the lab (no .mtls-lab file in it)\n"
        f"Expected: a folder that `{typed('start')}` has made\n"
        f"To do:    make one with `{typed('start --prepare')}`, and open the notebook in it"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.once  # the system decides, and no Python
@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_a_folder_that_may_not_be_entered(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    try:
        with not_root(), pytest.raises(FileProblem) as caught:
            own_folder(tmp_path)
    finally:
        tmp_path.chmod(0o700)
    assert str(caught.value) == (
        f"Found:    {tmp_path} cannot be read (Permission denied)\n"
        "Expected: a folder that is yours to open\n"
        "To do:    change its permissions, or name another folder"
    )


MAKES: dict[str, Callable[[Path], object]] = {
    "a named pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": Path.mkdir,
    "a link that leads nowhere": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.skipif(os.name != "posix", reason="named pipes are of Unix")
@pytest.mark.parametrize("kind", MAKES)
def test_a_marker_that_is_no_file_is_called_what_it_is(tmp_path: Path, kind: str) -> None:
    MAKES[kind](tmp_path / MARKER)
    (tmp_path / "device").mkdir()
    for place in (tmp_path, tmp_path / "device"):
        with pytest.raises(FileProblem) as caught:
            own_folder(place)
        assert str(caught.value) == (
            f"Found:    {tmp_path / MARKER} is {kind}\n"
            "Expected: a file: the list of notebooks that the lab wrote there\n"
            "To do:    delete it: your notebooks stay, and the next start writes the list again"
        )


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    (folder / "backend").touch()
    with pytest.raises(FileProblem) as caught:
        enter(1)
    assert caught.value.found == f"{folder / 'backend'} cannot be written (File exists)"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the project with its folder `notebooks`, where the test runs."""
    (tmp_path / "clone" / "notebooks").mkdir(parents=True)
    (tmp_path / "link").symlink_to("clone")
    monkeypatch.chdir(tmp_path / "clone" / "notebooks")
    return tmp_path / "clone"


@pytest.mark.parametrize("name", ["clone", "link"])
def test_in_a_clone_the_files_go_into_the_lab_folder(
    clone: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also where the clone is reached through a link: the current folder has none in its name."""
    monkeypatch.setattr(workspace, "resource_folder", lambda kind: clone.parent / name / kind)
    assert enter(3).folder == Path.cwd() == clone / "lab"
    assert set(files(clone / "lab")) == set(PART_2)
    assert list((clone / "notebooks").iterdir()) == []


def test_in_a_clone_the_marker_of_make_lab_stays(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which notebooks are the learner's: without it, all of them would seem to be."""
    monkeypatch.setattr(workspace, "resource_folder", lambda kind: clone / kind)
    (clone / "lab").mkdir()
    (clone / "lab" / MARKER).write_text('{"1_plain_tcp.ipynb": "abc"}')
    enter(1)
    assert read_marker(clone / "lab") == {"1_plain_tcp.ipynb": "abc"}
