"""`mtls-lab serve` in one terminal, a process; `mtls-lab ask` in another, called: their words.

Here: replies, refusals, exit codes, signals. Not here: certs (test_certs.py), the backend and the
device themselves (tests/unit/net/), both as processes (tests/repository/test_readme.py).
"""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from mtls_lab.cli import main
from mtls_lab.net import ask as device_asks
from mtls_lab.net import client_context, nobody_listens
from mtls_lab.pki import CertificateAuthority, pem
from tests.unit.cli.calling import call
from tests.unit.cli.serving import serving
from tests.unit.failures import private_pem
from tests.unit.lab import VERSIONS, spelled

REPLY = "open sesame\n"
#: What a notebook writes, and nobody types in a terminal.
COURSE = re.compile(
    r"\b(serve|enter|explain)\(|load_cert_chain|load_verify|create_default|wrap_socket|"
    r"backend\.address|with block|Exchange the two names, or name the right file \("
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the folder `pki` of `certs` is, with a second device that is revoked."""
    place = tmp_path_factory.mktemp("place")
    folder = place / "pki"
    assert main(["certs", str(folder)]) == 0
    ca = CertificateAuthority.load(folder / "ca" / "ca.crt", folder / "ca" / "ca.key")
    lost = ca.issue_client("lost-client")
    lost.save(place, "lost")
    ca.issue_client("evil\x1b[31m\u202e").save(place, "evil")
    ca.revoke(lost.certificate)
    pem.write_crl(place / "client_ca.crl", ca.crl())
    return place


def ask(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The second terminal, without a start of Python."""
    return call("ask", *arguments, cwd=place)


def told(line: str) -> str:
    """A line of the log without the address of the client."""
    return re.sub(r"^127\.0\.0\.1:\d+  ", "", line)


@pytest.mark.parametrize(
    ("served", "asked", "open_"),
    [
        ((), (), "connected  TLSv1.3, CN=trusted-client"),
        (("--tls",), ("--no-certificate",), "connected  TLSv1.3, no certificate"),
        (("--plain",), ("--plain",), "connected"),
        (("--tls13-only", "--allow", "trusted-client"), ("--tls13-only",), None),
        (("--crl", "client_ca.crl"), (), None),
    ],
    ids=["mutual TLS", "TLS", "plain TCP", "a rule", "a revocation list"],
)
def test_the_device_is_served(
    place: Path, served: tuple[str, ...], asked: tuple[str, ...], open_: str | None
) -> None:
    with serving("pki", *served, cwd=place) as terminal:
        address = terminal.address.replace("127.0.0.1", "localhost")
        done = ask(place, address, "--folder", "pki", *asked)
        assert (done.returncode, done.stdout, done.stderr) == (0, REPLY, "")
        connected = open_ or "connected  TLSv1.3, CN=trusted-client"
        assert told(terminal.line()) == connected
        assert told(terminal.line()) == "received   GET_SECRET"
        assert told(terminal.line()) == "closed"
        done = ask(place, "DANCE", address, "--folder", "pki/device", *asked)
        assert (done.returncode, done.stdout) == (1, "ERROR unknown command: try HELP\n")
        assert "Traceback" not in done.stderr
        lines = [told(terminal.line()) for _ in range(3)]
        assert lines == [connected, "received   DANCE", "closed"]
        code, log, errors = terminal.end(signal.SIGINT)
    assert (code, errors) == (130, "")
    assert log.splitlines()[-1] == "Stopped. Connections: 2 served, 0 refused or broken off."


#: The clock of a process is four years ahead once there is a file called `later`.
CLOCK = """
import time, pathlib
now = time.time
time.time = lambda: now() + 4 * 366 * 86400 * pathlib.Path("later").exists()
"""


@pytest.mark.parametrize("version", VERSIONS, ids=spelled)
def test_a_session_does_not_outlive_the_certificate(
    place: Path, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """A device keeps its session, and its certificate expires meanwhile."""
    device = place / "pki" / "device"
    context = client_context(device / "server_ca.pem", device / "client.crt", device / "client.key")
    context.minimum_version = context.maximum_version = version
    with serving(place / "pki", cwd=tmp_path, before=CLOCK) as terminal:
        host, _, port = terminal.address.rpartition(":")
        to = host, int(port)
        first = device_asks("GET_SECRET", to, context=context)
        lines = [told(terminal.line()) for _ in range(3)]
        again = device_asks("GET_SECRET", to, context=context, session=first.session)
        lines += [told(terminal.line()) for _ in range(3)]
        (tmp_path / "later").touch()
        later = device_asks("GET_SECRET", to, context=context, session=first.session)
        lines += [told(terminal.line()) for _ in range(2)]
        code, log, errors = terminal.end(signal.SIGTERM)
    assert [each.reply for each in (first, again, later)] == [
        "open sesame",
        "open sesame",
        "ERROR not authorized",
    ]
    assert [each.device.reused for each in (first, again, later)] == [False, True, True]
    assert (code, errors) == (143, "")
    resumed = f"connected  {spelled(version)} resumed, CN=trusted-client"
    assert lines[3:7] == [resumed, "received   GET_SECRET", "closed", resumed]
    assert lines[7].startswith("refused    application ✗ PermissionError: NOT_AUTHORIZED")
    assert log == "Stopped. Connections: 2 served, 1 refused or broken off.\n"


@pytest.mark.parametrize(
    ("served", "asked", "code", "seen", "logged"),
    [
        ((), ("--no-certificate",), 4, "The backend refused the device", "PEER_DID_NOT_RETURN_A_C"),
        ((), ("--plain",), 4, "hung up without a word", "WRONG_VERSION_NUMBER"),
        (("--plain",), (), 4, "", "ProtocolError"),
        (("--allow", "pump"), (), 1, "ERROR not authorized", "your rule refused it"),
        (
            ("--crl", "client_ca.crl"),
            ("--certfile", "lost.crt", "--keyfile", "lost.key"),
            4,
            "revoked",
            "certificate revoked (verify code 23)",
        ),
        ((), ("--server-name", "other.example"), 4, "not for 'other.example'", "BAD_CERTIFICATE"),
    ],
    ids=["no certificate", "no TLS", "TLS to plain TCP", "a rule", "revoked", "another name"],
)
def test_a_refusal_is_told_on_both_sides(
    place: Path,
    served: tuple[str, ...],
    asked: tuple[str, ...],
    code: int,
    seen: str,
    logged: str,
) -> None:
    with serving("pki", *served, cwd=place) as terminal:
        done = ask(place, terminal.address, "--folder", "pki", *asked)
        assert done.returncode == code
        assert (done.stdout == "") is (code == 4)
        lines = done.stderr.splitlines()
        assert lines[0].startswith("device   connect ✓")
        assert lines[1].startswith("backend  what it saw is in its own log, at 127.0.0.1:")
        assert lines[2].startswith("Who:   ")
        assert seen in done.stderr
        assert not COURSE.search(done.stderr)
        line = told(terminal.line())
        while not line.startswith("refused    "):
            line = told(terminal.line())
        assert logged in line
        ended, log, errors = terminal.end(signal.SIGTERM)
    assert (ended, errors) == (143, "")
    assert log == "Stopped. Connections: 0 served, 1 refused or broken off.\n"


def test_what_a_client_chose_is_made_harmless(place: Path) -> None:
    with serving("pki", "--plain", cwd=place) as terminal:
        host, port = terminal.address.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as client:
            client.sendall("\u202eTERCES_TEG\n".encode())
            assert client.recv(1024).startswith(b"ERROR")
        assert told(terminal.line()) == "connected"
        assert told(terminal.line()) == r"received   \u202eTERCES_TEG"
    with serving("pki", cwd=place) as terminal:
        evil = ("--certfile", "evil.crt", "--keyfile", "evil.key", "--folder", "pki")
        assert ask(place, terminal.address, *evil).stdout == REPLY
        assert told(terminal.line()) == r"connected  TLSv1.3, CN=evil\u001b[31m\u202e"


def test_what_a_client_chose_is_harmless_in_json_too(place: Path) -> None:
    with serving("pki", "--json", cwd=place) as terminal:
        address = f"localhost:{json.loads(terminal.line())['port']}"
        evil = ("--certfile", "evil.crt", "--keyfile", "evil.key", "--folder", "pki")
        assert ask(place, address, *evil).stdout == REPLY
        line = terminal.line().removesuffix("\n")
    assert line.isprintable()
    assert json.loads(line)["peer"] == "CN=evil\x1b[31m\u202e"


@pytest.mark.skipif(os.name != "posix", reason="named pipes are of Unix")
@pytest.mark.parametrize(
    "arguments",
    [
        "ask localhost:1 --certfile pipe --keyfile pki/device/client.key --folder pki",
        "ask localhost:1 --certfile pki/device/client.crt --keyfile pipe --folder pki",
        "ask localhost:1 --server-ca pipe --no-certificate",
        "serve pki --client-ca pipe",
        "diagnose localhost:1 --ca pipe",
        "diagnose localhost:1 --cert pki/device/client.crt --key pipe",
        "diagnose --listen 0 --client-ca pipe",
    ],
)
def test_nobody_waits_for_a_pipe(place: Path, arguments: str) -> None:
    if not (place / "pipe").exists():
        os.mkfifo(place / "pipe")
    done = call(*arguments.split(), cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Found:    pipe is a pipe\n" in done.stderr


def test_json_for_programs(place: Path) -> None:
    with serving("pki", "--json", cwd=place) as terminal:
        first = json.loads(terminal.line())
        assert (first["event"], first["outside"], first["kind"]) == (
            "listening",
            False,
            "mutual TLS",
        )
        address = f"localhost:{first['port']}"
        good = json.loads(ask(place, address, "--folder", "pki", "--json").stdout)
        assert (good["ok"], good["reply"], good["explanation"]) == (True, "open sesame", None)
        events = [json.loads(terminal.line()) for _ in range(3)]
        bad = ask(place, address, "--folder", "pki", "--no-certificate", "--json")
        assert (bad.returncode, bad.stderr) == (4, "")
        report = json.loads(bad.stdout)
        assert report["device"]["reason"] == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
        told_of = report["explanation"]
        assert (told_of["known"], told_of["where"]) == (True, "--no-certificate")
        assert told_of["causes"] == []
        events.append(json.loads(terminal.line()))
        assert [each["event"] for each in events] == ["open", "command", "ended", "refused"]
        assert events[0]["peer"] == "CN=trusted-client"
        assert events[3]["reason"] == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
        _, log, _ = terminal.end(signal.SIGINT)
    last = json.loads(log)
    assert (last["event"], last["served"], last["refused"]) == ("stopped", 1, 1)


@pytest.mark.once
def test_it_says_that_it_is_reachable_from_outside(place: Path) -> None:
    with serving("pki", "--host", "0.0.0.0", cwd=place) as terminal:
        assert terminal.address.startswith("0.0.0.0:")
        assert terminal.line().startswith("It is reachable from outside: ")


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python knows no IPv6")
def test_over_ipv6(place: Path) -> None:
    with serving("--plain", "--host", "::1", cwd=place) as terminal:
        address = terminal.address
        assert address.startswith("[::1]:")
        assert ask(place, "--plain", address).stdout == REPLY
        assert re.fullmatch(r"\[::1\]:\d+  connected", terminal.line())


def test_an_open_connection_does_not_hold_up_the_end(place: Path) -> None:
    with serving("--plain", cwd=place) as terminal:
        host, port = terminal.address.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as client:
            assert told(terminal.line()) == "connected"
            code, log, errors = terminal.end(signal.SIGINT)
            assert client.recv(1) == b""
    assert (code, errors) == (130, "")
    assert log.endswith("Stopped. Connections: 1 served, 0 refused or broken off.\n")


def test_a_log_that_nobody_reads(place: Path) -> None:
    """`mtls-lab serve | head -1`: it ends with the next line, and says nothing."""
    with serving("--plain", cwd=place) as terminal:
        host, port = terminal.address.rsplit(":", 1)
        assert terminal.process.stdout is not None
        terminal.process.stdout.close()
        with socket.create_connection((host, int(port))):
            assert terminal.process.wait(60) == 141
        assert terminal.process.stderr is not None
        assert terminal.process.stderr.read() == ""


# --- What cannot work


def test_nobody_is_there(place: Path) -> None:
    with nobody_listens() as (host, port):
        done = ask(place, f"{host}:{port}", "--folder", "pki")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("device   connect ✗ ConnectionRefusedError: ECONNREFUSED\nWho:")
    assert "give it --host 0.0.0.0 and --port" in " ".join(done.stderr.split())
    assert not COURSE.search(done.stderr)
    done = ask(place, "nowhere.invalid", "--folder", "pki")
    assert (done.returncode, done.stdout) == (3, "")
    assert "The name of the host was not found." in done.stderr


def test_a_backend_that_says_nothing(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        done = ask(place, f"localhost:{port}", "--folder", "pki", "--timeout", "0.1")
    assert (done.returncode, done.stdout) == (4, "")
    assert "TIMED_OUT" in done.stderr


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (["serve"], "server.crt is not there"),
        (["ask", "localhost"], "client.crt is not there"),
        (["ask", "localhost", "--no-certificate"], "server_ca.pem is not there"),
        (["serve", "pki", "--crl", "pki/ca/ca.crt"], "pki/ca/ca.crt holds a certificate"),
        (["serve", "pki", "--crl", "nowhere"], "nowhere cannot be read"),
        (["serve", "pki", "--tls", "--allow", "x"], "--allow with --tls"),
        (["serve", "pki", "--plain", "--client-ca", "x"], "--client-ca with --plain"),
        (["serve", "--plain", "--tls13-only"], "--tls13-only with --plain"),
        (["serve", "pki", "--certfile", "x"], "--certfile without --keyfile"),
        (["serve", "pki", "--host", "300.1.1.1"], "300.1.1.1:0 cannot be listened on"),
        (["ask", "", "localhost"], "the command ''"),
        (["ask", "a\nb", "localhost"], r"the command 'a\nb'"),
        (["ask", "x" * 1024, "localhost"], "the command 'xxx"),
        (["ask", "localhost", "--plain", "--keyfile", "x"], "--keyfile with --plain"),
        (["serve", "pki", "--keyfile", "lost.key", "--certfile", "pki/backend/server.crt"], "key"),
        (
            ["serve", "pki", "--client-ca", "pki/backend/server.key"],
            "Name the right file (--client-ca).",
        ),
        (
            ["ask", "localhost", "--folder", "pki", "--server-ca", "pki/device/client.key"],
            "Name the right file (--server-ca).",
        ),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_one_message(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    found: str,
) -> None:
    monkeypatch.chdir(place)
    assert main(command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert found in said.err
    assert not COURSE.search(said.err)


@pytest.mark.once
def test_another_ca_is_named_beside_what_was_shown(place: Path) -> None:
    other = CertificateAuthority.create("Other CA")
    pem.write_certificate(place / "other.pem", other.certificate)
    again = CertificateAuthority.create("Lab CA")
    pem.write_certificate(place / "again.pem", again.certificate)
    with serving("pki", cwd=place) as terminal:
        address = terminal.address
        done = ask(place, address, "--folder", "pki", "--server-ca", "other.pem", "--json")
        same = ask(place, address, "--folder", "pki", "--server-ca", "again.pem", "--json")
    assert (done.returncode, same.returncode) == (4, 4)
    report = json.loads(done.stdout)["explanation"]
    assert "other.pem was loaded and holds CN=Other CA." in report["why"]
    assert "The backend showed CN=localhost" in report["why"]
    assert "has loaded no CA file" not in report["why"]
    assert len(report["causes"]) == 2
    assert "Both are called CN=Lab CA" in json.loads(same.stdout)["explanation"]["why"]


def test_a_port_that_is_taken(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", str(place / "pki"), "--port", port]) == 2
    assert f"port {port} on 127.0.0.1 is in use" in capsys.readouterr().err


def test_a_key_with_a_password(place: Path) -> None:
    """The password comes from a file; without one, and without a terminal, it says so at once."""
    device = place / "pki" / "device"
    (place / "locked.key").write_bytes(private_pem(pem.read_key(device / "client.key"), b"barley"))
    (place / "password").write_text("barley\n")
    (place / "wrong").write_text("wheat\n")
    locked = ("--folder", "pki", "--certfile", "pki/device/client.crt", "--keyfile", "locked.key")
    with serving("pki", cwd=place) as terminal:
        address = terminal.address
        done = ask(place, address, *locked, "--password-file", "password")
        assert (done.stdout, done.stderr) == (REPLY, "")
        wrong = ask(place, address, *locked, "--password-file", "wrong")
        assert (wrong.returncode, wrong.stdout) == (2, "")
        lost = ask(place, address, *locked, "--password-file", "nix")
        assert (lost.returncode, lost.stdout) == (2, "")
        assert "a file with the password in its first line" in lost.stderr
        none = ask(place, address, *locked)
        assert (none.returncode, none.stdout) == (2, "")
        assert "nobody who could type a password" in none.stderr


def test_key_and_certificate_in_one_file(place: Path) -> None:
    """PKCS #12, on both sides, as `certs --p12` makes it; and what it says if it does not open."""
    for name, word in (("word", "barley"), ("wrong", "wheat")):
        (place / name).write_text(f"{word}\n")
    for folder in ("bundled", "foreign"):
        made = ["certs", str(place / folder), "--p12", "--password-file", str(place / "word")]
        assert main(made) == 0
    opened = ("--password-file", "word")
    server = ("--certfile", "bundled/backend/server.p12", *opened)
    device = ("--folder", "bundled", "--certfile", "bundled/device/client.p12")
    with serving("bundled", *server, cwd=place) as terminal:
        address = terminal.address
        done = ask(place, address, *device, *opened)
        assert (done.returncode, done.stdout, done.stderr) == (0, REPLY, "")
        for arguments, found, fix in (
            (
                (*device, "--password-file", "wrong"),
                "bundled/device/client.p12 is a PKCS #12 file with a password, and the one "
                "that was given does not open it",
                "check the password (a line end at its end counts); if it is the right one, the "
                "file is damaged: make it again",
            ),
            (
                device,
                "bundled/device/client.p12 is a PKCS #12 file with a password, and none was given",
                "add --password-file FILE",
            ),
        ):
            done = ask(place, address, *arguments)
            assert (done.returncode, done.stdout) == (2, "")
            assert f"Found:    {found}\n" in done.stderr
            assert done.stderr.endswith(f"To do:    {fix}\n")
        other = ("--folder", "bundled", "--certfile", "foreign/device/client.p12")
        done = ask(place, address, *other, *opened)
        assert (done.returncode, done.stdout) == (4, "")
        assert "ruled out by foreign/device/client.p12: self-signed" in done.stderr


# --- The examples in the help


def examples(command: str, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = capsys.readouterr().out.split("Example", 1)[1].split("\n\n", 1)[0]
    return [line.split(f" {command} ", 1)[1].split() for line in shown.splitlines()[1:] if line]


@pytest.mark.once
def test_the_examples_of_certs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    *found, in_tpm = examples("certs", capsys)
    assert in_tpm == ["pki", "--tpm", "--pin"]  # test_tpm.py asks for that
    assert len(found) == 4
    for number, (folder, *rest) in enumerate(found):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "secret.txt").write_text("barley\n")
        monkeypatch.chdir(place)
        assert main(["certs", folder, *rest]) == 0


@pytest.mark.once
def test_the_examples_of_serve_and_ask(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each on a port of its own; in the folder of one machine where the files have no folder."""
    servers, clients = examples("serve", capsys), examples("ask", capsys)
    assert (len(servers), len(clients)) == (4, 5)
    for server in servers:
        cwd = place / "pki" / "backend" if "--certfile" in server else place
        own = ["0" if word == "5000" else word for word in server]
        with serving(*own, cwd=cwd) as terminal:
            address = terminal.address.replace("0.0.0.0", "127.0.0.1")
            for client in clients:
                if ("--plain" in client) is ("--plain" in server):
                    answered(place, client, address)
            assert terminal.end(signal.SIGINT)[0] == 130


def answered(place: Path, client: list[str], address: str) -> None:
    cwd = place / "pki" / "device" if "--certfile" in client else place
    if "client.p12" in client:
        (cwd / "word.txt").write_text("barley\n")
        pem.write_pkcs12(
            cwd / "client.p12", pem.read_identity(cwd / "client.crt", cwd / "client.key"), b"barley"
        )
    there = [address if re.search(r":\d+$", word) else word for word in client]
    done = ask(cwd, *there)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout in {REPLY, "PONG\n"}


def test_what_is_explained_fits_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("ask localhost:1", "serve"):
        whole = call(*command.split(), cwd=tmp_path).stderr
        monkeypatch.setattr("mtls_lab.cli.telling.columns", lambda _: 80)
        lines = call(*command.split(), cwd=tmp_path).stderr.splitlines()
        monkeypatch.undo()
        assert max(map(len, lines)) <= 80 < max(map(len, whole.splitlines()))
        assert " ".join(map(str.strip, lines)).split() == whole.split()
