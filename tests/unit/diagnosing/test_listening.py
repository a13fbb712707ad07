"""The other side of `diagnose`: what it says of real clients, and each way to misbehave."""

import json
import queue
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtls_lab.cli import main
from mtls_lab.cli.ending import Events
from mtls_lab.common import LabError, UnknownName
from mtls_lab.diagnosing import Client, catalogue_of_faults, diagnose, listen
from mtls_lab.diagnosing.misbehaving import AFTER, CERTIFICATES, INSTEAD
from mtls_lab.net import Address, client_context
from mtls_lab.pki import CertificateAuthority, Purpose
from mtls_lab.pki.pem import write_pkcs12
from tests.unit.cli.calling import COMMAND
from tests.unit.cli.calling import call as run
from tests.unit.lab import LONG, Lab


def call(
    address: Address, context: ssl.SSLContext, send: bytes = b"PING\n", name: str = "localhost"
) -> bytes:
    """All that a client reads, to the end."""
    with (
        socket.create_connection(address, LONG) as connection,
        context.wrap_socket(connection, server_hostname=name) as tls,
    ):
        tls.sendall(send)
        data = b""
        while part := tls.recv(4096):
            data += part
        return data


class Told(queue.SimpleQueue[Client]):
    """The clients of a server, as it tells of them."""

    def next(self) -> Client:
        return self.get(timeout=LONG)

    def lines(self) -> dict[str, tuple[str, str]]:
        return {line.label: (line.sign, line.text) for line in self.next().lines}


