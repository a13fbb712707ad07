"""`mtls-lab certs`: the files, whose they are, and what no file or name may be."""

import json
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from mtls_lab.cli import certs, main
from mtls_lab.common import FileProblem
from mtls_lab.net import client_context, server_context
from mtls_lab.pki import pem
from tests.interop.command import openssl
from tests.unit.cli.calling import call
from tests.unit.cli.terminal import terminal

FILES = {
    *("ca/ca.crt", "ca/ca.key", "backend/server.crt", "backend/server.key"),
    *("backend/client_ca.pem", "device/client.crt", "device/client.key", "device/server_ca.pem"),
}
MORE = {
    *("ca/intermediate.crt", "ca/intermediate.key", "ca/device_ca.crt", "ca/device_ca.key"),
    *("ca/device_intermediate.crt", "ca/device_intermediate.key"),
}


def made(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def names(path: Path) -> list[str]:
    certificate = pem.read_certificate(path)
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


def verified(purpose: str, ca: Path, certificate: Path, *arguments: str) -> str:
    """What openssl says, which gets the chain from the file as a peer gets it in the handshake."""
    strict = ("verify", "-x509_strict", "-purpose", purpose)
    done = openssl(*strict, "-CAfile", ca, "-untrusted", certificate, *arguments, certificate)
    return done.stdout + done.stderr


def test_the_files_of_the_tutorial_by_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pki"
    assert main(["certs", str(folder)]) == 0
    assert made(folder) == FILES
    for path in folder.rglob("*"):
        mode = 0o700 if path.is_dir() else 0o600 if path.suffix == ".key" else 0o644
        assert path.stat().st_mode & 0o777 == mode, path
    assert names(folder / "backend" / "server.crt") == ["localhost", "127.0.0.1"]
    told = capsys.readouterr().out
    lines = [line.split() for line in told.splitlines() if line.startswith("  ")]
    secret = {
        Path(path).relative_to(folder).as_posix() for kind, path, *_ in lines if kind.isupper()
    }
    assert {Path(path).relative_to(folder).as_posix() for _, path, *_ in lines} == FILES
    assert secret == {name for name in FILES if name.endswith(".key")}
    assert "stays with the CA" in told


@pytest.mark.parametrize("intermediate", [[], ["--intermediate"]], ids=["direct", "intermediate"])
@pytest.mark.parametrize("separate", [[], ["--separate-device-ca"]], ids=["one CA", "two CAs"])
def test_they_verify_strictly(tmp_path: Path, intermediate: list[str], separate: list[str]) -> None:
    asked = ["--uri", "spiffe://lab.example/device/7", "--days", "400", *intermediate, *separate]
    assert main(["certs", str(tmp_path), *asked]) == 0
    server, client = tmp_path / "backend" / "server.crt", tmp_path / "device" / "client.crt"
    server_ca = tmp_path / "device" / "server_ca.pem"
    client_ca = tmp_path / "backend" / "client_ca.pem"
    host = ("-verify_hostname", "localhost")
    assert verified("sslserver", server_ca, server, *host) == f"{server}: OK\n"
    assert verified("sslclient", client_ca, client) == f"{client}: OK\n"
    assert names(client) == ["spiffe://lab.example/device/7"]
    for path in (server, client):
        leaf, *chain = pem.read_certificates(path)
        assert len(chain) == len(intermediate)
        for each in chain:  # in the right order, and without the root
            leaf.verify_directly_issued_by(each)
            assert each.issuer != each.subject
    (root,), (device_root,) = pem.read_certificates(server_ca), pem.read_certificates(client_ca)
    assert (root == device_root) is not bool(separate)
    if separate:
        assert "error" in verified("sslclient", server_ca, client)
    # And as ssl loads them.
    server_context(server, tmp_path / "backend" / "server.key", client_ca=client_ca)
    client_context(server_ca, client, tmp_path / "device" / "client.key")


def test_every_option_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    password = tmp_path / "password"
    password.write_text("barley\nnot this line\n")
    asked = ["--server-name", "backend.example", "--server-name", "2001:DB8::7", "--intermediate"]
    asked += ["--client-name", "pump 1", "--p12", "--password-file", str(password), "--json"]
    folder = tmp_path / "pki"
    assert main(["certs", str(folder), "--separate-device-ca", *asked]) == 0
    told = json.loads(capsys.readouterr().out)
    files = {Path(each["path"]).relative_to(folder).as_posix(): each for each in told}
    assert set(files) == made(folder) == FILES | MORE | {"backend/server.p12", "device/client.p12"}
    assert {name for name, each in files.items() if each["secret"]} == {
        name for name in files if name.endswith((".key", ".p12"))
    }
    assert names(folder / "backend" / "server.crt") == ["backend.example", "2001:db8::7"]
    path = folder / "device" / "client.p12"
    assert path.stat().st_mode & 0o777 == 0o600
    held = pkcs12.load_pkcs12(path.read_bytes(), b"barley")
    assert held.cert is not None
    assert held.cert.certificate.subject.rfc4514_string() == "CN=pump 1"
    assert [each.certificate for each in held.additional_certs] == [
        pem.read_certificate(folder / "ca" / "device_intermediate.crt")
    ]
    with pytest.raises(ValueError, match="password"):
        pkcs12.load_pkcs12(path.read_bytes(), b"not this line")


@pytest.mark.parametrize("there", sorted(FILES))
def test_nothing_is_overwritten(
    tmp_path: Path, there: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / there).parent.mkdir()
    (tmp_path / there).symlink_to("nowhere")  # a link that leads nowhere is somebody's as well
    assert main(["certs", str(tmp_path)]) == 2
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert f"{there} is there already\n" in capsys.readouterr().err


def test_of_two_at_once_in_one_folder_one_makes_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both have seen an empty folder: those of two CAs lay in it, or the first one's were gone."""
    refuse = certs._refuse_to_overwrite

    def look_and_be_slow(paths: list[Path]) -> None:
        refuse(paths)
        monkeypatch.setattr(certs, "_refuse_to_overwrite", refuse)
        assert main(["certs", str(tmp_path)]) == 0

    monkeypatch.setattr(certs, "_refuse_to_overwrite", look_and_be_slow)
    assert main(["certs", str(tmp_path)]) == 2
    assert f"{tmp_path / 'ca' / 'ca.crt'} is there already\n" in capsys.readouterr().err
    assert made(tmp_path) == set(FILES)
    for machine, name in (("ca", "ca"), ("backend", "server"), ("device", "client")):
        pem.read_identity(tmp_path / machine / f"{name}.crt", tmp_path / machine / f"{name}.key")


def test_half_of_it_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise FileProblem("a full disk", "space", "make room")

    monkeypatch.setattr(pem, "write_pkcs12", full)
    password = tmp_path / "password"
    password.write_text("barley")
    asked = ["certs", str(tmp_path / "pki"), "--p12", "--password-file", str(password)]
    assert main(asked) == 2
    assert made(tmp_path / "pki") == set()


@pytest.mark.parametrize(
    ("option", "value", "found"),
    [
        ("--server-name", "https://backend.example", "the server name 'https://backend.example'"),
        ("--server-name", "backend.example:5000", "the server name"),
        ("--server-name", "bücher.example", "the server name"),
        ("--server-name", "10.0.0", "the server name '10.0.0'"),
        ("--server-name", "", "the server name ''"),
        ("--server-name", "a" * 64 + ".example", "the server name"),
        ("--client-name", "", "the client name ''"),
        ("--client-name", "x" * 65, "the client name"),
        ("--client-name", "é" * 64, "the client name"),  # cryptography counts bytes
        ("--client-name", "a\x1b[31m", r"the client name 'a\x1b[31m'"),
        ("--uri", "device/7", "the URI 'device/7'"),
        ("--uri", "spiffe://", "the URI 'spiffe://'"),
        ("--uri", "spiffe://lab.example/\n", r"the URI 'spiffe://lab.example/\n'"),
        ("--uri", "http://[::1", "the URI 'http://[::1'"),
    ],
)
def test_names_that_no_certificate_can_have(
    tmp_path: Path, option: str, value: str, found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["certs", str(tmp_path / "pki"), option, value]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"mtls-lab: this did not work.\nFound:    {found}")
    assert not (tmp_path / "pki").exists()


@pytest.mark.parametrize("name", ["backend_1", "[::1]", "localhost/"])
def test_what_to_do_about_a_servers_name(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["certs", str(tmp_path / "pki"), "--server-name", name]) == 2
    assert capsys.readouterr().err.endswith(
        "To do:    leave out scheme, port, path and brackets; a host's name has letters, digits, "
        "hyphens and dots only\n"
    )


def test_the_host_of_a_wildcard_is_one_that_can_be_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["certs", str(tmp_path / "pki"), "--server-name", "*.lab.example"]) == 0
    assert " ask backend.lab.example:5000 " in capsys.readouterr().out


