"""One name for what releases call differently: real damage, and every name that a release has."""

import ssl
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mtls_lab import Failure, Relay, Stage, ask, serve
from mtls_lab.attacks import reply_index
from mtls_lab.net import Chunk
from mtls_lab.wire import Direction
from mtls_lab.wire.names import alert_of, normal, reason_of, registry, verify_message_of
from tests.unit.lab import Lab

DATA = tomllib.loads(Path("data/reasons.toml").read_text("utf-8"))

#: What Mallory makes of the record with the reply, and the alerts with which the device may answer.
DAMAGE: dict[str, tuple[Callable[[bytes], bytes], set[str]]] = {
    "the last byte": (lambda record: record[:-1] + bytes([record[-1] ^ 1]), {"bad_record_mac"}),
    "a byte less": (
        lambda record: record[:3] + (len(record) - 6).to_bytes(2, "big") + record[5:-1],
        {"bad_record_mac"},
    ),
    "a type that does not exist": (
        lambda record: b"\x63" + record[1:],
        {"unexpected_message", "bad_record_mac"},
    ),
    "another version": (
        lambda record: record[:1] + b"\x07" + record[2:],
        {"protocol_version", "decode_error"},
    ),
    "too long": (lambda record: record[:3] + b"\xff\xff" + bytes(65_535), {"record_overflow"}),
    "plain text": (
        lambda _: b"the cave is empty\n",
        {"protocol_version", "unexpected_message", "decode_error"},
    ),
    "plain HTTP": (
        lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        {"protocol_version", "unexpected_message", "decode_error"},
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record(lab: Lab, version: ssl.TLSVersion, damage: str) -> None:
    """Whatever is wrong with it, and whichever release reads it: one reason."""
    change, alerts = DAMAGE[damage]
    with serve(lab.mtls()) as backend, Relay(backend) as mallory:
        context = lab.device("valid", version)
        assert ask("GET_SECRET", mallory, context=context).ok
        reply = (Direction.TO_DEVICE, reply_index(mallory))

        def tamper(chunk: Chunk) -> bytes:
            return change(chunk.heard) if (chunk.direction, chunk.index) == reply else chunk.heard

        mallory.tamper = tamper
        seen = ask("GET_SECRET", mallory, context=context)
    assert seen.device.failure is not None
    assert (seen.device.stage, seen.device.failure.error, seen.device.failure.reason) == (
        Stage.FIRST_READ,
        "SSLError",
        "RECORD_LAYER_FAILURE",
    )
    assert seen.backend is not None
    assert seen.backend.failure is not None
    assert alert_of(seen.backend.failure.reason) in alerts


@pytest.mark.parametrize("reason", DATA["records"]["reasons"])
def test_every_name_of_a_record_that_could_not_be_read(reason: str) -> None:
    assert normal(reason) == "RECORD_LAYER_FAILURE"


@pytest.mark.parametrize("reason", DATA["records"]["after_handshake"])
def test_it_depends_on_the_stage(reason: str) -> None:
    """In the first bytes it is another protocol; later it is a record that cannot be read."""
    error = ssl.SSLError(1, f"[SSL: {reason}] words (_ssl.c:1)")
    error.reason = reason
    assert Failure.of(error).reason == reason
    assert Failure.of(error, Stage.HANDSHAKE).reason == reason
    assert Failure.of(error, Stage.FIRST_READ).reason == "RECORD_LAYER_FAILURE"


@pytest.mark.parametrize("alert", registry("alerts").values())
@pytest.mark.parametrize("spelling", ["ssl/tls alert", "tls alert", "sslv3 alert"])
def test_an_alert_in_every_spelling(alert: str, spelling: str) -> None:
    """From the words alone, as where Python's table has no name for the reason."""
    words = f"[SSL] {spelling} {alert.replace('_', ' ')} (_ssl.c:2580)"
    assert alert_of(reason_of(ssl.SSLError(1, words))) == alert


def test_the_alerts_are_those_of_the_protocol() -> None:
    """But for two that RFC 8446 no longer has: a TLS 1.2 peer may still send them."""
    assert set(DATA["alerts"]) - set(registry("alerts").values()) == {
        "inappropriate_fallback",
        "no_renegotiation",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[SSL] record layer failure (_ssl.c:2580)", "RECORD_LAYER_FAILURE"),
        ("[SSL] unsafe legacy renegotiation disabled", "UNSAFE_LEGACY_RENEGOTIATION_DISABLED"),
        ("[SSL] PEM lib (_ssl.c:3874)", ""),
        ("[X509] PEM lib (_ssl.c:4149)", ""),
        ("[SSL] ASN1 lib (_ssl.c:1006)", ""),
        ("The handshake operation timed out", ""),
        ("", ""),
    ],
)
def test_a_reason_without_a_name(text: str, reason: str) -> None:
    assert reason_of(ssl.SSLError(1, text)) == reason


def test_an_error_without_arguments() -> None:
    assert reason_of(ssl.SSLError()) == ""


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (
            9,
            "certificate is not yet valid or the system clock is incorrect",
            "certificate is not yet valid",
        ),
        (
            19,
            "self signed certificate in certificate chain",
            "self-signed certificate in certificate chain",
        ),
        (62, "Hostname mismatch, certificate is not valid for 'a'.", None),
        (10, "certificate has expired", None),
    ],
)
def test_verify_codes(code: int, words: str, expected: str | None) -> None:
    assert verify_message_of(code, words) == (expected or words)