def test_a_client_that_does_everything_right(lab: Lab) -> None:
    cert, key = lab.server_files
    told, context = Told(), lab.device()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Debian 12's Python begins at TLS 1.0
    context.set_alpn_protocols(["h2", "http/1.1"])
    with listen(certfile=cert, keyfile=key, client_ca=lab.ca_file, tell=told.put) as address:
        answer = call(address, context, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    lines = told.lines()
    assert lines["versions"] == ("–", "TLS 1.3, TLS 1.2")
    assert lines["SNI"] == ("–", "localhost")
    assert lines["ALPN"] == ("–", "h2, http/1.1")
    assert lines["certificate"][0] == "✓"
    assert lines["certificate"][1].startswith("CN=trusted-client")
    assert lines["accepted"] == ("✓", "TLSv1.3; it says 'GET / HTTP/1.1'")
    assert "ecdsa_secp256r1_sha256" in lines["signatures"][1]


@pytest.mark.parametrize(
    ("credential", "label", "sign", "words"),
    [
        ("none", "certificate", "✗", "none: it has none, or none that fits"),
        ("expired", "why", "✗", "expired 1 day ago"),
        ("not_yet_valid", "why", "✗", "is not valid for another"),
        ("wrong_purpose", "why", "✗", "has no clientAuth"),
        ("untrusted", "why", "✗", "CN=Another CA"),
        ("self_signed", "why", "✗", "signed with its own key"),
    ],
)
def test_what_a_strict_server_would_refuse(
    credential: str, label: str, sign: str, words: str, lab: Lab, version: ssl.TLSVersion
) -> None:
    cert, key = lab.server_files
    told = Told()
    with listen(certfile=cert, keyfile=key, client_ca=lab.ca_file, tell=told.put) as address:
        if credential == "none":
            assert call(address, lab.device("none", version)).startswith(b"hello")
        else:
            with pytest.raises(OSError, match=r"(?i)alert|EOF|reset|pipe"):
                call(address, lab.device(credential, version))
    lines = told.lines()
    assert lines[label][0] == sign
    assert words in lines[label][1]


def test_every_fault_of_a_clients_certificate_is_told(lab: Lab, tmp_path: Path) -> None:
    """OpenSSL names the first one: the CA."""
    stranger = CertificateAuthority.create("Another CA")
    device = stranger.issue("dev", Purpose.SERVER, valid_days=(-9, -1))
    context = client_context(lab.ca_file, *device.save(tmp_path, "device"))
    cert, key = lab.server_files
    told = Told()
    with (
        listen(certfile=cert, keyfile=key, client_ca=lab.ca_file, tell=told.put) as address,
        pytest.raises(OSError, match=r"(?i)alert|EOF|reset|pipe"),
    ):
        call(address, context)
    why = [line.text for line in told.next().lines if line.label == "why"]
    parts = ["CN=Another CA", "expired 1 day ago", "no clientAuth"]
    assert [part for part, whole in zip(parts, why, strict=True) if part in whole] == parts


def test_a_client_of_http_2_is_not_turned_away(lab: Lab) -> None:
    """gRPC's hangs up in the handshake, before it sends a certificate, unless h2 is agreed on."""
    cert, key = lab.server_files
    told, context = Told(), lab.device()
    context.set_alpn_protocols(["h2"])
    with (
        listen(certfile=cert, keyfile=key, client_ca=lab.ca_file, tell=told.put) as address,
        socket.create_connection(address, LONG) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as tls,
    ):
        assert tls.selected_alpn_protocol() == "h2"
        tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert tls.recv(4096)
    assert told.lines()["accepted"][1].endswith("it says 'PRI * HTTP/2.0'")


def test_a_client_that_calls_another_name(lab: Lab) -> None:
    """curl hangs up then, without an alert."""
    cert, key = lab.server_files
    told, context = Told(), lab.device()
    context.check_hostname = False
    with listen(certfile=cert, keyfile=key, client_ca=lab.ca_file, tell=told.put) as address:
        call(address, context, name="api.example")
        misled = told.lines()
        call(address, context)
    assert misled["name"] == (
        "!",
        "it calls api.example, and the certificate here is for DNS:localhost, IP:127.0.0.1",
    )
    assert "name" not in told.lines()


def test_a_client_that_calls_an_address(lab: Lab) -> None:
    """It sends no name then, and the certificate has none for it."""
    cert, key = lab.store.files("valid")
    told, context = Told(), lab.device()
    with (
        listen(certfile=cert, keyfile=key, client_ca=lab.ca_file, tell=told.put) as address,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        call(address, context, name="127.0.0.1")
    sign, text = told.lines()["name"]
    assert sign == "✗"
    assert text.startswith("it calls no name, perhaps an address, and the certificate here is for ")


def test_a_client_that_refuses_us(lab: Lab, tmp_path: Path) -> None:
    told = Told()
    with listen(save_ca=tmp_path / "made.pem", tell=told.put) as address:
        with pytest.raises(ssl.SSLCertVerificationError):
            call(address, lab.device("none"))
        lines = told.lines()
        made = client_context(tmp_path / "made.pem")
        assert call(address, made).startswith(b"hello")
    assert lines["it refuses"][0] == "✗"
    assert "unknown_ca" in lines["it refuses"][1]
    assert "the side that shows this error" not in lines["it refuses"][1], "that is this server"
    assert lines["certificate"] == ("–", "not asked for")
    assert told.next().ok


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\n\r\n", b"\x1b[2Jhello\n"])
def test_a_client_without_tls(start: bytes, tmp_path: Path) -> None:
    told = Told()
    with (
        listen(save_ca=tmp_path / "made.pem", tell=told.put) as address,
        socket.create_connection(address, LONG) as connection,
    ):
        connection.sendall(start)
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
    client = told.next()
    assert not client.ok
    assert client.lines[0].text.startswith("no ClientHello; it says ")
    assert "\x1b" not in str(client) + client._repr_html_()


def test_a_client_that_says_nothing(tmp_path: Path) -> None:
    told = Told()
    with listen(save_ca=tmp_path / "made.pem", tell=told.put) as address:
        socket.create_connection(address, LONG).close()
        assert told.next().lines[0].text == "no ClientHello; it says nothing"


# --- Misbehaviour

#: The first cause that `diagnose` names for each; None where it is fine.
FOUND = {
    "expired": "server_finding",
    "not-yet-valid": "server_finding",
    "wrong-name": "server_name",
    "wrong-purpose": "server_finding",
    "self-signed": "server_finding",
    "untrusted": "server_chain",
    "missing-intermediate": "server_intermediate",
    "tls12-only": None,
    "tls13-only": None,
    "tls10-only": "old_version",
    "no-request": "not_asked",
    "other-client-ca": "untrusted",
    "unknown-name": "unknown_name",
    "no-common-protocol": None,
    "silent": "slow",
    "hangs-up": "mute",
    "hangs-up-later": "hung_up",
    "resets": "hung_up",
    "cut": None,
    "plain-http": "plain",
    "noise": "unknown_protocol",
    "http-400": "not_seen",
    "http-403": "forbidden",
}


def test_every_fault_is_tried() -> None:
    assert set(FOUND) == set(catalogue_of_faults())
    assert {*INSTEAD, *AFTER, *CERTIFICATES} <= set(FOUND)


@pytest.mark.parametrize("fault", FOUND)
def test_diagnose_finds_the_fault(fault: str, lab: Lab, tmp_path: Path) -> None:
    told, made = Told(), tmp_path / "made.pem"
    cert, key = lab.store.files("valid")
    with listen(client_ca=lab.ca_file, fault=fault, save_ca=made, tell=told.put) as address:
        diagnosis = diagnose(
            address,
            cafile=made,
            certfile=cert,
            keyfile=key,
            server_hostname="localhost",
            http=True,
            timeout=2.0 if fault == "silent" else 60.0,
        )
    names = [cause.name for cause in diagnosis.causes]
    # Who accepts everybody, as this server does, does not demand a certificate either.
    first = next((name for name in names if name != "not_demanded"), None)
    assert first == FOUND[fault], str(diagnosis)
    if fault == "silent":  # TCP works: what is missing is an answer, and nothing tells why
        assert (diagnosis.kind, diagnosis.code) == ("unclear", 18)


def test_a_fault_that_nobody_knows() -> None:
    with pytest.raises(UnknownName, match="no fault 'nope'"), listen(fault="nope", tell=print):
        pass


@pytest.mark.parametrize("fault", ["", "expired"])
def test_a_certificate_that_nobody_could_trust(fault: str) -> None:
    with pytest.raises(LabError, match="--save-ca"), listen(fault=fault, tell=print):
        pass


# --- The command


def command(*arguments: str | Path) -> list[str]:
    return [*COMMAND, "diagnose", *map(str, arguments)]


@pytest.fixture(scope="module")
def bundled(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the server's certificate and key in a PKCS #12 file, and passwords."""
    folder = tmp_path_factory.mktemp("bundled")
    write_pkcs12(folder / "server.p12", lab.ca.issue_server(["localhost"]), b"barley")
    (folder / "word").write_text("barley\n")
    (folder / "wrong").write_text("wheat\n")
    return folder


@pytest.mark.parametrize("option", ["--cert", "--key"])
def test_the_command_tells_of_a_client_and_ends(option: str, lab: Lab, bundled: Path) -> None:
    """With all that it presents in one file, whichever option names it."""
    files: list[str | Path] = [option, bundled / "server.p12", "--password-file", bundled / "word"]
    with subprocess.Popen(
        command("--listen", "0", *files, "--client-ca", lab.ca_file, "--json", "--count", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("Listening on 127.0.0.1:")
        port = int(line.split(":")[1].split(".")[0])
        assert call(("127.0.0.1", port), lab.device()).startswith(b"hello")
        output, errors = process.communicate(timeout=LONG)
    assert (process.returncode, errors) == (0, "")
    told = json.loads(output)
    assert told["ok"]
    assert {"versions", "suites", "SNI"} <= {line["label"] for line in told["lines"]}


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ([], "add --password-file FILE"),
        (["--password-file", "wrong"], "the one that was given does not open it"),
        (["--password-file", "word", "--key", "word"], "openssl pkcs12 -in server.p12"),
    ],
)
def test_a_pkcs12_file_that_does_not_open(word: list[str], says: str, bundled: Path) -> None:
    done = run("diagnose", "--listen", "0", "--cert", "server.p12", *word, cwd=bundled)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Python" not in done.stderr


def test_a_key_that_is_missing_is_asked_for_by_its_option(lab: Lab) -> None:
    cert, _ = lab.server_files
    done = run("diagnose", "--listen", "0", "--cert", cert)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--key FILE" in done.stderr
    assert "--keyfile" not in done.stderr


def test_ctrl_c_ends_it(lab: Lab) -> None:
    cert, key = lab.server_files
    with subprocess.Popen(
        command("--listen", "0", "--cert", cert, "--key", key),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LONG)
    assert (process.returncode, output, errors) == (130, "", "")


def test_who_was_served_a_moment_before_ctrl_c_is_told(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C comes when a client has its answer, and before anything is told of it."""
    cert, key = lab.server_files

    def interrupted(_: Events[Client], ends: list[int]) -> Iterator[Client]:
        port = int(capsys.readouterr().err.split(":")[1].split(".")[0])
        assert call(("127.0.0.1", port), lab.device("none")).startswith(b"hello")
        signal.raise_signal(signal.SIGINT)
        assert ends == [signal.SIGINT]
        return iter(())

    monkeypatch.setattr(Events, "until", interrupted)
    assert main(["diagnose", "--listen", "0", "--cert", str(cert), "--key", str(key)]) == 130
    assert "accepted" in capsys.readouterr().out


def test_the_faults_are_listed() -> None:
    done = run("diagnose", "--fault", "list")
    assert (done.returncode, done.stderr) == (0, "")
    for name, entry in catalogue_of_faults().items():
        assert name in done.stdout
        assert entry["does"] in done.stdout
