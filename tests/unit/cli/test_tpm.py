"""`mtls-lab tpm`, `certs --tpm` and `ask` with such a key: real TPMs, real processes.

Here: what a person types and reads, each kind of bad input, and that nothing is left running. Not
here: the TPM and its clients as a library (tests/unit/tpm/).
"""

import json
import os
import pty
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import tty
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mtls_lab.cli import main, tpm
from mtls_lab.cli.sealed import wants_pin
from mtls_lab.net import server_context
from mtls_lab.pki import pem
from mtls_lab.tpm import SoftwareTPM, chip, keeper
from tests.unit.cli.calling import call, run
from tests.unit.cli.serving import serving
from tests.unit.lab import dead_process, needs

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("software_tpm")]

REPLY = "open sesame\n"
PIN, WRONG = "1234\n", "0000\n"


def lab(
    place: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Type a command in the folder `place`, without a start of Python."""
    return call(*arguments, cwd=place, environment=environment)


def apart(
    place: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The same, in a process: what it leaves running is no child of ours."""
    return run(*arguments, cwd=place, environment=environment)


def status(place: Path, folder: str = "tpm") -> dict[str, object]:
    told: dict[str, object] = json.loads(lab(place, "tpm", "status", folder, "--json").stdout)
    return told


def runner(place: Path, folder: str = "tpm") -> int:
    """The process that runs the TPM of a folder."""
    process = status(place, folder)["process"]
    assert isinstance(process, int)
    assert process
    return process


def child_of(process: int) -> int:
    """The process of the TPM itself."""
    (child,) = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(child)


@contextmanager
def ends(*processes: int) -> Iterator[None]:
    """The block ends these processes: they are no zombies of ours, so their handles tell."""
    with ExitStack() as stack:
        handles = [stack.enter_context(keeper._handle_of(each)) for each in processes]
        yield
        for handle in handles:
            assert keeper._has_ended(handle, 30)


@contextmanager
def running(place: Path, folder: str = "tpm") -> Iterator[int]:
    """A TPM that was started in a terminal; what ran it is gone afterwards."""
    done = apart(place, "tpm", "start", folder)
    assert (done.returncode, done.stderr) == (0, "")
    process = runner(place, folder)
    with ends(process, child_of(process)):
        try:
            yield process
        finally:
            assert lab(place, "tpm", "stop", folder).returncode == 0


@pytest.fixture(scope="session")
def software_tpm() -> None:
    """Where there is none, these tests are skipped (tests/conftest.py)."""
    needs("swtpm", "swtpm")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a running TPM, and with the certificates of two devices, one with a PIN."""
    place = tmp_path_factory.mktemp("place")
    (place / "pin").write_text(PIN)
    (place / "wrong").write_text(WRONG)
    with running(place):
        assert apart(place, "certs", "pki", "--tpm").returncode == 0
        done = apart(place, "certs", "asks", "--tpm", "--pin", "--password-file", "pin")
        assert (done.returncode, done.stderr) == (0, "")
        yield place


# --- start, status, stop


def test_it_runs_for_every_terminal_until_it_is_stopped(tmp_path: Path) -> None:
    done = apart(tmp_path, "tpm", "start")
    process = runner(tmp_path)
    with ends(process, child_of(process)):
        first, make = done.stdout.splitlines()
        assert first.startswith(f"The software TPM in tpm runs, as process {process}. To stop it: ")
        assert make.endswith("certs pki --tpm")
        again = apart(tmp_path, "tpm", "start")
        assert (again.returncode, again.stderr) == (0, "")
        assert "runs already" in again.stdout
        told = status(tmp_path)
        assert told["answers"] is True
        assert told["locked"] is False
        assert told["lock"] == {"wrong": 0, "most": 3, "recovery": 1000}
        assert str(told["swtpm"]).startswith("swtpm 0.")
        scratch = Path(str(told["tcti"]).removeprefix("swtpm:path=")).parent
        assert scratch.is_dir()
        lines = lab(tmp_path, "tpm", "status").stdout.splitlines()
        assert [line.split()[0] for line in lines] == [
            *("TPM", "version", "PINs", "tpm2-openssl", "/dev/tpmrm0")
        ]
        stopped = lab(tmp_path, "tpm", "stop")
        assert (stopped.returncode, stopped.stderr) == (0, "")
        assert "is stopped" in stopped.stdout
    assert not scratch.exists()
    assert {each.name for each in (tmp_path / "tpm").iterdir()} == {
        *(".lock", "swtpm.log", "tpm2-00.permall")
    }
    again = lab(tmp_path, "tpm", "stop")
    assert (again.returncode, again.stdout) == (0, "No TPM runs in tpm.\n")
    none = lab(tmp_path, "tpm", "status")
    assert none.returncode == 1
    assert "none runs in tpm" in none.stdout
    assert "to do" in none.stdout


def test_two_starts_at_a_time_run_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: apart(tmp_path, "tpm", "start"), range(2)))
    process = runner(tmp_path)
    with ends(process, child_of(process)):
        assert [each.returncode for each in done] == [0, 0]
        assert sorted("already" in each.stdout for each in done) == [False, True]
        assert all(f"process {process}" in each.stdout for each in done)
        assert lab(tmp_path, "tpm", "stop").returncode == 0


@pytest.mark.parametrize("kind", ["a dead process", "another's process", "another's socket"])
def test_what_was_left_behind_is_no_process(tmp_path: Path, kind: str) -> None:
    """Nobody else is ever ended for it, and the next start works."""
    folder = tmp_path / "tpm"
    folder.mkdir()
    process = os.getpid() if kind == "another's process" else dead_process()
    told = {"pid": process, "socket": str(tmp_path / "door"), "folder": str(folder), "kept": True}
    with socket.socket(socket.AF_UNIX) as door:
        if kind == "another's socket":
            door.bind(str(tmp_path / "door"))
            door.listen()
        for action, code, way in (("status", 1, lab), ("stop", 0, lab), ("start", 0, apart)):
            (folder / "running.json").write_text(json.dumps(told))
            done = way(tmp_path, "tpm", action)
            assert (done.returncode, done.stderr) == (code, "")
            if action != "start":
                assert f"process {process}, which ran one" in done.stdout
        with ends(runner(tmp_path)):
            assert "is stopped" in lab(tmp_path, "tpm", "stop").stdout


def test_a_folder_that_was_removed_ends_it(tmp_path: Path) -> None:
    assert apart(tmp_path, "tpm", "start").returncode == 0
    process = runner(tmp_path)
    with ends(process, child_of(process)):
        shutil.rmtree(tmp_path / "tpm")


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("pin", "pin cannot be written (File exists)"),
        ("/proc/nowhere", "/proc/nowhere cannot be written"),
        ("/proc/self", "/proc/self cannot be written"),
    ],
)
def test_a_folder_that_cannot_be_written(place: Path, folder: str, found: str) -> None:
    done = apart(place, "tpm", "start", folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert found in done.stderr
    assert "choose another folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_that_is_damaged(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    (tmp_path / "tpm" / "tpm2-00.permall").write_bytes(b"damaged")
    done = apart(tmp_path, "tpm", "start")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no TPM starts from the state in tpm" in done.stderr
    assert "move tpm/tpm2-00.permall away" in done.stderr
    (tmp_path / "tpm" / "tpm2-00.permall").unlink()
    with running(tmp_path):
        pass


def test_the_tpm_of_a_notebook_is_used_and_not_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SoftwareTPM(tmp_path / "tpm") as mine:
        folder = str(tmp_path / "tpm")
        assert status(tmp_path)["process"] == os.getpid()
        assert main(["tpm", "start", folder]) == 0
        assert "A notebook or a program runs it" in capsys.readouterr().out
        assert main(["tpm", "stop", folder]) == 2
        told = capsys.readouterr().err
        assert f"the TPM of tpm belongs to process {os.getpid()}, a notebook or" in told
        assert "end that notebook's kernel" in told
        assert mine.running


@pytest.mark.parametrize(
    "arguments",
    [("tpm", "start"), ("certs", "new", "--tpm"), ("ask", "localhost:9", "--folder", "pki")],
)
def test_without_the_programs_it_says_how_to_get_them(
    place: Path, arguments: tuple[str, ...]
) -> None:
    done = apart(place, *arguments, environment={"PATH": "/nowhere"})
    assert (done.returncode, done.stdout) == (2, "")
    assert "sudo apt install" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (place / "new").exists()


def test_without_a_tpm_it_says_how_to_start_one(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "pki", tmp_path / "pki")
    for arguments in (
        ("certs", "new", "--tpm"),
        ("ask", "localhost:9", "--folder", "pki"),
        ("ask", "localhost:9", "--folder", "pki", "--tpm-folder", "other"),
        ("tpm", "unlock"),
    ):
        done = lab(tmp_path, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "To do:    start it: " in done.stderr
    assert not (tmp_path / "new").exists()


# --- Keys


def test_the_key_never_leaves_the_tpm(place: Path) -> None:
    key = place / "pki" / "device" / "client.key"
    assert key.read_text().startswith("-----BEGIN TSS2 PRIVATE KEY-----\n")
    assert key.stat().st_mode & 0o777 == 0o600
    assert (wants_pin(key), wants_pin(place / "asks" / "device" / "client.key")) == (False, True)


def test_the_certificate_is_as_for_a_key_in_a_file(place: Path) -> None:
    name, uri = "Pümpe/7=+", "spiffe://lab.example/device/7"
    done = lab(
        *(place, "certs", "whole", "--tpm", "--client-name", name, "--uri", uri, "--days", "7"),
        *("--intermediate", "--separate-device-ca"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "  public  whole/device/client.key" in done.stdout
    assert "Whoever copies the folder of that TPM has the key as well" in done.stdout
    certificate, issuer = pem.read_certificates(place / "whole" / "device" / "client.crt")
    assert [each.value for each in certificate.subject] == [name]
    assert certificate.issuer == issuer.subject
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 7
    assert uri in str(certificate.extensions)
    with serving("whole", cwd=place) as terminal:
        done = lab(place, "ask", terminal.address, "--folder", "whole")
        assert (done.returncode, done.stdout, done.stderr) == (0, REPLY, "")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--pin",), "--pin without --tpm"),
        (("--tpm-folder", "tpm"), "--tpm-folder without --tpm"),
        (("--tpm", "--p12"), "--p12 with --tpm"),
        (("--tpm", "--pin"), "nobody who could type a password"),
    ],
)
def test_options_that_do_not_fit(place: Path, arguments: tuple[str, ...], found: str) -> None:
    done = lab(place, "certs", "none", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert found in done.stderr
    assert not (place / "none").exists()


# --- ask


def test_the_device_is_served(place: Path) -> None:
    with serving("pki", cwd=place) as terminal:
        address = terminal.address.replace("127.0.0.1", "localhost")
        for more in ((), ("--tls13-only",)):
            done = lab(place, "ask", address, "--folder", "pki", *more)
            assert (done.returncode, done.stdout, done.stderr) == (0, REPLY, "")
        told = json.loads(lab(place, "ask", address, "--folder", "pki", "--json").stdout)
        assert (told["ok"], told["device"]["version"]) == (True, "TLSv1.3")
        done = lab(place, "ask", address, "--folder", "pki", "--server-name", "other.example")
        assert done.returncode == 4
        assert "not for 'other.example'" in done.stderr
        done = lab(place, "ask", "DANCE", address, "--folder", "pki")
        assert (done.returncode, done.stdout) == (1, "ERROR unknown command: try HELP\n")


@pytest.mark.parametrize("option", ["--server-ca", "--certfile"])
def test_a_file_that_is_missing_is_named(place: Path, option: str) -> None:
    files = {
        "--certfile": "pki/device/client.crt",
        "--keyfile": "pki/device/client.key",
        "--server-ca": "pki/device/server_ca.pem",
    }
    words = [word for pair in (files | {option: "nope.pem"}).items() for word in pair]
    done = lab(place, "ask", "localhost:9", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nope.pem is not there" in done.stderr


def test_a_certificate_for_another_key(place: Path) -> None:
    pair = ("--certfile", "pki/device/client.crt", "--keyfile", "asks/device/client.key")
    more = ("--folder", "pki", "--password-file", "pin")
    done = lab(place, "ask", "localhost:9", *pair, *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert "The key is not the one that the certificate was made for." in done.stderr


def test_programs_that_do_not_load_the_provider_are_told_so(place: Path) -> None:
    """They get the truth: the file is in order, and of no use to them."""
    pair = ("pki/device/client.crt", "pki/device/client.key")
    for words in (
        ("serve", "--certfile", pair[0], "--keyfile", pair[1], "--client-ca", pair[0]),
        ("diagnose", "localhost:9", "--cert", pair[0], "--key", pair[1]),
        ("explain", "--certfile", pair[0], "--keyfile", pair[1], "[SSL] PEM lib (_ssl.c:3926)"),
    ):
        done = lab(place, *words)
        told = done.stdout + done.stderr
        assert f"Only a TPM can open the key in {pair[1]}, and this program cannot ask" in told
        assert "OPENSSL_CONF naming a configuration that loads the tpm2 provider" in told
        assert "in PEM form" not in told


def test_nobody_listens(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = lab(place, "ask", f"127.0.0.1:{port}", "--folder", "pki")
    assert done.returncode == 3
    assert "nothing listens at this address" in done.stderr


def test_wrong_pins_lock_it_and_its_owner_unlocks_it(place: Path) -> None:
    with serving("asks", cwd=place) as terminal:
        address = terminal.address

        def ask_with(*file: str) -> subprocess.CompletedProcess[str]:
            return lab(place, "ask", address, "--folder", "asks", *file)

        assert "nobody who could type a password" in ask_with().stderr
        assert ask_with("--password-file", "pin").stdout == REPLY
        for _ in range(3):
            done = ask_with("--password-file", "wrong")
            assert (done.returncode, done.stdout) == (4, "")
            assert "The PIN of the key is wrong or missing: 0x98e TPM_RC_AUTH_FAIL" in done.stderr
            assert "How many tries are left: mtls-lab tpm status" in done.stderr
            assert "Files:" not in done.stderr  # nothing is wrong with them
        done = ask_with("--password-file", "pin")
        assert done.returncode == 4
        assert "The TPM is locked: 0x921 TPM_RC_LOCKOUT" in done.stderr
        assert "mtls-lab tpm unlock" in done.stderr
        told = lab(place, "tpm", "status")
        assert told.returncode == 0
        assert "LOCKED (3 of 3 wrong ones" in told.stdout
        assert status(place)["locked"] is True
        # A key without a PIN is refused as well, and a new one cannot be used for its request.
        assert "0x921" in lab(place, "certs", "more", "--tpm").stderr
        assert not (place / "more").exists()
        assert lab(place, "tpm", "unlock").stdout == "The TPM in tpm has forgotten 3 wrong PINs.\n"
        assert ask_with("--password-file", "pin").stdout == REPLY


def test_the_key_of_another_tpm(place: Path) -> None:
    with running(place, "other"):
        done = lab(place, "ask", "localhost:9", "--folder", "pki", "--tpm-folder", "other")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The TPM cannot unwrap what it was given: 0x1df TPM_RC_INTEGRITY" in done.stderr
    assert "Use the key on the machine that made it" in done.stderr


def test_a_tpm_that_is_killed_in_the_middle_of_a_handshake(tmp_path: Path) -> None:
    assert apart(tmp_path, "tpm", "start").returncode == 0
    assert lab(tmp_path, "certs", "pki", "--tpm").returncode == 0
    process = runner(tmp_path)
    chip_process = child_of(process)
    backend = tmp_path / "pki" / "backend"
    context = server_context(
        backend / "server.crt", backend / "server.key", client_ca=backend / "client_ca.pem"
    )
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(60)

        def kill_then_shake_hands() -> None:
            client, _ = listener.accept()  # it has loaded its key, and has not signed yet
            with ends(process, chip_process):
                os.kill(chip_process, signal.SIGKILL)
            # Debian 12's provider fails as it signs, later ones before they send a certificate.
            with client, pytest.raises(ssl.SSLError, match=r"ALERT|NOT_RETURN_A_CERT"):
                context.wrap_socket(client, server_side=True).read()

        backend_side = pool.submit(kill_then_shake_hands)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        done = lab(tmp_path, "ask", address, "--folder", "pki", "--timeout", "30")
        backend_side.result(60)
    assert (done.returncode, done.stdout) == (4, "")
    assert "The TPM cannot be reached, or was lost meanwhile" in done.stderr
    assert "mtls-lab tpm start" in done.stderr
    assert lab(tmp_path, "tpm", "status").returncode == 1
    with running(tmp_path), serving("pki", cwd=tmp_path) as terminal:
        assert lab(tmp_path, "ask", terminal.address, "--folder", "pki").stdout == REPLY


def test_a_tpm_that_is_silent_keeps_nobody_waiting(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chip, "ANSWER", 0.5)
    with running(place, "silent") as process:
        os.kill(child_of(process), signal.SIGSTOP)
        done = lab(place, "ask", "localhost:9", "--folder", "pki", "--tpm-folder", "silent")
        assert (done.returncode, done.stdout) == (2, "")
        assert "the TPM of silent does not answer" in done.stderr
        assert "start it again" in done.stderr


# --- A real one


def test_a_real_tpm_is_found_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not a real one, but a device as Linux has it, with a software TPM behind it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TPM2OPENSSL_TCTI", raising=False)
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    device = Path(os.ttyname(theirs))
    with SoftwareTPM("behind") as behind, socket.socket(socket.AF_UNIX) as door:
        door.connect(behind.tcti.removeprefix("swtpm:path="))

        def pass_on() -> None:
            while command := os.read(ours, 4096):
                if command == b"end":
                    return
                door.sendall(command)
                os.write(ours, door.recv(4096))

        worker = threading.Thread(target=pass_on)
        worker.start()
        try:
            for module in (chip, tpm):
                monkeypatch.setattr(module, "DEVICE", device)
            assert main(["tpm", "status", "--json"]) == 0
            told = json.loads(capsys.readouterr().out)
            assert told["tcti"] == f"device:{device}"
            assert (told["process"], told["lock"]["most"]) == (0, 3)
            found = {"path": str(device), "exists": True, "usable": True, "used": True}
            assert told["device"] == found
            assert main(["tpm", "status"]) == 0
            assert (
                "there, and used (the lab has not been tried on a real" in capsys.readouterr().out
            )
            assert main(["certs", "pki", "--tpm"]) == 0
            assert f"in the TPM device:{device}, and cannot leave it" in capsys.readouterr().out
            assert main(["tpm", "unlock"]) == 2  # it is not the lab's to unlock
            assert "a real one is its owner's" in capsys.readouterr().err
            with SoftwareTPM("tpm"):
                assert main(["tpm", "status"]) == 0
                assert "there, and not used" in capsys.readouterr().out
        finally:
            os.write(theirs, b"end")
            worker.join(30)
            os.close(ours)
            os.close(theirs)
