"""What a handshake does not show: whether a certificate is accepted, or why it is not finished."""

import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab import CertificateAuthority
from mtls_lab.diagnosing import diagnose
from mtls_lab.diagnosing.attempts import Attempt
from mtls_lab.diagnosing.judging import judge
from mtls_lab.diagnosing.own import look_into
from mtls_lab.diagnosing.probing import Seen
from mtls_lab.diagnosing.reporting import report
from mtls_lab.exercises.peers import listening
from mtls_lab.net import Chunk, Relay, hang_up, serve, server_context
from mtls_lab.pki import Purpose
from mtls_lab.wire import Direction, Failure, Message, Stage
from tests.unit.lab import LONG, Lab


def test_a_server_that_goes_on_with_no_certificate_has_not_shown_that_it_accepts_one(
    lab: Lab,
) -> None:
    cert, key = lab.store.files("valid")
    optional = lab.mtls()
    optional.verify_mode = ssl.CERT_OPTIONAL
    for context, shown in ((optional, False), (lab.mtls(), True)):
        with serve(context) as backend:
            told = diagnose(
                backend, cafile=lab.ca_file, certfile=cert, keyfile=key, server_hostname="localhost"
            )
        assert told.ok
        (line,) = (each for each in told.lines if each.label == "without")
        assert line.sign == ("–" if shown else "!")
        # That a session is resumed is how TLS works: no warning.
        (line,) = (each for each in told.lines if each.label == "sessions")
        assert (line.sign, line.text.partition(",")[0]) == (
            "–",
            "a new connection is resumed without a certificate",
        )
        assert line.text.endswith("; a ticket of this server is good for 2 hours")
        assert ("They do not show whether the server accepts" in str(told)) is not shown


def test_a_ticket_may_outlive_the_certificate(lab: Lab, tmp_path: Path) -> None:
    """Nobody looks at the dates again when it is resumed (RFC 8446, section 4.6.1)."""
    ends_soon = lab.ca.issue("pump-7", Purpose.CLIENT, valid_days=(-1, 0.05))
    cert, key = ends_soon.save(tmp_path, "soon")
    with serve(lab.mtls()) as backend:
        told = diagnose(
            backend, cafile=lab.ca_file, certfile=cert, keyfile=key, server_hostname="localhost"
        )
    (line,) = (each for each in told.lines if each.label == "sessions")
    assert line.text.endswith("is good for 2 hours, longer than our certificate is")


def test_a_list_of_curves_that_leaves_out_that_of_the_clients_key(lab: Lab) -> None:
    """In TLS 1.2, OpenSSL takes that list for the keys of certificates too."""
    cert, key = lab.store.files("valid")
    context = lab.mtls()
    context.set_ecdh_curve("secp521r1")
    with serve(context) as backend:
        told = diagnose(
            backend, cafile=lab.ca_file, certfile=cert, keyfile=key, server_hostname="localhost"
        )
    (cause,) = told.causes
    assert cause.name == "client_curve"
    assert "takes no certificate whose key is on secp256r1" in cause.says


def test_a_ca_of_the_same_name_is_told_from_the_one_that_signed(lab: Lab, tmp_path: Path) -> None:
    """The list of names in a CertificateRequest cannot tell them apart."""
    other = CertificateAuthority.create("Lab CA")
    cert, key = other.issue_client("device").save(tmp_path, "device")
    both = tmp_path / "both.crt"
    both.write_bytes(lab.ca_file.read_bytes() + other.certificate.public_bytes(Encoding.PEM))
    with serve(server_context(*lab.server_files, client_ca=both)) as backend:
        told = diagnose(
            backend, cafile=lab.ca_file, certfile=cert, keyfile=key, server_hostname="localhost"
        )
    assert told.ok
    (line,) = (each for each in told.lines if each.label == "fits")
    assert line.sign == "!"
    assert "/ca.crt has not signed it" in line.text