def test_a_password_that_is_not_utf_8_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No other program opened what was made with U+FFFD in its place."""
    file = tmp_path / "password"
    file.write_bytes("Bäcker\n".encode("latin-1"))
    pki = tmp_path / "pki"
    assert main(["certs", str(pki), "--p12", "--password-file", str(file)]) == 2
    assert f"Found:    {file} begins with a line that is not UTF-8\n" in capsys.readouterr().err
    assert not pki.exists()
    file.write_bytes("Bäcker\r\n".encode() + b"\xff")  # what is below the first line is not read
    assert main(["certs", str(pki), "--p12", "--password-file", str(file)]) == 0
    pkcs12.load_pkcs12((pki / "device/client.p12").read_bytes(), "Bäcker".encode())


@pytest.mark.parametrize("days", ["0", "-1", "3651", "x", "²", "9" * 5000, "0" * 9 + "9" * 9])
def test_days_that_there_are_not(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["certs", "pki", f"--days={days}"])
    assert caught.value.code == 2
    assert "is not a number of days" in capsys.readouterr().err


# --- Passwords


def typed(tmp_path: Path, *lines: str) -> tuple[int, str]:
    """Run it in a terminal in which somebody types these lines; nothing of them is shown."""
    command = (sys.executable, "-m", "mtls_lab", "certs", "pki", "--p12")
    with terminal(*command, cwd=tmp_path) as shown:
        for line in lines:
            shown.until(": ")
            shown.type(f"{line}\n".encode())
        return shown.close(), shown.written


def test_a_password_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    code, shown = typed(tmp_path, "sesame", "sesame")
    assert code == 0
    assert "Password for the PKCS #12 files: " in shown
    assert "sesame" not in shown
    pkcs12.load_pkcs12((tmp_path / "pki" / "device" / "client.p12").read_bytes(), b"sesame")


@pytest.mark.parametrize(
    ("lines", "found"), [(("sesame", "barley"), "two different passwords"), (("",), "no password")]
)
def test_a_slip_of_the_finger(tmp_path: Path, lines: tuple[str, ...], found: str) -> None:
    code, shown = typed(tmp_path, *lines, *[""] * (2 - len(lines)))
    assert code == 2
    assert f"Found:    {found}" in shown
    assert not (tmp_path / "pki").exists()


def test_nobody_who_could_type_one(tmp_path: Path) -> None:
    done = call("certs", "pki", "--p12", cwd=tmp_path)
    assert done.returncode == 2
    assert "add --password-file FILE" in done.stderr
    assert not (tmp_path / "pki").exists()


@pytest.mark.parametrize("content", ["", "\n", "\nsecond", "x" * 1025])
def test_a_password_file_without_a_password(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text(content)
    asked = ["--p12", "--password-file", str(tmp_path / "password")]
    assert main(["certs", str(tmp_path / "pki"), *asked]) == 2
    assert "a password of up to 1024 bytes in its first line" in capsys.readouterr().err


def test_a_password_for_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever gives one believes that the keys are locked."""
    (tmp_path / "password").write_text("barley\n")
    assert (
        main(["certs", str(tmp_path / "pki"), "--password-file", str(tmp_path / "password")]) == 2
    )
    assert "add one of them, or leave out --password-file" in capsys.readouterr().err
    assert not (tmp_path / "pki").exists()
