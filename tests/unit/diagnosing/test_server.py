"""`diagnose` as a function and as a command: addresses, arguments, and what it prints."""

import json
import os
import re
import socket
import ssl
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from mtls_lab import CertificateAuthority, Relay, diagnose, serve
from mtls_lab.cli.calls import EXIT_CODES, STARTTLS
from mtls_lab.common import LabError, UnknownName, read_facts
from mtls_lab.diagnosing import PROTOCOLS, classes, probing, read_target
from mtls_lab.diagnosing.causes import advice
from mtls_lab.diagnosing.starttls import named, spoken
from mtls_lab.diagnosing.value import Cause, Diagnosis, Line
from mtls_lab.exercises.peers import listening
from mtls_lab.net import Chunk, nobody_listens, server_context
from mtls_lab.net.clock import Clock
from mtls_lab.pki import Purpose, create_key, self_signed
from mtls_lab.pki.pem import read_key, write_certificate, write_pkcs12
from mtls_lab.wire import Direction
from tests.unit.cli.calling import NOWHERE, call, run
from tests.unit.cli.terminal import terminal
from tests.unit.failures import private_pem
from tests.unit.lab import Lab, unfolded

#: A record of TLS 1.3 with an alert: a header, two bytes, the type, and the tag.
ENCRYPTED_ALERT = 5 + 2 + 1 + 16


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("api.example:8443", ("api.example", 8443)),
        ("[::1]:8443", ("::1", 8443)),
        ("https://api.example", ("api.example", 443)),
        ("https://api.example:8443/path?x=1:2", ("api.example", 8443)),
        ("https://[::1]/", ("::1", 443)),
        ("mqtts://user@broker.example:8883", ("broker.example", 8883)),
        ("postgres://app@db.example/orders", ("db.example", 5432)),
        (("127.0.0.1", 5), ("127.0.0.1", 5)),
    ],
)
def test_an_address_is_read(target: object, address: tuple[str, int]) -> None:
    assert read_target(target) == address


@pytest.mark.parametrize(
    "target",
    [
        *("", "api.example", ":8443", "api.example:", "http://a"),
        *("a:0", "a:65536", "a:x", "a:\uff18", "a:" + "9" * 5000),
        *(("127.0.0.1", 99_999), ("127.0.0.1", -1), ("127.0.0.1", 0)),
    ],
)
def test_what_is_not_an_address_is_one_message(target: object) -> None:
    with pytest.raises(LabError, match="as the server") as caught:
        read_target(target)
    assert caught.value.expected == "HOST:PORT, such as api.example:8443 or [::1]:8443"


@pytest.mark.parametrize("name", [".example", "a" * 64 + ".example", "two..dots", "nul\0.example"])
def test_what_is_not_a_name_is_one_message(name: str) -> None:
    with pytest.raises(LabError, match="as the name of a server"):
        diagnose(("127.0.0.1", 9), server_hostname=name)


@pytest.mark.parametrize("target", ["localhost:5432", "postgres://localhost"])
def test_no_http_is_sent_to_a_database(target: str) -> None:
    starttls = "" if "://" in target else "postgres"
    with pytest.raises(LabError, match="a request of HTTP to a server of postgres"):
        diagnose(target, starttls=starttls, http=True)


def test_the_dot_at_the_end_of_a_name_is_not_sent() -> None:
    """RFC 6066, section 3. OpenSSL 4 takes no name that has one."""
    with nobody_listens() as address:
        assert diagnose(address, server_hostname="api.example.").name == "api.example"


def test_a_protocol_that_nobody_knows() -> None:
    with pytest.raises(
        UnknownName, match="one of postgres, smtp, imap, ldap, mysql, pop3, ftp, nats"
    ):
        diagnose(("127.0.0.1", 9), starttls="gopher")


def test_nobody_listens() -> None:
    with nobody_listens() as (host, port):
        told = diagnose(f"{host}:{port}")
        done = run("diagnose", f"{host}:{port}")
    assert [(cause.name, cause.certain) for cause in told.causes] == [("refused", True)]
    assert (done.returncode, done.stderr) == (10, "")
    assert done.stdout == f"{told}\n"


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX closes the output")
def test_nowhere_to_print() -> None:
    with nobody_listens() as (host, port):
        done = run("diagnose", f"{host}:{port}", before=NOWHERE)
    assert (done.returncode, done.stderr) == (10, "")


