"""A thief with a session meets what a learner built: the exercise on it, and the theft itself.

Here: every way to close the door, and to leave it open, with what OpenSSL does. Not here: the
other checks that let the thief try (test_part3.py, ../kata).
"""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtls_lab import checks, explain
from mtls_lab.exercises import Outcome, Unsafe
from mtls_lab.exercises.peers import server_context, strict_device
from mtls_lab.exercises.thief import revoked_returns, steal
from mtls_lab.net import Backend, PeerCertificate, forbid_resumption, only_trusted_client
from mtls_lab.pki import CertificateAuthority, Identity, pem
from tests.unit.exercises.verdicts import Attempts, Hold, named

NOT_YET, UNSAFE, RIGHT = Outcome.NOT_YET, Outcome.UNSAFE, Outcome.RIGHT

REFUSED = "a thief with the device's session is refused"


def backend(folder: Path, kind: type[ssl.SSLContext] = ssl.SSLContext) -> ssl.SSLContext:
    """As exercise 2 leaves it."""
    context = kind(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=folder / "client_ca.pem")
    return context


def changed(folder: Path, **attributes: Any) -> ssl.SSLContext:
    context = backend(folder)
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NO_TICKET = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).options | ssl.OP_NO_TICKET


class NeverTwice(ssl.SSLContext):
    """Each connection gets a context that knows no session: whatever is presented is declined."""

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        fresh.load_cert_chain(*self.files)
        fresh.verify_mode = ssl.CERT_REQUIRED
        fresh.load_verify_locations(cadata=b"".join(self.get_ca_certs(binary_form=True)))
        return fresh.wrap_socket(*arguments, **options)

    files: tuple[Path, Path]


@pytest.fixture
def never_twice(tmp_path: Path) -> Callable[[Path], ssl.SSLContext]:
    def make(folder: Path) -> ssl.SSLContext:
        context = backend(folder, NeverTwice)
        assert isinstance(context, NeverTwice)
        pem.read_identity(folder / "server.crt", folder / "server.key").save(tmp_path, "kept")
        context.files = tmp_path / "kept.crt", tmp_path / "kept.key"
        return context

    return make


