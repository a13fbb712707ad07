"""Programs of other stacks: run, read, ended. Python plays all of them, so that none is missing."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mtls_lab.common import FileProblem, LabError, read_facts
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.stacks import Encounter, Encounters, Program, meet, running, stack_table
from mtls_lab.stacks.running import free_port, output_of
from mtls_lab.stacks.steady import steady

SERVER = """
import socket, ssl
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile="client_ca.pem")
context.load_cert_chain("server.crt", "server.key")
context.verify_mode = ssl.CERT_REQUIRED
listener = socket.create_server(("127.0.0.1", 8443))
while True:
    raw, _ = listener.accept()
    try:
        with context.wrap_socket(raw, server_side=True) as tls:
            tls.sendall(b"hello device")
            print("served")
    except ssl.SSLError as error:
        print("refused", error.reason)
        raw.close()
"""
CLIENT = """
import socket, ssl
context = ssl.create_default_context(cafile="server_ca.pem")
context.load_cert_chain("client.crt", "client.key")
with socket.create_connection(("127.0.0.1", 8443)) as raw:
    with context.wrap_socket(raw, server_hostname="localhost") as tls:
        try:
            print(tls.recv(99).decode())
        except ssl.SSLError as error:
            print(error.reason)
"""
server = Program("server", "python server.py", "backend/server.py", listens=8443)
client = Program("client", "python client.py", "device/client.py")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("backend", "device/credentials"):
        Path(name).mkdir(parents=True)
    ca = CertificateAuthority.create("Lab CA")
    ca.issue_server(["localhost"]).save("backend", "server")
    for path in ("backend/client_ca.pem", "device/server_ca.pem"):
        pem.write_certificate(path, ca.certificate)
    ca.issue_client("device").save("device/credentials", "valid")
    ca.issue("device", Purpose.CLIENT, valid_days=(-9, -1)).save("device/credentials", "expired")
    Path("backend/server.py").write_text(SERVER)
    Path("device/client.py").write_text(CLIENT)
    return tmp_path


def test_both_sides_speak_of_each_credential() -> None:
    met = meet(server, client, credentials=["valid", "none", "expired"])
    assert met.all == (
        Encounter("valid", ("hello device",), ("served",)),
        Encounter(
            "none",
            ("TLSV13_ALERT_CERTIFICATE_REQUIRED",),
            ("refused PEER_DID_NOT_RETURN_A_CERTIFICATE",),
        ),
        Encounter(
            "expired",
            ("SSLV3_ALERT_CERTIFICATE_EXPIRED",),
            ("refused CERTIFICATE_VERIFY_FAILED",),
        ),
    )
    assert [each.heard for each in met.all[1:]] == ["certificate_required", "certificate_expired"]
    assert str(met).splitlines()[3:6] == [
        "none ✗",
        "  client  TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "  server  refused PEER_DID_NOT_RETURN_A_CERTIFICATE",
    ]
    assert met._repr_html_().count("not served") == 2


def test_a_server_that_does_not_start_is_an_outcome() -> None:
    met = meet(server, client, leave_out="create_server")
    assert met.instead == "server does not start: NameError: name 'listener' is not defined"
    assert (bool(met), str(met), met["valid"].served) == (False, met.instead, False)
    assert met.instead.replace("'", "&#x27;") in met._repr_html_()


def test_a_missing_file_says_which_cell_to_run() -> None:
    Path("device/client.py").unlink()
    with pytest.raises(FileProblem, match=r"device/client\.py cannot be read(.|\n)*%%writefile"):
        meet(server, client)


def test_a_missing_program_is_named_with_what_brings_it() -> None:
    Path("device/client.py").write_text("import no_such_package_at_all")
    met = meet(Program("go", "no-such-go x", "backend/server.py", listens=8443), client)
    assert met.instead == "Skipped: no-such-go and no_such_package_at_all are missing."


def test_a_program_says_itself_where_its_syntax_is_wrong() -> None:
    with Path("device/client.py").open("a") as file:
        file.write("def (:\n")
    met = meet(server, client, credentials=["valid"])
    assert "SyntaxError: invalid syntax" in str(met)


def test_one_credential_and_one_command_need_no_brackets() -> None:
    """The characters of a command were programs that are missing, and those of a name files."""
    built = Program(
        *("client", "python client.py", "device/client.py"),
        before="python -c 'pass'",
        build="python -c 'pass'",
    )
    met = meet(server, built, credentials="valid")
    assert met.all == (Encounter("valid", ("hello device",), ("served",)),)


def test_a_command_that_prepares_has_to_succeed() -> None:
    broken = Program("client", "python client.py", "device/client.py", build=("python -c 1/0",))
    with pytest.raises(LabError, match=r"`python -c 1/0` failed: .*ZeroDivisionError"):
        meet(server, broken, credentials=["valid"])


def test_a_client_that_does_not_end_is_ended(folder: Path) -> None:
    began = time.monotonic()
    said = output_of("python -c 'import time; time.sleep(600)'", folder, 0.3)
    assert said == (-1, "no end after 0 s")
    assert time.monotonic() - began < 60


ALONE = "print(1, flush=True); import time; time.sleep(600)"
#: As nginx does: a child that does not notice when this one is gone.
PARENT = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
def end(*_):
    child.kill()
    sys.exit()
signal.signal(signal.SIGTERM, end)
print(1, flush=True)
child.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="setpriv is of Linux")
@pytest.mark.parametrize("program", [ALONE, PARENT], ids=["alone", "with a child"])
def test_nothing_outlives_a_kernel_that_is_killed(folder: Path, program: str) -> None:
    """Its program ends with it: the pipe that all of them hold comes to its end."""
    (folder / "program.py").write_text(program, "utf-8")
    code = (
        "import pathlib, time; from mtls_lab.stacks import running\n"
        "running._spawn('python program.py', pathlib.Path(), 1)\n"
        "time.sleep(600)\n"
    )
    kernel = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=folder)
    assert kernel.stdout is not None
    assert kernel.stdout.readline() == b"1\n"
    kernel.kill()
    said, _ = kernel.communicate(timeout=60)  # comes back when the last holder has ended
    assert (kernel.returncode, said) == (-9, b"")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2026-11-26 07:59:44.704 GMT [24003] LOG:  ready", "LOG:  ready"),
        (
            "1795679920: New connection from 127.0.0.1:5 on port 8883.",
            "New connection from … on port ….",
        ),
        (
            "80BCC4B27F7F0000:error:0A0000C7:SSL routines:f:no:../deps/x.c:35:",
            "error:0A0000C7:SSL routines:f:no:",
        ),
        ('Get "https://localhost:41873/": EOF', 'Get "https://localhost:…/": EOF'),
        ("current time 2026-11-26T08:03:18Z is after", "current time … is after"),
        ("I1126 07:58:37.768708   22065 ssl_x.cc:2563] Handshake failed", "Handshake failed"),
    ],
)
def test_what_differs_from_run_to_run_is_taken_out(line: str, told: str) -> None:
    assert steady(line) == told


def test_a_foreign_line_does_nothing_to_the_screen() -> None:
    assert steady("\x1b[2Jcn=\u202eevil\x07") == "\\u001b[2Jcn=\\u202eevil\\u0007"


@pytest.mark.skipif(os.name != "posix", reason="named pipes are of Unix")
def test_a_file_that_is_none_is_not_waited_for(folder: Path) -> None:
    (folder / "backend/server.py").unlink()
    os.mkfifo(folder / "backend/server.py")
    with pytest.raises(FileProblem, match=r"server\.py cannot be read"):
        meet(server, client)


@pytest.mark.skipif(os.name != "posix", reason="named pipes are of Unix")
@pytest.mark.parametrize(
    ("make", "why"),
    [(os.mkfifo, "not a regular file"), (Path.mkdir, "Is a directory")],
    ids=["a pipe", "a folder"],
)
def test_a_certificate_that_is_none_is_not_waited_for(
    folder: Path, make: Callable[[Path], object], why: str
) -> None:
    (folder / "device/credentials/valid.crt").unlink()
    make(folder / "device/credentials/valid.crt")
    with pytest.raises(FileProblem, match=r"credentials/valid\.crt cannot be read"):
        meet(server, client, credentials=["valid"])
    make(folder / "backend/other.crt")
    with pytest.raises(FileProblem) as caught:
        meet(server, client)
    assert caught.value.found.endswith(f"backend/other.crt cannot be read ({why})")
    assert caught.value.todo == "move it away, or write it again"


def test_of_a_client_that_writes_without_end_the_last_words_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST", 12)
    (folder / "loud.py").write_text("print('12345\\n' * 100000 + 'the end')", "utf-8")
    assert output_of("python loud.py", folder) == (0, "345\nthe end\n")
    (folder / "long.py").write_text("print('x' * 300000, end='')", "utf-8")
    assert output_of("python long.py", folder) == (0, "x" * 12)


def test_of_a_server_that_writes_without_end_the_last_words_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST", 64)
    (folder / "backend/server.py").write_text("print('x\\n' * 1000 + 'no port')", "utf-8")
    assert meet(server, client).instead == "server does not start: no port"


@pytest.mark.parametrize(("first", "last"), read_facts("stacks")["ready"].items())
def test_a_server_that_listens_before_its_last_words_of_the_start_is_waited_for(
    folder: Path, first: str, last: str
) -> None:
    """They are no answer: "the database system is starting up", "Uvicorn running on"."""
    port = free_port()
    slow = f"""
