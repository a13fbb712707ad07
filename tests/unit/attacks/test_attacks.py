"""The attacks against the three protections, in both TLS versions, with their evidence."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from mtls_lab.attacks import (
    ATTACKS,
    Protection,
    attack_table,
    eavesdrop,
    lab_protections,
    steal_session,
    tamper,
)
from mtls_lab.common import ProtectionBroken
from mtls_lab.net import client_context, only_trusted_client, server_context
from tests.unit.lab import Lab

ROWS = [
    *("Eavesdrop", "Tamper", "Impersonate the backend"),
    *("Clone the device", "Steal the key file", "Steal the session"),
]
#: Which attacks succeed: everything the tutorial is about.
SUCCEED = {
    "Plain TCP": set(ROWS),
    "TLS": {"Clone the device", "Steal the key file", "Steal the session"},
    "Mutual TLS": {"Steal the key file", "Steal the session"},
}


def protections(lab: Lab, version: ssl.TLSVersion) -> list[Protection]:
    device = lab.store.files("valid")
    assert device is not None
    ca = lab.ca_file
    return [
        Protection("Plain TCP"),
        Protection("TLS", lab.tls(), client_context(ca, version=version), None, ca),
        Protection(
            "Mutual TLS",
            lab.mtls(),
            client_context(ca, *device, version=version),
            only_trusted_client,
            ca,
            *device,
        ),
    ]


def test_the_table(lab: Lab, version: ssl.TLSVersion) -> None:
    table = attack_table(protections(lab, version))
    assert list(table.rows) == ROWS
    assert table.columns == list(SUCCEED)
    for attack, row in table.rows.items():
        for protection, verdict in row.items():
            assert verdict.succeeded is (attack in SUCCEED[protection]), str(verdict)


EVIDENCE = {
    ("Eavesdrop", "Plain TCP"): ['Eve recorded the exchange and found "open sesame" in it.'],
    ("Eavesdrop", "Mutual TLS"): [
        'Eve recorded the exchange and did not find "open sesame" in it.',
        "She did read the server name: localhost.",
    ],
    ("Tamper", "Plain TCP"): [
        'The backend sent "open sesame".',
        'The device received "the cave is empty".',
    ],
    ("Tamper", "Mutual TLS"): [
        'The backend sent "open sesame".',
        "The device refused what arrived: SSLError: RECORD_LAYER_FAILURE.",
        "The backend was told: SSLError: SSLV3_ALERT_BAD_RECORD_MAC.",
    ],
    ("Impersonate the backend", "Plain TCP"): [
        'The device asked Mallory, and believed her: "the cave is empty".'
    ],
    ("Impersonate the backend", "Mutual TLS"): [
        "The device hung up on Mallory: SSLCertVerificationError: "
        "unable to get local issuer certificate (verify code 20)."
    ],
    ("Clone the device", "Plain TCP"): [
        'A copy of the software asked from elsewhere and got "open sesame".'
    ],
    ("Clone the device", "Mutual TLS"): [
        "A copy of the software, without a certificate, was refused by the backend: "
        "SSLError: PEER_DID_NOT_RETURN_A_CERTIFICATE.",
        "A copy with a self-made certificate for CN=trusted-client was refused by the backend: "
        "SSLCertVerificationError: self-signed certificate (verify code 18).",
    ],
    ("Steal the key file", "Plain TCP"): [
        'A copy of the device\'s files asked from elsewhere and got "open sesame".'
    ],
    ("Steal the key file", "Mutual TLS"): [
        "A copy of the device's files, valid.key among them, asked from elsewhere "
        'and got "open sesame".'
    ],
    ("Steal the session", "Plain TCP"): [
        'A thief without a certificate asked from elsewhere and got "open sesame".',
        "No session was needed.",
    ],
    ("Steal the session", "Mutual TLS"): [
        "A thief without a certificate was refused by the backend: "
        "SSLError: PEER_DID_NOT_RETURN_A_CERTIFICATE.",
        'The same thief, with the device\'s session, asked from elsewhere and got "open sesame".',
        "The backend took it for CN=trusted-client.",
        "No Certificate and no CertificateVerify crossed the wire.",
    ],
}


def test_the_evidence_is_the_same_on_every_run(lab: Lab, version: ssl.TLSVersion) -> None:
    """No port, no path, no date: what is said is what is committed in the notebooks."""
    table = attack_table(protections(lab, version))
    said = {(v.attack, v.protection): list(v.evidence) for v in table.results}
    assert {cell: said[cell] for cell in EVIDENCE} == EVIDENCE


def test_text_of_a_verdict() -> None:
    assert str(tamper(Protection("Plain TCP"))) == (
        "Tamper against Plain TCP: ✗ succeeds\n"
        '  The backend sent "open sesame".\n'
        '  The device received "the cave is empty".'
    )


def test_a_protection_under_which_nothing_works_proves_nothing(lab: Lab) -> None:
    """A device that is refused would make every attack look stopped."""
    broken = Protection("Broken", lab.mtls(), lab.device("none", ssl.TLSVersion.TLSv1_3))
    ran = []

    def attack(protection: Protection) -> object:
        ran.append(protection)
        return eavesdrop(protection)

    with pytest.raises(ProtectionBroken) as caught:
        attack_table([Protection("Plain TCP"), broken], [attack])  # type: ignore[list-item]
    assert ran == []
    assert caught.value.found == (
        "under 'Broken' the device itself is not served:\n"
        "device   connect ✓  handshake ✓ TLSv1.3 with CN=localhost  "
        "first read ✗ SSLError: TLSV13_ALERT_CERTIFICATE_REQUIRED\n"
        "backend  connect ✓  handshake ✗ SSLError: PEER_DID_NOT_RETURN_A_CERTIFICATE"
    )


def test_a_careless_device_makes_the_attacks_succeed(lab: Lab, version: ssl.TLSVersion) -> None:
    """What `CERT_NONE` costs: the impostor is believed again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    row = attack_table([Protection("CERT_NONE", lab.tls(), context)]).rows
    assert row["Impersonate the backend"]["CERT_NONE"].succeeded
    assert not row["Eavesdrop"]["CERT_NONE"].succeeded