def test_an_address_of_the_host_that_does_not_answer(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a name has an IPv6 address too, and the server listens on IPv4 only."""
    with serve(lab.mtls()) as backend, nobody_listens() as nobody:
        both = [(socket.AF_INET, nobody), (socket.AF_INET, backend.address)]
        monkeypatch.setattr(probing, "addresses", lambda *_: both)
        told = diagnose(backend.address, cafile=lab.ca_file, server_hostname="localhost")
    (line,) = (each for each in told.lines if each.label == "TCP")
    assert line.text == "connected (127.0.0.1); ECONNREFUSED (127.0.0.1)"


def test_a_host_without_an_address() -> None:
    told = diagnose("no-such-host.invalid:443")
    assert [cause.name for cause in told.causes] == ["unresolved"]
    (line,) = (each for each in told.lines if each.label == "TCP")
    assert not line.text.lstrip("-").isdigit(), "a number says nothing to anybody"
    assert told.causes[0].evidence == (line.text,)


def test_what_is_printed_of_a_backend_that_demands(lab: Lab) -> None:
    with serve(lab.mtls()) as backend:
        done = call(
            "diagnose",
            f"127.0.0.1:{backend.address[1]}",
            "--server-name",
            "localhost",
            "--ca",
            lab.ca_file,
        )
    assert (done.returncode, done.stderr) == (15, "")
    assert "✗ TLS 1.3     alert certificate_required at the first read" in done.stdout
    assert "1. The server demands a client certificate, and none was given." in done.stdout
    assert "\x1b" not in done.stdout


def test_json_for_a_program(lab: Lab) -> None:
    cert, key = lab.store.files("expired")
    with serve(lab.mtls()) as backend:
        files: list[str | Path] = ["--ca", lab.ca_file, "--cert", cert, "--key", key]
        address = f"127.0.0.1:{backend.address[1]}"
        done = call("diagnose", address, "--server-name", "localhost", *files, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["code"], told["class"]) == (15, 15, "client")
    assert "expired" in told["causes"][0]["says"]
    assert told["causes"][0]["certain"]
    assert set(told["causes"][0]) == set(Cause.__dataclass_fields__)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["nowhere"], "HOST:PORT"),
        (["a:1", "--timeout", "-1"], "not a number of seconds"),
        (["a:1", "--timeout", "soon"], "not a number of seconds"),
        (["a:1", "--starttls", "gopher"], "invalid choice"),
        (["a:1", "--http", "--send", "x"], "not allowed with"),
        (["--listen", "0", "--count", "-1"], "not a number of clients"),
        (["a:1", "--listen", "0"], "leave out one of them"),
        (["--fault", "expired"], "HOST:PORT, or --listen PORT"),
        (["a:1", "--fault", "expired"], "add --listen PORT"),
        (["--listen", "0", "--fault", "nope"], "no fault 'nope'"),
        (["--listen", "0", "--cert", "nope.crt", "--key", "nope.key"], "nope.crt"),
        (["--listen", "65536"], "is not a port"),
        ([], "HOST:PORT"),
    ],
)
def test_wrong_arguments_are_one_message(arguments: list[str], found: str) -> None:
    done = call("diagnose", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert found in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_with_a_password_asks_nobody(lab: Lab, tmp_path: Path) -> None:
    cert, _ = lab.store.files("valid")
    key = tmp_path / "locked.key"
    key.write_bytes(private_pem(create_key(), b"x"))
    with serve(lab.mtls()) as backend:
        told = diagnose(backend, certfile=cert, keyfile=key, cafile=lab.ca_file)
    assert told.kind == "files"
    assert "password" in told.causes[0].says


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_the_name_of_a_file_is_shown_without_its_control_characters(tmp_path: Path) -> None:
    there = tmp_path / "there\x1b[31m"
    there.write_bytes(b"\x30\x82" + bytes(9) + b"\xff")
    for name in ("gone\x1b[31m", there):
        told = diagnose(("127.0.0.1", 9), cafile=name, certfile=name)
        assert told.kind == "files"
        assert "\x1b" not in str(told) + told._repr_html_()
        done = call("explain", "--certfile", there, "--crlfile", there)
        assert "\x1b" not in done.stdout + done.stderr


def test_files_that_do_not_load_are_told_without_the_course(lab: Lab) -> None:
    _, key = lab.store.files("valid")
    with nobody_listens() as (host, port):
        alone = call("diagnose", f"{host}:{port}", "--ca", key)
        lost = call("diagnose", f"{host}:{port}", "--cert", "nix.crt", "--key", "nix.key")
    assert (alone.returncode, lost.returncode) == (12, 12)
    assert "Fix:   Name the right file." in alone.stdout
    assert "nix.crt is not there" in lost.stdout
    for done in (alone, lost):
        assert "Exchange the two names" not in done.stdout
        assert "load_cert_chain" not in done.stdout
        assert "enter(" not in done.stdout


def test_the_password_of_a_key_comes_from_a_file(lab: Lab, tmp_path: Path) -> None:
    cert, key = lab.store.files("valid")
    locked, word, wrong = (tmp_path / name for name in ("locked.key", "word", "wrong"))
    locked.write_bytes(private_pem(read_key(key), b"barley"))
    word.write_text("barley\n")
    wrong.write_text("wheat\n")
    with serve(lab.mtls()) as backend:
        address = f"127.0.0.1:{backend.address[1]}"
        files: list[str | Path] = ["--ca", lab.ca_file, "--cert", cert, "--key", locked]
        done = call("diagnose", address, *files, "--password-file", word)
        assert (done.returncode, done.stderr) == (0, "")
        assert call("diagnose", address, *files, "--password-file", wrong).returncode == 12
        none = call("diagnose", address, *files, "--password-file", tmp_path / "nix")
    assert (none.returncode, none.stdout) == (2, "")
    assert "nix" in none.stderr


@pytest.fixture(scope="module")
def bundled(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a PKCS #12 file of a client, one of a stranger, one without key, passwords."""
    folder = tmp_path_factory.mktemp("bundled")
    device = lab.ca.issue_client("trusted-client")
    write_pkcs12(folder / "client.p12", device, b"barley")
    stranger = CertificateAuthority.create("Other CA").issue_client("trusted-client")
    write_pkcs12(folder / "stranger.p12", stranger, b"barley")
    only = pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(device.certificate, None)],
        serialization.BestAvailableEncryption(b"barley"),
    )
    (folder / "certificates.p12").write_bytes(only)
    (folder / "word").write_text("barley\n")
    (folder / "wrong").write_text("wheat\n")
    return folder


