"""`mtls-lab explain`: its sources, its exit codes, its output."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mtls_lab.cli.parser import parser_of
from mtls_lab.explaining.peers import alerts_sent
from mtls_lab.pki import CertificateAuthority, Purpose, write_certificate
from tests.unit.cli.calling import NOWHERE, call, run
from tests.unit.failures import private_pem
from tests.unit.lab import BECOMES_NOBODY, not_root

LINE = "curl: (60) SSL certificate problem: certificate has expired"


def test_a_line_as_an_argument_and_from_standard_input() -> None:
    told = run("explain", LINE)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(f"Says:  curl: {LINE}\nWho:   The client refused")
    assert run("explain", *LINE.split()).stdout == told.stdout
    for dash in ((), ("-",)):
        assert run("explain", *dash, text=f"a healthy line\n{LINE}\n").stdout == told.stdout


def test_the_help_lists_every_peer_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser_of("mtls-lab").parse_args(["explain", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    listed = told.partition(" (go1.27): ")[2].partition(" --json")[0]
    assert set(re.findall(r"\w+", listed)) - {"or"} == {each["stack"] for each in alerts_sent()}


def test_a_code_that_begins_like_an_option_is_a_line() -> None:
    told = call("explain", "-0x2700")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("Says:  mbedTLS: -0x2700\n")


def test_what_is_not_known_has_its_exit_code() -> None:
    told = call("explain", "good morning")
    assert (told.returncode, told.stderr) == (1, "")
    assert "does not know" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((), "nothing on standard input"),
        (("nope.log",), "nope.log is not there"),
        ((str(Path(__file__).parent),), "is a folder"),
        ((LINE, "--peer", "cobol"), "no peer 'cobol'"),
    ],
)
def test_wrong_arguments_are_one_message(arguments: tuple[str, ...], found: str) -> None:
    told = call("explain", *arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert found in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    "data",
    [gzip.compress(LINE.encode(), mtime=0), b"\x30\x82\x01\xea\xa0\x03\x02"],
    ids=["gzip", "DER"],
)
def test_binary_data_is_called_that(data: bytes) -> None:
    """A log that was rotated, and a certificate in DER."""
    told = call("explain", text=data)
    assert (told.returncode, told.stdout) == (2, "")
    assert "binary data" in told.stderr
    assert call("explain", text=bytes(40) + LINE.encode()).returncode == 0  # after copytruncate


def test_json_for_a_program() -> None:
    told = call("explain", "--json", "remote error: tls: bad certificate", "--peer", "java")
    found = json.loads(told.stdout)
    assert (found["known"], found["entry"]) == (True, "alert_bad_certificate")
    assert found["stack"] == "Go (crypto/tls)"
    assert "was sent [Java 17]" in found["causes"][0]


def test_the_files_are_looked_into(tmp_path: Path) -> None:
    ca = CertificateAuthority.create("Lab CA")
    files = ca.issue("server", Purpose.SERVER).save(tmp_path, "my")
    write_certificate(tmp_path / "ca.pem", ca.certificate)
    asked: list[str | Path] = [
        "--certfile",
        files[0],
        "--keyfile",
        files[1],
        "--cafile",
        tmp_path / "ca.pem",
    ]
    told = call("explain", "remote error: tls: unsupported certificate", *asked).stdout
    assert "has no clientAuth" in told


def test_a_log_is_read_by_its_name(tmp_path: Path) -> None:
    log = tmp_path / "my server.log"
    log.write_text(f"a healthy line\n{LINE}\n", "utf-8")
    assert call("explain", log).stdout == call("explain", LINE).stdout


@pytest.mark.skipif(os.name == "nt", reason="bash has process substitution")
def test_what_another_command_writes_is_read() -> None:
    told = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m mtls_lab explain <(echo '{LINE}')"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert told.stdout == call("explain", LINE).stdout


def test_a_word_is_not_a_folder_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "EOF").mkdir()
    assert call("explain", "EOF", cwd=tmp_path).stdout == call("explain", "EOF").stdout
    assert call("explain", "").returncode == 1


def test_what_else_is_in_a_log_is_told() -> None:
    time = "2026/11/27 10:01:07 http: TLS handshake error from 127.0.0.1:38206: tls: "
    none, expired = "client didn't provide a certificate", "x509: certificate has expired"
    told = call("explain", text="\n".join([time + none, time + none, time + expired]).encode())
    assert f"Says:  Go (crypto/tls): {time}{expired}" in told.stdout
    assert told.stdout.splitlines()[-1] == f"Also:  {time}{none} (2 times)"
    told = call("explain", "--json", text=f"{time}{none}\n{time}{expired}".encode())
    assert json.loads(told.stdout)["others"] == [{"says": time + none, "count": 1}]


def test_a_certificate_or_a_key_is_no_error(tmp_path: Path) -> None:
    """Neither is looked for errors, and nothing of a key is printed."""
    files = CertificateAuthority.create("Lab CA").issue("server", Purpose.SERVER)
    for path in files.save(tmp_path, "my"):
        for told in (call("explain", path), call("explain", text=path.read_bytes())):
            assert (told.returncode, told.stdout) == (2, "")
            assert "a certificate, a key or the like" in told.stderr
            assert "--certfile" in told.stderr
            assert path.read_text("ascii").splitlines()[1][:20] not in told.stderr


def test_files_alone_are_looked_into(tmp_path: Path) -> None:
    ca, other = CertificateAuthority.create("Lab CA"), CertificateAuthority.create("Other CA")
    cert, key = ca.issue_server(["localhost"]).save(tmp_path, "my")
    nameless, its_key = ca.issue("server", Purpose.SERVER).save(tmp_path, "nameless")
    _, another = ca.issue("server", Purpose.SERVER).save(tmp_path, "another")
    for name, each in {"ca.pem": ca, "other.pem": other}.items():
        write_certificate(tmp_path / name, each.certificate)
    cut = tmp_path / "cut.crt"
    begin, end = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
    cut.write_text(f"{cert.read_text('ascii')}{begin}", "ascii")
    damaged = tmp_path / "damaged.crt"
    damaged.write_text(f"{cert.read_text('ascii')}{begin}MIIB\n{end}", "ascii")
    four = tmp_path / "four.crt"  # hyphens at the end of the last line
    four.write_text(f"{cert.read_text('ascii')}{begin}MIIB\n{end[:-2]}\n", "ascii")
    fine: list[str | Path] = ["--certfile", cert, "--keyfile", key, "--cafile", tmp_path / "ca.pem"]
    told = call("explain", *fine)
    assert (told.returncode, told.stderr) == (0, "")
    assert "Nothing wrong was found" in told.stdout
    assert (
        "my.crt is for servers alone: a server refuses it if a client presents it." in told.stdout
    )
    assert json.loads(call("explain", *fine, "--json").stdout)["purposes"] == ["servers"]
    piped = run("explain", *fine)  # a pipe through which nothing came
    assert (piped.returncode, piped.stdout) == (0, told.stdout)
    assert piped.stderr == (
        "There was nothing on standard input, so only the files are looked into (programs write "
        "errors to standard error: add 2>&1 before the |).\n"
    )
    (tmp_path / "my.log").write_text("\n")
    empty = call("explain", tmp_path / "my.log", *fine)
    assert (empty.returncode, empty.stdout) == (2, "")
    assert f"Found:    {tmp_path / 'my.log'} is empty\n" in empty.stderr
    for wrong, says in (
        ({3: another}, "another.key is not the key of a certificate in "),
        ({5: tmp_path / "other.pem"}, "is not among the CAs in|neither in .* nor in .*other.pem"),
        ({1: key}, "holds a private key, and it should be a certificate"),
        ({1: nameless, 3: its_key}, "nameless.crt has no host and no address in subjectAltName"),
        ({1: tmp_path / "nope.crt"}, ""),
    ):
        given = [wrong.get(place, each) for place, each in enumerate(fine)]
        told = call("explain", *given)
        assert told.returncode == (1 if says else 2)
        assert re.search(says, told.stdout)
    for crl, found in (("ca.pem", "holds a certificate"), ("my.key", "holds a private key")):
        told = call("explain", *fine, "--crlfile", tmp_path / crl, "--json")
        (only,) = json.loads(told.stdout)["found"]
        assert only["says"] == (
            f"{tmp_path / crl} {found}, and it should be a certificate revocation list in PEM form."
        )
    for file, says in (
        (cut, "cut.crt is cut off"),
        (damaged, "holds a damaged certificate"),
        (four, "does not read"),
    ):
        told = call("explain", "--certfile", file, "--json")
        assert told.returncode == 1
        (only,) = json.loads(told.stdout)["found"]
        assert says in only["says"]


def test_what_is_wrong_with_files_fits_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").touch()
    whole = call("explain", "--cafile", "ca.pem", cwd=tmp_path).stdout.splitlines()
    monkeypatch.setattr("mtls_lab.cli.looking.columns", lambda _: 40)
    lines = call("explain", "--cafile", "ca.pem", cwd=tmp_path).stdout.splitlines()
    assert [line[:3] for line in whole] == ["Fil", "1. ", "   "]
    assert max(map(len, lines)) <= 40 < max(map(len, whole))
    assert " ".join(map(str.strip, lines)) == " ".join(map(str.strip, whole))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFO")
def test_what_is_no_file_is_one_message(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, found in {
        "nope.crt": "is not there",
        "pipe": "is a pipe",
        ".": "is a folder",
    }.items():
        told = call("explain", LINE, "--certfile", tmp_path / name)
        assert (told.returncode, told.stdout) == (2, "")
        assert f"{tmp_path / name} {found}" in told.stderr


def test_it_is_asked_again_with_the_options() -> None:
    told = call("explain", "[SSL] PEM lib").stdout
    assert "--certfile" in told
    assert "explain(" not in told


def test_a_long_log_is_read_with_limits() -> None:
    """32 MiB, with the error at its end, and bytes that are not text."""
    told = call("explain", text=b"\xff\x00 healthy line\n" * (2**25 // 16) + LINE.encode())
    assert told.returncode == 0
    assert LINE in told.stdout


def test_no_colour_and_no_control_characters_reach_a_pipe() -> None:
    told = call(
        "explain",
        "\x1b[31mremote error: tls: bad certificate\x1b[0m\x1b[2J",
        environment={"NO_COLOR": "1"},
    )
    assert "\x1b" not in told.stdout
    assert "[31m" not in told.stdout
    assert r"bad certificate\u001b[2J" in told.stdout


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal is for POSIX")
@pytest.mark.parametrize(
    ("environment", "bold"), [({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)]
)
def test_labels_are_bold_in_a_terminal(
    environment: dict[str, str],
    bold: bool,  # noqa: FBT001
) -> None:
    controller, terminal = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "mtls_lab", "explain", LINE],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        env=os.environ | {"TERM": "xterm"} | environment,
        check=True,
        timeout=300,
    )
    os.close(terminal)
    shown = os.read(controller, 65536)
    os.close(controller)
    assert (b"\x1b[1mWho:" in shown) is bold


@pytest.mark.once  # who it runs as decides, and no Python
@BECOMES_NOBODY
def test_a_log_in_a_folder_that_is_closed_is_no_line(tmp_path: Path) -> None:
    call("explain", LINE)  # loads what root may
    with not_root():  # pytest's own folder is closed to nobody
        told = call("explain", str(tmp_path / "tls.log"))
    assert told.returncode == 2
    assert "/tls.log is in a folder that is closed to this account" in told.stderr


@pytest.mark.skipif(os.name == "nt", reason="sh closes the output")
def test_a_closed_output_is_no_traceback() -> None:
    told = run("explain", LINE, before=NOWHERE)
    assert told.returncode == 0
    assert "Traceback" not in told.stderr


@pytest.mark.skipif(os.name == "nt", reason="/dev/zero is for POSIX")
def test_an_endless_input_ends() -> None:
    with Path("/dev/zero").open("rb") as endless:
        told = subprocess.run(
            [sys.executable, "-m", "mtls_lab", "explain"],
            stdin=endless,
            capture_output=True,
            check=False,
            timeout=300,
        )
    assert told.returncode == 2
    assert b"more than 256 MiB of text" in told.stderr


def test_a_key_that_its_password_opens_is_not_to_blame(tmp_path: Path) -> None:
    key, secret = tmp_path / "my.key", tmp_path / "password"
    made = CertificateAuthority.create("Lab CA").issue("client", Purpose.CLIENT)
    cert, _ = made.save(tmp_path, "my")
    key.write_bytes(private_pem(made.key, b"correct"))
    asked = ["ssl.SSLError: [SSL] PEM lib", "--certfile", str(cert), "--keyfile", str(key)]
    blamed = "is a key with a password, and the one that was given does not open it"
    secret.write_text("wrong\n", encoding="utf-8")
    assert blamed in " ".join(call("explain", *asked, "--password-file", secret).stdout.split())
    secret.write_text("correct\n", encoding="utf-8")
    assert blamed not in " ".join(call("explain", *asked, "--password-file", secret).stdout.split())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("pkcs11:token=device;object=" + "x" * 300, "a key in a token or HSM (PKCS #11) never"),
        ("https://example.com/ca.pem", "this is a URL: download the file first"),
        ("file:///srv/ca.pem", "this is a URL: give the path behind file://"),
        ("vault://pki/ca", "this is a URI (vault:), and a file is expected"),
        ("-----BEGIN CERTIFICATE-----\nMIIB", "this is PEM itself: write it to a file"),
    ],
)
def test_what_is_no_name_of_a_file_is_told_as_what_it_is(value: str, said: str) -> None:
    done = call("explain", f"--keyfile={value}")
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
