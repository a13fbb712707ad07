"""A session, resumed by its device and by a thief: what both sides see, and what ends it."""

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab import CertificateAuthority, Exchange, Relay, Stage, ask
from mtls_lab.net import (
    Backend,
    PeerCertificate,
    current,
    forbid_resumption,
    only_trusted_client,
    server_context,
    watch,
)
from mtls_lab.pki import pem
from tests.unit.lab import Lab, connect, name_of, served_with, spelled

#: What OpenSSL calls X509_V_FLAG_NO_CHECK_TIME; Python has no name for it.
NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
PROOFS = {"Certificate", "CertificateRequest", "CertificateVerify"}


@pytest.fixture
def backend_context(lab: Lab) -> ssl.SSLContext:
    """A backend's, as Part 3 leaves it."""
    return server_context(*lab.server_files, client_ca=lab.ca_file)


@pytest.fixture
def thief(lab: Lab, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A context that has never loaded a certificate or a key."""
    return lab.device("none", version)


def revoke(lab: Lab, context: ssl.SSLContext, folder: Path, *files: Path) -> None:
    """Revoke the first file's certificate, and let a context that is in use check for it."""
    lab.ca.revoke(pem.read_certificate(files[0]))
    pem.write_crl(folder / "ca.crl", lab.ca.crl())
    context.load_verify_locations(cafile=folder / "ca.crl")
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF


def names(exchange: Exchange) -> list[str]:
    return [message.name for message in exchange.handshake.messages]


def refused(exchange: Exchange) -> tuple[str, int | None]:
    """Why the backend refused, as a reason and a verify code."""
    assert exchange.backend is not None
    assert exchange.backend.failure is not None
    assert not exchange.backend.reused
    return exchange.backend.failure.reason, exchange.backend.failure.verify_code


def test_both_sides_see_that_a_session_is_resumed(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    device = lab.device("valid", version)
    with Backend(backend_context) as backend:
        first = ask("GET_SECRET", backend, context=device)
        again = ask("GET_SECRET", backend, context=device, session=first.session)
    assert first.backend is not None
    assert not first.device.reused
    assert not first.backend.reused
    assert "resumed" not in str(first)
    spoken = spelled(version)
    assert str(again) == (
        f"device   connect ✓  handshake ✓ {spoken} resumed with CN=localhost"
        "  received ✓ open sesame\n"
        f"backend  connect ✓  handshake ✓ {spoken} resumed with CN=trusted-client"
        "  received ✓ GET_SECRET"
    )


def test_a_thief_needs_neither_certificate_nor_key(
    lab: Lab, backend_context: ssl.SSLContext, thief: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    device = lab.device("valid", version)
    watch(backend_context, device, thief)
    with Backend(backend_context, authorize=only_trusted_client) as backend:
        without = ask("GET_SECRET", backend, context=thief)
        first = ask("GET_SECRET", backend, context=device)
        stolen = ask("GET_SECRET", backend, context=thief, session=first.session)
        once_more = ask("GET_SECRET", backend, context=thief, session=first.session)
        renewed = ask("GET_SECRET", backend, context=thief, session=stolen.session)
    assert refused(without) == ("PEER_DID_NOT_RETURN_A_CERTIFICATE", None)
    for exchange in (stolen, once_more, renewed):
        assert exchange.reply == "open sesame"
        assert exchange.backend is not None
        assert exchange.backend.reused
        assert exchange.backend.peer == "CN=trusted-client"
        assert not PROOFS & set(names(exchange))
    assert set(names(first)) >= PROOFS


def test_who_asks_is_called_what_it_is(
    lab: Lab, backend_context: ssl.SSLContext, thief: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    device = lab.device("valid", version)
    watch(backend_context, device, thief)
    with Backend(backend_context) as backend:
        own = ask("GET_SECRET", backend, context=device)
        stolen = ask("GET_SECRET", backend, context=thief, session=own.session, name="thief")
    assert stolen.ok
    for shown, who in ((own, "device"), (stolen, "thief")):
        assert str(shown).startswith(f"{who:<8} connect ✓")
        assert str(shown.handshake).startswith(f"  {who} ··· backend")
        ladder = shown.handshake._repr_html_()
        assert f" {who}</b>" in ladder
        assert f"{who} to backend: ClientHello" in ladder
        assert f"⚑ {who}: connected" in ladder


def test_the_messages_of_a_resumed_handshake(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    device = lab.device("valid", version)
    watch(backend_context, device)
    with Backend(backend_context) as backend:
        first = ask("GET_SECRET", backend, context=device)
        again = ask("GET_SECRET", backend, context=device, session=first.session)
    assert (first.handshake.resumed, again.handshake.resumed) == (False, True)
    assert "resumed:" not in str(first.handshake)
    newer = version is ssl.TLSVersion.TLSv1_3
    assert str(again.handshake).splitlines()[1:] == [
        "  → ClientHello",
        "  ← ServerHello",
        "  ← {EncryptedExtensions}" if newer else "  ← ChangeCipherSpec",
        "  ← {Finished}",
        *([] if newer else ["  → ChangeCipherSpec"]),
        "  → {Finished}",
        *(["  ← {NewSessionTicket}"] if newer else []),
        "  resumed: no Certificate, no CertificateVerify; a secret from before speaks for both",
    ]


def test_a_refused_client_has_no_session(lab: Lab, backend_context: ssl.SSLContext) -> None:
    with Backend(backend_context) as backend:
        assert ask("PING", backend, context=lab.device("none")).session is None


def test_a_session_is_presented_over_tls_only(lab: Lab, version: ssl.TLSVersion) -> None:
    with Backend() as plain, Backend(lab.tls()) as backend:
        assert ask("PING", plain).session is None
        session = ask("PING", backend, context=lab.device("none", version)).session
        assert str(session) == f"{spelled(version)} session, to be resumed within 120 minutes"
        with pytest.raises(ValueError, match="there is no context"):
            ask("PING", plain, session=session)


def test_a_session_passes_through_a_relay(
    lab: Lab, backend_context: ssl.SSLContext, thief: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    with Backend(backend_context) as backend, Relay(backend) as eve:
        first = ask("PING", eve, context=lab.device("valid", version))
        again = ask("PING", eve, context=thief, session=first.session)
    assert again.ok
    assert again.device.reused


def test_a_new_context_knows_no_session(
    lab: Lab, thief: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    """What is not resumed becomes a full handshake: it costs the device time, and the thief all."""
    device = lab.device("valid", version)
    old, new = (server_context(*lab.server_files, client_ca=lab.ca_file) for _ in range(2))
    with Backend(old) as backend:
        session = ask("PING", backend, context=device).session
    with Backend(new) as backend:
        own = ask("PING", backend, context=device, session=session)
        stolen = ask("PING", backend, context=thief, session=session)
    assert own.ok
    assert not own.device.reused
    assert refused(stolen) == ("PEER_DID_NOT_RETURN_A_CERTIFICATE", None)


def test_a_backend_without_sessions(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    forbid_resumption(backend_context)
    with Backend(backend_context) as backend:
        exchange = ask("PING", backend, context=lab.device("valid", version))
    assert exchange.session is None
    if version is ssl.TLSVersion.TLSv1_3:
        assert exchange.ok
    else:
        assert refused(exchange) == ("UNSUPPORTED_PROTOCOL", None)


def test_tls_1_2_keeps_sessions_without_tickets(lab: Lab, backend_context: ssl.SSLContext) -> None:
    """Why it takes the version too: by its ID, a session is resumed all the same."""
    backend_context.num_tickets = 0
    backend_context.options |= ssl.OP_NO_TICKET
    old = ssl.TLSVersion.TLSv1_2
    with Backend(backend_context) as backend:
        session = ask("PING", backend, context=lab.device("valid", old)).session
        assert session is not None
        assert not session.session.has_ticket
        assert ask("PING", backend, context=lab.device("none", old), session=session).ok


def test_a_revoked_device_is_served_while_it_resumes(
    lab: Lab,
    backend_context: ssl.SSLContext,
    thief: ssl.SSLContext,
    version: ssl.TLSVersion,
    tmp_path: Path,
) -> None:
    """The list is asked at a full handshake only; a rule is asked every time."""
    files = lab.ca.issue_client("trusted-client").save(tmp_path, "lost")
    serial = pem.read_certificate(files[0]).serial_number

    def not_revoked(certificate: PeerCertificate) -> bool:
        assert certificate is not None
        return int(certificate["serialNumber"], 16) != serial

    device = lab.device("none", version)
    device.load_cert_chain(*files)
    with Backend(backend_context) as backend, Backend(backend_context, authorize=not_revoked) as by:
        session = ask("GET_SECRET", backend, context=device).session
        revoke(lab, backend_context, tmp_path, *files)
        full = ask("GET_SECRET", backend, context=device)
        resumed = ask("GET_SECRET", backend, context=thief, session=session)
        ruled = ask("GET_SECRET", by, context=thief, session=session)
    assert refused(full) == ("CERTIFICATE_VERIFY_FAILED", 23)
    assert resumed.reply == "open sesame"
    assert ruled.reply == "ERROR not authorized"
    assert ruled.backend is not None
    assert ruled.backend.reused


def test_an_expired_device_is_served_while_it_resumes(
    lab: Lab, backend_context: ssl.SSLContext, thief: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    """Its certificate is past its end. Before, the backend does not look at the date, as on a
    clock that is not there yet; after, it does. So nobody has to wait for an end."""
    device = lab.device("expired", version)
    backend_context.verify_flags |= NO_CHECK_TIME
    with (
        Backend(backend_context, authorize=only_trusted_client) as backend,
        Backend(backend_context, authorize=current) as by,
    ):
        session = ask("GET_SECRET", backend, context=device).session
        backend_context.verify_flags &= ~NO_CHECK_TIME
        full = ask("GET_SECRET", backend, context=device)
        resumed = ask("GET_SECRET", backend, context=thief, session=session)
        ruled = ask("GET_SECRET", by, context=thief, session=session)
    assert refused(full) == ("CERTIFICATE_VERIFY_FAILED", 10)
    assert resumed.reply == "open sesame"
    assert ruled.reply == "ERROR not authorized"
    assert ruled.backend is not None
    assert ruled.backend.reused


def test_an_open_connection_outlives_revocation(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    """Until the backend ends it."""
    files = lab.ca.issue_client("trusted-client").save(tmp_path, "lost")
    device = lab.device("none", version)
    device.load_cert_chain(*files)
    with (
        Backend(backend_context) as backend,
        connect(backend.address) as raw,
        device.wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        tls.sendall(b"PING\n")
        assert tls.recv(100) == b"PONG\n"
        revoke(lab, backend_context, tmp_path, *files)
        assert refused(ask("PING", backend, context=device)) == ("CERTIFICATE_VERIFY_FAILED", 23)
        tls.sendall(b"GET_SECRET\n")
        assert tls.recv(100) == b"open sesame\n"
        own = name_of(tls)
        backend.stop()
        assert tls.recv(100) == b""
        assert backend.wait_for(own).received == ("PING", "GET_SECRET")


def test_a_full_handshake_after_a_session_checks_all(
    lab: Lab, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    """A session opens no way round the device's own check of the backend."""
    device = lab.device("valid", version)
    with Backend(lab.mtls()) as backend:
        session = ask("PING", backend, context=device).session
    mallory = CertificateAuthority.create("Lab CA").issue_server(["localhost"])
    with Backend(served_with(mallory, tmp_path)) as impostor:
        exchange = ask("PING", impostor, context=device, session=session)
    assert exchange.device.stage is Stage.HANDSHAKE
    assert exchange.device.failure is not None
    assert exchange.device.failure.error == "SSLCertVerificationError"


def test_a_ticket_of_tls_1_3_holds_the_certificate_of_the_device(
    lab: Lab, backend_context: ssl.SSLContext
) -> None:
    """As 3d says: it is longer, by that much, than the ticket of a device that presented none."""
    backend_context.verify_mode = ssl.CERT_OPTIONAL
    length = {}
    for who in ("valid", "none"):
        device = lab.device(who, ssl.TLSVersion.TLSv1_3)
        watch(backend_context, device)
        with Backend(backend_context) as backend:
            exchange = ask("PING", backend, context=device)
        messages = {message.name: message for message in exchange.handshake.messages}
        length[who] = messages["NewSessionTicket"].size
    certificate = pem.read_certificate(lab.store.files("valid")[0])
    assert length["valid"] - length["none"] >= len(certificate.public_bytes(Encoding.DER))


def test_python_names_no_ca_in_its_request_for_a_certificate(
    lab: Lab, backend_context: ssl.SSLContext
) -> None:
    """What Part 3 says: of the extensions there (RFC 8446, 4.2.4), none is a list of CAs."""
    device = lab.device("valid", ssl.TLSVersion.TLSv1_3)
    watch(backend_context, device)
    with Backend(backend_context) as backend:
        exchange = ask("PING", backend, context=device)
    (asked,) = (each for each in exchange.handshake.messages if each.name == "CertificateRequest")
    assert "signature_algorithms" in str(asked.fields)
    assert "certificate_authorities" not in str(asked.fields)
