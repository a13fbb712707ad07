"""A thief with a session of a device, in both TLS versions, and before and after it is revoked.

Here: the theft. Not here: the checks that let the thief try (test_part3*.py, ../kata).
"""

import ssl
from pathlib import Path

import pytest

from mtls_lab import explain
from mtls_lab.exercises import Unsafe
from mtls_lab.exercises.peers import server_context, strict_device
from mtls_lab.exercises.thief import revoked_returns, steal
from mtls_lab.net import Backend, PeerCertificate, forbid_resumption, only_trusted_client
from mtls_lab.pki import CertificateAuthority, Identity, pem


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