def test_a_pkcs12_file_is_presented(lab: Lab, bundled: Path) -> None:
    word: list[str | Path] = ["--password-file", bundled / "word"]
    with serve(lab.mtls()) as backend:
        common = [f"127.0.0.1:{backend.address[1]}", "--ca", lab.ca_file, *word]
        good = call("diagnose", *common, "--cert", bundled / "client.p12")
        alone = call("diagnose", *common, "--key", bundled / "client.p12")
        refused = call("diagnose", *common, "--cert", bundled / "stranger.p12", "--json")
    assert (good.returncode, good.stderr) == (0, "")
    assert "client.p12: CN=trusted-client, issued by CN=Lab CA, " in good.stdout
    assert alone.returncode == 0
    assert refused.returncode == 15
    first, *_ = json.loads(refused.stdout)["causes"]
    assert (first["name"], first["certain"]) == ("untrusted", False)
    path = bundled / "stranger.p12"
    assert f"<(openssl pkcs12 -in {path} -nokeys)" in first["command"]


@pytest.mark.parametrize(
    ("file", "word", "says"),
    [
        ("client.p12", "", "is a PKCS #12 file with a password, and none was given"),
        ("client.p12", "wrong", "the one that was given does not open it"),
        ("certificates.p12", "word", "has no private key in it"),
    ],
)
def test_a_pkcs12_file_that_does_not_open(bundled: Path, file: str, word: str, says: str) -> None:
    given: list[str | Path] = ["--password-file", bundled / word] if word else []
    with nobody_listens() as (host, port):
        done = call("diagnose", f"{host}:{port}", "--cert", bundled / file, *given)
    assert (done.returncode, done.stderr) == (12, "")
    assert says in unfolded(done.stdout)
    assert "load_cert_chain" not in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal is for POSIX")