def test_a_certificate_that_was_changed_is_told_from_one_of_another_ca(
    lab: Lab, tmp_path: Path
) -> None:
    """OpenSSL sends decrypt_error for both."""
    cert, key = lab.store.files("valid")
    (changed := tmp_path / "changed.crt").write_bytes(altered(cert.read_bytes()))
    with serve(lab.mtls()) as backend:
        told = diagnose(
            backend, cafile=lab.ca_file, certfile=changed, keyfile=key, server_hostname="localhost"
        )
    assert told.code == 15
    assert "was changed after CN=Lab CA signed it" in told.causes[0].says


def altered(pem: bytes) -> bytes:
    """The same certificate with another name, under the old signature."""
    changed = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    changed = changed.replace(b"trusted-client", b"trusted-cliemt")
    return x509.load_der_x509_certificate(changed).public_bytes(Encoding.PEM)


def test_a_server_that_refuses_a_certificate_has_decided(lab: Lab) -> None:
    cert, key = lab.store.files("untrusted")
    optional = lab.mtls()
    optional.verify_mode = ssl.CERT_OPTIONAL
    with serve(optional) as backend:
        told = diagnose(
            backend, cafile=lab.ca_file, certfile=cert, keyfile=key, server_hostname="localhost"
        )
    assert told.code == 15
    (line,) = (each for each in told.lines if each.label == "without")
    assert line.sign == "–"


def test_what_is_fine_in_a_handshake_may_be_refused_after_it(lab: Lab) -> None:
    cert, key = lab.store.files("valid")
    with serve(lab.mtls()) as backend:
        silent, asked = (
            diagnose(
                backend,
                cafile=lab.ca_file,
                certfile=cert,
                keyfile=key,
                server_hostname="localhost",
                send=word,
            )
            for word in (None, "GET_SECRET")
        )
    assert silent.ok
    assert asked.ok
    more = "What the program behind TLS decides, by a name or in a login, no handshake shows"
    assert more in str(silent)
    assert more not in str(asked)


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (b"-NOAUTH Authentication required.\r\n", ["refused_inside"]),
        (b"-ERR 'Authorization Violation'\r\n", ["refused_inside"]),
        (b"535 5.7.8 authentication failed\r\n", ["refused_inside"]),
        (b"a1 NO [AUTHENTICATIONFAILED]\r\n", ["refused_inside"]),
        (b"+PONG\r\n", []),
        (b"250 OK\r\n", []),
        (b"- item\r\n", []),
    ],
)
def test_what_a_server_answers_to_a_line_may_be_a_refusal(
    lab: Lab, said: bytes, names: list[str]
) -> None:
    def handle(connection: socket.socket) -> None:
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with suppress(OSError):
            tls.do_handshake()
            if tls.recv(4096):
                tls.sendall(said)
        hang_up(tls)

    context = lab.mtls()
    cert, key = lab.store.files("valid")
    with listening(handle) as (_, port):
        told = diagnose(
            f"localhost:{port}", cafile=lab.ca_file, certfile=cert, keyfile=key, send="PING"
        )
    assert [cause.name for cause in told.causes] == names
    assert told.code == (17 if names else 0)
    (line,) = (each for each in told.lines if each.label == "request")
    assert line.sign == ("✗" if names else "✓")


def test_a_server_may_ask_by_another_name_in_its_certificate(lab: Lab, tmp_path: Path) -> None:
    names = ["localhost", "*.wild.example", "api.example"]
    cert, key = lab.ca.issue_server(names).save(tmp_path, "server")
    plain, asking = (server_context(cert, key, client_ca=ca) for ca in (None, lab.ca_file))

    def handle(connection: socket.socket) -> None:
        named = b"api.example" in connection.recv(4096, socket.MSG_PEEK)
        context = asking if named else plain
        with suppress(OSError):
            hang_up(context.wrap_socket(connection, server_side=True))

    cert, key = lab.store.files("valid")
    with listening(handle) as (_, port):
        told = diagnose(
            f"localhost:{port}", cafile=lab.ca_file, certfile=cert, keyfile=key, timeout=LONG
        )
    (cause,) = told.causes
    assert (cause.name, cause.certain) == ("not_asked_by_this_name", True)
    assert "when it is called localhost; called api.example it does." in cause.says
    assert cause.command.endswith(
        "-servername api.example </dev/null | grep -i 'client certificate'"
    )