class RefusesWhoResumes(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature
        super().do_handshake(block)
        if self.session_reused:
            raise PermissionError("resumed")


def swaps_its_context(folder: Path) -> ssl.SSLContext:
    """Too late: OpenSSL has looked at the session before it asks for another context."""
    context, other = backend(folder), backend(folder)
    forbid_resumption(other)

    def swap(connection: ssl.SSLSocket | ssl.SSLObject, *_: object) -> None:
        connection.context = other

    context.sni_callback = swap
    return context


def with_old_ciphers(folder: Path) -> ssl.SSLContext:
    """In TLS 1.2 it speaks only what Python's own clients no longer offer."""
    context = changed(folder, num_tickets=0, minimum_version=TLS_1_2)
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    return context


HARDENED: Attempts = {
    "as exercise 2 leaves it": (backend, UNSAFE),
    "no tickets": (lambda each: changed(each, num_tickets=0), UNSAFE),
    "TLS 1.3 only": (lambda each: changed(each, minimum_version=TLS_1_3), UNSAFE),
    "no tickets, old ciphers": (with_old_ciphers, UNSAFE),
    # A ticket is then no more than an ID, and the backend keeps the session.
    "TLS 1.3 only, OP_NO_TICKET": (
        lambda each: changed(each, minimum_version=TLS_1_3, options=NO_TICKET),
        UNSAFE,
    ),
    "no tickets, OP_NO_TICKET": (
        lambda each: changed(each, num_tickets=0, options=NO_TICKET),
        UNSAFE,
    ),
    "TLS 1.2 only, OP_NO_TICKET": (
        lambda each: changed(each, maximum_version=TLS_1_2, options=NO_TICKET),
        UNSAFE,
    ),
    "no sessions, CERT_OPTIONAL": (
        lambda each: changed(
            each, minimum_version=TLS_1_3, num_tickets=0, verify_mode=ssl.CERT_OPTIONAL
        ),
        UNSAFE,
    ),
    "no sessions": (lambda each: changed(each, minimum_version=TLS_1_3, num_tickets=0), RIGHT),
    "no sessions, CERT_NONE": (
        lambda each: changed(
            each, minimum_version=TLS_1_3, num_tickets=0, verify_mode=ssl.CERT_NONE
        ),
        NOT_YET,
    ),
    "a session is refused after the handshake": (
        lambda each: changed(each, sslsocket_class=RefusesWhoResumes),
        NOT_YET,
    ),
    **named(UNSAFE, swaps_its_context),
}


@pytest.mark.parametrize("name", HARDENED)
def test_hardened_backend(name: str, hold: Hold) -> None:
    function, outcome = HARDENED[name]
    result = checks.hardened_backend(function)
    hold(result, outcome)
    assert ("3d_stolen_session" in result.rule) == ("a thief" in result.found)


def test_right_in_both_versions(never_twice: Callable[[Path], ssl.SSLContext], hold: Hold) -> None:
    result = checks.hardened_backend(never_twice)
    hold(result, RIGHT)
    assert result.seen[1:] == (f"TLS 1.3: {REFUSED}", f"TLS 1.2: {REFUSED}")


# --- The theft


@pytest.fixture
def ca() -> CertificateAuthority:
    return CertificateAuthority.create("Lab CA")


@pytest.fixture
def context(ca: CertificateAuthority) -> ssl.SSLContext:
    return server_context(ca.issue_server(["localhost"]), client_ca=ca.certificate)


@pytest.fixture
def lost(ca: CertificateAuthority, context: ssl.SSLContext, tmp_path: Path) -> Identity:
    """A device that is on the list; the backend's context has it, and checks it."""
    identity = ca.issue_client("trusted-client")
    ca.revoke(identity.certificate)
    pem.write_crl(tmp_path / "ca.crl", ca.crl())
    context.load_verify_locations(cafile=tmp_path / "ca.crl")
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return identity


def test_explain_says_what_a_stolen_session_proves(
    ca: CertificateAuthority, context: ssl.SSLContext
) -> None:
    """And that it does not prove what the device proved, in both versions."""
    device = ca.issue_client("trusted-client")
    with Backend(context, authorize=only_trusted_client) as running:
        thefts = list(steal(running, lambda: strict_device(ca.certificate, device)))
    for theft, version in zip(thefts, ("TLSv1.3", "TLSv1.2"), strict=True):
        assert theft.stolen is not None
        told = explain(theft.stolen)
        assert told.entry == "served_resumed"
        assert told.what == (
            f"The backend answered over {version}, in a resumed session."
            " It takes the device for CN=trusted-client."
        )
        assert "In this one it was shown no certificate and no signature" in told.why
        assert explain(theft.own).entry == "served_mutual"


def test_a_revoked_device_returns(
    ca: CertificateAuthority, context: ssl.SSLContext, lost: Identity
) -> None:
    flags = context.verify_flags
    with (
        Backend(context, authorize=only_trusted_client) as running,
        pytest.raises(Unsafe, match=r"TLS 1\.3: it, and neither certificate nor key, got"),
    ):
        revoked_returns(running, context, lambda: strict_device(ca.certificate, lost), "it")
    assert context.verify_flags == flags


def test_a_rule_that_reads_the_list_keeps_it_out(
    ca: CertificateAuthority, context: ssl.SSLContext, lost: Identity
) -> None:
    asked: list[PeerCertificate] = []

    def not_revoked(certificate: PeerCertificate) -> bool:
        asked.append(certificate)
        return int(str((certificate or {})["serialNumber"]), 16) not in ca.revoked

    with Backend(context, authorize=not_revoked) as running:
        revoked_returns(running, context, lambda: strict_device(ca.certificate, lost), "it")
    assert len(asked) == 4  # in each version the device, and the thief


def test_no_sessions_keep_it_out(
    ca: CertificateAuthority, context: ssl.SSLContext, lost: Identity
) -> None:
    forbid_resumption(context)
    with Backend(context) as running:
        revoked_returns(running, context, lambda: strict_device(ca.certificate, lost), "it")
    served = [each.version for each in running.connections if each.ok]
    assert served == ["TLSv1.3"]