def test_its_password_is_asked_for_at_a_terminal(lab: Lab, bundled: Path) -> None:
    with serve(lab.mtls()) as backend:
        target = f"127.0.0.1:{backend.address[1]}"
        command = [sys.executable, "-m", "mtls_lab", "diagnose", target, "--ca", str(lab.ca_file)]
        with terminal(*command, "--cert", "client.p12", cwd=bundled) as shown:
            shown.until("Password of client.p12: ")
            shown.type(b"barley\n")
            assert shown.close() == 0
    assert "barley" not in shown.written


def test_a_request_goes_to_a_server_that_has_proved_its_name_only(lab: Lab) -> None:
    """Otherwise a line that may be secret would go to anybody."""
    with serve(lab.tls()) as backend:
        told = diagnose(backend, server_hostname="other.example", cafile=lab.ca_file, send="PING")
        assert told.kind == "server"
        assert ("request", "–") in [(line.label, line.sign) for line in told.lines]
        told = diagnose(backend, server_hostname="localhost", cafile=lab.ca_file, send="PING")
    assert any("PONG" in line.text for line in told.lines), str(told)


def test_help_has_what_a_stranger_needs() -> None:
    done = call("diagnose", "--help")
    assert done.returncode == 0
    for word in ("Examples:", "Exit codes", "--starttls", "--server-name", "diagnose api.example"):
        assert word in done.stdout


# --- The data file


def test_exit_codes_are_one_for_each_class_and_all_in_the_help() -> None:
    codes = [each["code"] for each in classes().values()]
    assert len(codes) == len(set(codes))
    assert set(EXIT_CODES) == {*codes, 2}
    for each in classes().values():
        assert EXIT_CODES[each["code"]] == each["title"] or each["code"] == 0


def test_the_command_offers_what_the_function_takes() -> None:
    assert set(STARTTLS) == set(PROTOCOLS)


def test_every_cause_has_a_class_and_a_repair() -> None:
    for name, entry in read_facts("diagnoses")["causes"].items():
        assert entry["kind"] in classes(), name
        assert entry["says"], name
        assert entry["fix"], name


@pytest.mark.parametrize("protocol", read_facts("diagnoses")["advice"])
def test_advice_for_each_protocol(protocol: str) -> None:
    assert advice(protocol) == read_facts("diagnoses")["advice"][protocol]


@pytest.mark.parametrize(
    ("data", "protocol"),
    [
        (b"HTTP/1.0 400 Bad Request\r\n", "HTTP"),
        (b"<!DOCTYPE html>", "HTTP"),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "HTTP/2"),
        (b"SSH-2.0-x\r\n", "SSH"),
        (b"220 files FTP ready\r\n", "FTP"),
        (b"220 mail ESMTP\r\n", "SMTP"),
        (b"+OK ready\r\n", "POP3"),
        (b"-ERR unknown command\r\n", "Redis"),
        (b"-DENIED Redis is running in protected mode\r\n", "Redis"),
        (b"+PONG\r\n", "Redis"),
        (b'INFO {"server_id":"N1"}\r\n', "NATS"),
        (b"\x20\x02\x00\x00", "MQTT"),
        (b"\x4a\x00\x00\x00\x0a8.0.36", "MySQL"),
        (b"E\x00\x00\x00\x8bSFATAL\x00", "PostgreSQL"),
        (b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00", "LDAP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
        (b"", ""),
        (b"\x00", ""),
        (b"hello", ""),
    ],
)
def test_first_bytes_tell_the_protocol(data: bytes, protocol: str) -> None:
    assert named(data) == protocol


def test_a_server_that_waits_for_a_line_is_asked_for_one() -> None:
    """As Redis 7.0 without TLS: it takes a ClientHello for the beginning of a line."""

    def waits(connection: socket.socket) -> None:
        heard = b""
        while part := connection.recv(4096):
            heard += part
            if heard == b"PING\r\n":
                connection.sendall(b"+PONG\r\n")

    with listening(waits) as at:
        assert spoken(at, Clock(10)) == ("Redis", b"+PONG\r\n")