def test_the_substring_pitfall(lab: Lab, tmp_path: Path) -> None:
    """A rule that looks for a name inside a name serves another device: a proof by attack."""
    other = lab.ca.issue_client("not-trusted-client").save(tmp_path, "other")
    context = client_context(lab.ca_file, *other)
    server = server_context(*lab.server_files, client_ca=lab.ca_file)
    Protection("sloppy", server, context, lambda c: "trusted-client" in str(c)).check()
    with pytest.raises(ProtectionBroken, match="NOT_AUTHORIZED"):
        Protection("exact", server, context, only_trusted_client).check()


def without_tickets(lab: Lab, version: ssl.TLSVersion) -> Protection:
    """Half of what it takes: no tickets, and TLS 1.2 still admitted."""
    *_, mutual = protections(lab, version)
    context = server_context(*lab.server_files, client_ca=lab.ca_file)
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    return replace(mutual, name="No tickets", server_context=context)


def test_no_tickets_keep_a_session_from_being_stolen_in_tls_1_3_only(
    lab: Lab, version: ssl.TLSVersion
) -> None:
    verdict = steal_session(without_tickets(lab, version))
    assert verdict.succeeded is (version is ssl.TLSVersion.TLSv1_2)


def test_without_sessions_there_is_nothing_to_steal(tmp_path: Path) -> None:
    """And nothing else is lost by it: every other row is as before."""
    *_, mutual, hardened = lab_protections(tmp_path)
    assert str(steal_session(hardened)) == (
        "Steal the session against Mutual TLS, no sessions: ✓ stopped\n"
        "  A thief without a certificate was refused by the backend: "
        "SSLError: PEER_DID_NOT_RETURN_A_CERTIFICATE.\n"
        "  The device had no session: the backend gives none to resume."
    )
    rows = attack_table([mutual, hardened]).rows
    differ = [row for row, (a, b) in ((r, c.values()) for r, c in rows.items()) if a.word != b.word]
    assert differ == ["Steal the session"]


def test_every_attack_is_in_the_table() -> None:
    verdicts = [attack(Protection("Plain TCP")) for attack in ATTACKS.values()]
    assert [verdict.attack for verdict in verdicts] == ROWS
    assert {verdict.word for verdict in verdicts} == {"✗ succeeds"}