def test_a_request_goes_to_the_path_of_a_url(lab: Lab) -> None:
    heard: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with suppress(OSError):
            tls.do_handshake()
            if said := tls.recv(4096):
                heard.append(said.split(b"\r\n")[0])
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        hang_up(tls)

    context = server_context(*lab.server_files)
    with listening(handle) as (_, port):
        url = f"https://127.0.0.1:{port}/a b\r\n?c=1#d"
        told = diagnose(url, cafile=lab.ca_file, server_hostname="localhost", http=True)
    assert told.ok
    assert heard == [b"GET /a%20b%0D%0A?c=1 HTTP/1.1"]


def test_the_two_pages_of_nginx_are_told_apart() -> None:
    """Both have the status 400: without a certificate, and with one that did not verify."""
    page = "HTTP/1.1 400 Bad Request\r\n\r\n<html>\r\n<head><title>400 {}</title></head>"
    ours, bare = "The SSL certificate error", "No required SSL certificate was sent"
    asked, asked_bare = (
        Attempt(Stage.FIRST_READ, heard=page.format(each).encode()) for each in (ours, bare)
    )
    own = look_into(None, None, None)
    seen = Seen("localhost", 1, "localhost", own, asked=asked, asked_bare=asked_bare)
    seen.addresses = (("127.0.0.1", 1),)
    assert [(line.label, line.sign, line.text) for line in report(seen)][-2:] == [
        ("request", "✗", f"HTTP/1.1 400 Bad Request ({ours})"),
        ("without it", "–", f"HTTP/1.1 400 Bad Request ({bare})"),
    ]


@pytest.mark.parametrize("records", [1, 2])
def test_a_handshake_that_stops_is_slow_and_no_fault_of_the_certificate(
    lab: Lab, records: int
) -> None:
    """As where large packets get lost on the way: the beginning arrives, and no more."""

    def loses(chunk: Chunk) -> bytes:
        lost = chunk.direction is Direction.TO_DEVICE and chunk.index >= records
        return b"" if lost else chunk.heard

    cert, key = lab.store.files("valid")
    with serve(lab.mtls()) as backend, Relay(backend, tamper=loses) as relay:
        told = diagnose(
            relay,
            cafile=lab.ca_file,
            certfile=cert,
            keyfile=key,
            server_hostname="localhost",
            timeout=2.0,
        )
    assert [cause.name for cause in told.causes] == ["slow_handshake"], str(told)
    assert (told.code, told.causes[0].certain) == (18, False)
    assert "refused: no answer" not in str(told)


def test_a_hello_that_openssl_does_not_take_is_no_refusal_of_the_server() -> None:
    """A server of TLS 1.2 alone that is called by its address, and has small parameters."""
    way, alone = Direction.TO_DEVICE, look_into(None, None, None)
    alert = Message("Alert protocol_version", way, 2, encrypted=False)
    hello = Message("ServerHello", way, 90, encrypted=False)
    tried = {
        "TLS 1.3": Attempt(Stage.HANDSHAKE, Failure("SSLError"), messages=(alert,)),
        "TLS 1.2": Attempt(
            Stage.HANDSHAKE, Failure("SSLError", "DH_KEY_TOO_SMALL"), messages=(hello,)
        ),
    }
    (cause,) = judge(Seen("127.0.0.1", 443, "127.0.0.1", alone, full=tried))
    assert cause.says.startswith("The server's Diffie-Hellman parameters are too small.")