def test_a_diagnosis_as_cards() -> None:
    """Whatever a server said is text and not markup."""
    cause = Cause("x", "server", "It is <so>.", "Do that.", "look <here>", ("seen",), certain=True)
    told = Diagnosis("a:1", "a", (Line("TCP", "✗", "<b>no</b>"),), (cause,))
    page = told._repr_html_()
    for text in ("a:1", "✗ TCP", "&lt;b&gt;no&lt;/b&gt;", "It is &lt;so&gt;.", "(certain)"):
        assert text in page
    assert "look &lt;here&gt;" in page
    assert "Nothing wrong" in Diagnosis("a:1", "a", ())._repr_html_()


def test_what_is_worth_knowing_is_not_called_as_it_should_be() -> None:
    fine = str(Diagnosis("a:1", "a", (Line("TCP", "✓", "connected"),)))
    noted = str(Diagnosis("a:1", "a", (Line("names", "!", "no subjectAltName"),)))
    assert "as it should" in fine
    assert "as it should" not in noted
    assert "Nothing wrong was found. What has a !" in noted


def test_a_server_that_has_a_common_name_only(lab: Lab, tmp_path: Path) -> None:
    """OpenSSL takes it for the name, Go and browsers refuse it (RFC 9525, section 6.3)."""
    files = self_signed("localhost", Purpose.SERVER).save(tmp_path, "server")
    with serve(server_context(*files)) as backend, serve(lab.tls()) as named:
        told = diagnose(backend, cafile=files[0], server_hostname="localhost")
        other = diagnose(named, cafile=lab.ca_file, server_hostname="localhost")
    (line,) = (each for each in told.lines if each.label == "names")
    assert (told.ok, line.sign) == (True, "!")
    assert "localhost in subjectAltName" in line.text
    assert "names" not in {each.label for each in other.lines}


