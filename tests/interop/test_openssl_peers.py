"""Our client against `openssl s_server`, and `openssl s_client` against our backend."""

import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from mtls_lab import Stage, ask, serve
from mtls_lab.net import Backend, forbid_resumption, only_trusted_client, server_context
from mtls_lab.pki import pem
from tests.interop.command import listening, peer
from tests.unit.lab import Lab, failed, spelled

FLAGS = {ssl.TLSVersion.TLSv1_3: "-tls1_3", ssl.TLSVersion.TLSv1_2: "-tls1_2"}


def s_server(lab: Lab, *more: str) -> list[str | Path]:
    """The command of a server that sends each line back in reverse."""
    certfile, keyfile = lab.server_files
    files: list[str | Path] = ["-cert", certfile, "-key", keyfile, "-CAfile", lab.ca_file]
    return ["s_server", "-accept", "127.0.0.1:0", "-rev", *files, *more]


def s_client(lab: Lab, backend: Backend, credential: str, *more: str) -> list[str | Path]:
    """The command of a client that checks everything, strictly, and ends with its input."""
    host, port = backend.address
    files: list[str | Path] = ["-CAfile", lab.ca_file]
    if pair := lab.store.files(credential):
        files += ["-cert", pair[0], "-key", pair[1]]
    return [
        *("s_client", "-connect", f"{host}:{port}", "-servername", "localhost"),
        *("-verify_hostname", "localhost", "-verify_return_error", "-x509_strict"),
        *("-brief", "-no_ign_eof", *files, *more),
    ]


def test_our_device_at_s_server(lab: Lab, version: ssl.TLSVersion) -> None:
    with peer(*s_server(lab, "-Verify", "1", "-verify_return_error", "-x509_strict")) as server:
        exchange = ask("PING", listening(server), context=lab.device("valid", version))
    assert exchange.reply == "GNIP"
    assert (exchange.device.version, exchange.device.peer) == (spelled(version), "CN=localhost")


@pytest.mark.parametrize("credential", ["none", "untrusted", "expired", "wrong_purpose"])
def test_s_server_refuses_as_our_backend_does(
    lab: Lab, version: ssl.TLSVersion, credential: str
) -> None:
    context = lab.device(credential, version)
    with serve(lab.mtls()) as backend:
        ours = ask("PING", backend, context=context)
    with peer(*s_server(lab, "-Verify", "1", "-verify_return_error")) as server:
        theirs = ask("PING", listening(server), context=context)
    assert theirs.device == ours.device
    assert not theirs.ok


def test_our_device_refuses_s_server(lab: Lab, version: ssl.TLSVersion) -> None:
    with peer(*s_server(lab)) as server:
        exchange = ask(
            "PING",
            listening(server),
            context=lab.device("valid", version),
            server_hostname="example.com",
        )
    assert exchange.device.stage is Stage.HANDSHAKE
    assert failed(exchange.device).verify_code == 62


def test_s_client_at_our_backend(lab: Lab, version: ssl.TLSVersion) -> None:
    with (
        serve(lab.mtls(), authorize=only_trusted_client) as backend,
        peer(*s_client(lab, backend, "valid", FLAGS[version])) as client,
    ):
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write("GET_SECRET\n")
        assert client.stdout.readline() == "open sesame\n"
        _, said = client.communicate(timeout=300)
    assert client.returncode == 0
    assert "Verification: OK" in said
    assert f"Protocol version: {spelled(version)}" in said
    (side,) = backend.connections
    assert (side.peer, side.received, side.failure) == (
        "CN=trusted-client",
        ("GET_SECRET",),
        None,
    )


def asked(command: list[str | Path]) -> str:
    """What a client was answered before it left; nothing, if it was refused."""
    with peer(*command) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        with suppress(BrokenPipeError):  # one that is refused may be gone already
            client.stdin.write("GET_SECRET\n")
        reply = client.stdout.readline()
        client.communicate(timeout=20)
    return reply


def test_a_session_in_a_file_opens_our_backend(
    lab: Lab, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    """Another program takes a session from one place to another, with no certificate and no key,
    and is served after the certificate was revoked; a new context knows nothing of it."""
    device = lab.ca.issue_client("trusted-client").save(tmp_path, "lost")
    context = server_context(*lab.server_files, client_ca=lab.ca_file)
    file, crl = tmp_path / "session.pem", tmp_path / "ca.crl"
    flag = FLAGS[version]
    with serve(context, authorize=only_trusted_client) as backend:
        own = ["-cert", str(device[0]), "-key", str(device[1]), "-sess_out", str(file)]
        assert asked(s_client(lab, backend, "none", flag, *own)) == "open sesame\n"
        assert asked(s_client(lab, backend, "none", flag)) == ""
        stolen = s_client(lab, backend, "none", flag, "-sess_in", str(file))
        assert asked(stolen) == "open sesame\n"
        lab.ca.revoke(pem.read_certificate(device[0]))
        pem.write_crl(crl, lab.ca.crl())
        context.load_verify_locations(cafile=crl)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        assert asked(s_client(lab, backend, "none", flag, *own[:4])) == ""
        assert asked(stolen) == "open sesame\n"
    assert [(side.ok, side.reused, side.peer) for side in backend.connections] == [
        (True, False, "CN=trusted-client"),
        (False, False, None),
        (True, True, "CN=trusted-client"),
        (False, False, None),
        (True, True, "CN=trusted-client"),
    ]
    with serve(server_context(*lab.server_files, client_ca=lab.ca_file)) as other:
        assert asked(s_client(lab, other, "none", flag, "-sess_in", str(file))) == ""


def test_a_backend_without_sessions_gives_s_client_none(lab: Lab, tmp_path: Path) -> None:
    context = server_context(*lab.server_files, client_ca=lab.ca_file)
    forbid_resumption(context)
    file = tmp_path / "session.pem"
    with serve(context) as backend:
        assert asked(s_client(lab, backend, "valid", "-sess_out", str(file))) == "open sesame\n"
        assert (
            not file.exists() or asked(s_client(lab, backend, "none", "-sess_in", str(file))) == ""
        )
        assert not any(side.reused for side in backend.connections)


@pytest.mark.parametrize(
    ("credential", "alerts", "reason"),
    [
        ("none", (116, 40), "PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        ("untrusted", (48, 48), "CERTIFICATE_VERIFY_FAILED"),
        ("revoked", (44, 44), "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_our_backend_refuses_s_client(
    lab: Lab, version: ssl.TLSVersion, credential: str, alerts: tuple[int, int], reason: str
) -> None:
    """It is told by the alert's number (RFC 8446, section 6)."""
    with (
        serve(lab.mtls(), authorize=only_trusted_client) as backend,
        peer(*s_client(lab, backend, credential, FLAGS[version])) as client,
    ):
        assert client.stderr is not None
        said = client.stderr.read()  # its input stays open: only the alert ends it
        client.wait(300)
    assert client.returncode != 0
    alert = alerts[list(FLAGS).index(version)]
    assert f"SSL alert number {alert}" in said
    (side,) = backend.connections
    assert failed(side).reason == reason


def test_a_plain_backend_says_so_to_s_client(lab: Lab) -> None:
    with serve() as backend, peer(*s_client(lab, backend, "valid")) as client:
        assert client.stderr is not None
        said = client.stderr.read()
        client.wait(300)
    assert "wrong version number" in said
    assert client.returncode != 0