import socket, time
print("{first}", flush=True)
listener = socket.create_server(("127.0.0.1", {port}))
time.sleep(0.2)
print("{last}", flush=True)
time.sleep(9)
"""
    (folder / "slow.py").write_text(slow)
    program = Program("any name", f"{sys.executable} slow.py", listens=port)
    with running.started([program], folder, {port: port}) as (server,):
        assert last in server.log.read_text()
        assert server.said() == []


def test_the_table_leaves_out_what_was_not_run() -> None:
    words = [("hello",), ("tlsv1 alert unknown ca",), ("reset",), ("400 no",), ()]
    names = ["valid", "none", "untrusted", "expired", "wrong_purpose"]
    every = tuple(Encounter(name, said, ()) for name, said in zip(names, words, strict=True))
    table = stack_table(Encounters("s", "c", every), Encounters("x", "y", instead="Skipped: …"))
    assert str(table).splitlines()[1:] == [
        "c → s  ✓ served  ✗ unknown_ca  ✗ nothing  ✗ a page (400)  ✗ nothing"
    ]
    page = table._repr_html_()
    told = "✓ served: valid · ✗ unknown_ca: none · ✗ nothing: untrusted, wrong purpose · ✗ a page"
    assert re.sub("<.*?>", "", page) == f"c → s{told} (400): expired"
    assert page.count("<dt") == 1


def test_a_port_of_a_server_is_none_that_the_system_gives_away() -> None:
    """Else somebody may have it before the server is ready: a client's own port, say."""
    port = free_port()
    assert port in running.OWN_PORTS
    with socket.create_server(("127.0.0.1", port)):
        assert free_port() != port


def test_a_line_written_while_the_clients_are_looked_at_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "server.log"
    log.write_text("first\n")
    said = running.Server(server, 8443, log)

    def states(_: int) -> set[int]:
        with log.open("a") as file:
            file.write("meanwhile\n")
        return set()

    monkeypatch.setattr(running, "states", states)
    assert said.said() == ["first", "meanwhile"]
    assert said.said() == ["meanwhile"]