@pytest.mark.parametrize(
    ("by", "purpose", "name", "days", "told"),
    [
        ("known", Purpose.SERVER, "other.example", (-9, -1), ["server_name", "expired"]),
        ("known", Purpose.CLIENT, "localhost", (-9, -1), ["no serverAuth", "expired"]),
        ("known", Purpose.SERVER, "localhost", (-9, -1), ["expired"]),
        ("unknown", Purpose.SERVER, "localhost", (0, 9), ["server_chain"]),
        (
            *("unknown", Purpose.SERVER, "other.example", (1, 9)),
            ["server_chain", "server_name", "not valid for another"],
        ),
    ],
)
def test_openssl_names_one_fault_at_a_time_and_all_are_told(
    tmp_path: Path, by: str, purpose: Purpose, name: str, days: tuple[int, int], told: list[str]
) -> None:
    ca, other = CertificateAuthority.create("Lab CA"), CertificateAuthority.create("Another CA")
    write_certificate(tmp_path / "ca.pem", ca.certificate)
    issuer = ca if by == "known" else other
    identity = issuer.issue(name, purpose, names=[name], valid_days=days)
    with serve(server_context(*identity.save(tmp_path, "server"))) as backend:
        found = diagnose(backend, cafile=tmp_path / "ca.pem", server_hostname="localhost")
    seen = [f"{cause.name}: {cause.says}" for cause in found.causes]
    assert len(seen) == len(told), seen
    assert all(part in whole for part, whole in zip(told, seen, strict=True)), seen


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_every_fault_of_ones_own_certificate_is_a_cause(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """OpenSSL looks at the purpose before the dates, and sends one alert."""
    ca = CertificateAuthority.create("Lab CA")
    write_certificate(tmp_path / "ca.pem", ca.certificate)
    cert, key = ca.issue("device", Purpose.SERVER, valid_days=(-9, -1)).save(tmp_path, "device")
    files = ca.issue_server(["localhost"]).save(tmp_path, "server")
    context = server_context(*files, client_ca=tmp_path / "ca.pem")
    context.minimum_version = context.maximum_version = version
    with serve(context) as backend:
        told = diagnose(
            backend,
            cafile=tmp_path / "ca.pem",
            certfile=cert,
            keyfile=key,
            server_hostname="localhost",
        )
    says = [cause.says for cause in told.causes]
    assert (told.code, [cause.name for cause in told.causes]) == (15, ["finding", "finding"])
    assert "no clientAuth" in says[0]
    assert "expired 1 day ago" in says[1]
    assert "one fault at a time" in told.causes[1].evidence[0]


def test_a_check_that_gives_no_reason(lab: Lab) -> None:
    """As Monit, whose callback fails: OpenSSL's alert for it is internal_error."""
    context = lab.mtls()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # in which the alert is not encrypted

    def another_alert(chunk: Chunk) -> bytes:  # internal_error is 80, a P
        return re.sub(rb"(\x15\x03\x03\x00\x02\x02).", rb"\1P", chunk.heard, flags=re.DOTALL)

    cert, key = lab.store.files("untrusted")
    name = "localhost"
    with serve(context) as backend, Relay(backend, tamper=another_alert) as relay:
        told = diagnose(relay, cafile=lab.ca_file, certfile=cert, keyfile=key, server_hostname=name)
    assert (told.code, told.causes[0].name) == (15, "check_failed")
    assert "has no certificate for this name" not in str(told)


def test_a_file_of_cas_that_has_none(lab: Lab) -> None:
    cert, _ = lab.store.files("valid")
    with nobody_listens() as address:
        wrong, right = (diagnose(address, cafile=each) for each in (cert, lab.ca_file))
    (line,) = (each for each in wrong.lines if each.label == "CA file")
    assert (line.sign, "no CA's certificate in it" in line.text) == ("✗", True)
    (line,) = (each for each in right.lines if each.label == "CA file")
    assert line.sign == "✓"


@pytest.mark.parametrize("named", ["localhost", ""], ids=["the host", "without SNI"])
def test_a_name_that_a_server_has_no_certificate_for(lab: Lab, named: str) -> None:
    context = lab.mtls()  # as Caddy and other servers in Go, which look one up

    def look_up(_: object, name: str | None, __: object) -> int | None:
        return None if name == (named or None) else ssl.ALERT_DESCRIPTION_INTERNAL_ERROR

    context.sni_callback = look_up
    with serve(context) as backend:
        host = named or "127.0.0.1"
        diagnosis = diagnose(
            (host, backend.address[1]), cafile=lab.ca_file, server_hostname="api.example"
        )
    first = diagnosis.causes[0]
    assert (first.name, diagnosis.code, first.certain) == ("name_not_served", 14, True)
    assert f"answers {f'when it is called {named}' if named else 'without SNI'}" in first.says


@pytest.mark.parametrize(
    ("files", "told"), [("none", "bare_garbled"), ("untrusted", "refused_garbled")]
)
def test_an_alert_under_other_keys(lab: Lab, files: str, told: str) -> None:
    """What mbedTLS 3.6.7 sends in TLS 1.3, here by one bit: an alert that does not decrypt."""
    context = lab.mtls()
    context.minimum_version = ssl.TLSVersion.TLSv1_3

    def garble(chunk: Chunk) -> bytes:
        is_alert = chunk.direction is Direction.TO_DEVICE and len(chunk.heard) == ENCRYPTED_ALERT
        return chunk.heard[:-1] + bytes([chunk.heard[-1] ^ 1]) if is_alert else chunk.heard

    cert, key = lab.store.files(files) or (None, None)
    with serve(context) as backend, Relay(backend, tamper=garble) as relay:
        diagnosis = diagnose(
            relay, cafile=lab.ca_file, certfile=cert, keyfile=key, server_hostname="localhost"
        )
    assert [cause.name for cause in diagnosis.causes] == [told]
    (line,) = (each for each in diagnosis.lines if each.label == "TLS 1.3")
    assert (line.sign, ", then a record that cannot be decrypted" in line.text) == ("✗", True)


def test_a_key_without_its_certificate(lab: Lab) -> None:
    _, key = lab.store.files("valid")
    with nobody_listens() as address:
        told = diagnose(address, keyfile=key)
    first = told.causes[0]
    assert "holds a private key, and no certificate was given with it" in first.says
    assert "Exchange" not in first.fix


def test_a_diagnosis_as_text() -> None:
    cause = Cause("x", "server", "It is so.", "Do that.", "look", ("seen",))
    told = Diagnosis("a:1", "a", (Line("TCP", "✓", "connected"),), (cause,))
    assert str(told).splitlines() == [
        "a:1",
        "  ✓ TCP         connected",
        "",
        "1. (likely) It is so.",
        "   Seen:  seen",
        "   Fix:   Do that.",
        "   Check: look",
    ]
    assert (told.ok, told.kind, told.code) == (False, "server", 13)
