"""Traces of real handshakes, message by message, from both ends and from the wire."""

import ssl
import threading
from collections.abc import Sequence

import pytest

from mtls_lab import Exchange, Relay, ask, serve, watch
from mtls_lab.wire import Direction, Handshake, Message, from_wire
from mtls_lab.wire.handshake import join, message_of, read_notes
from tests.unit.lab import LONG, Lab, shake_hands, spelled

UP, DOWN = Direction.TO_BACKEND, Direction.TO_DEVICE


def trace(lab: Lab, credential: str, version: ssl.TLSVersion) -> Exchange:
    device, backend_context = lab.device(credential, version), lab.mtls()
    watch(device, backend_context)
    with serve(backend_context) as backend:
        return ask("GET_SECRET", backend, context=device)


def alerts_in(handshake: Handshake) -> list[Message]:
    """The alerts that ended the connection; none if it ended well."""
    return [m for m in handshake.messages if m.alert not in (None, "close_notify")]


def written(messages: Sequence[Message]) -> list[str]:
    """Direction and name; in braces what is encrypted, `!` where it never arrived."""
    return [
        f"{m.direction.value} "
        + (f"{{{m.name}}}" if m.encrypted else m.name)
        + "(empty)" * m.empty
        + "!" * (not m.arrived)
        for m in messages
        if m.alert != "close_notify"
    ]


# RFC 8446, figure 1; the server's part is the same whatever the client presents.
FLIGHT_1_3 = [
    "→ ClientHello",
    "← ServerHello",
    "← {EncryptedExtensions}",
    "← {CertificateRequest}",
    "← {Certificate}",
    "← {CertificateVerify}",
    "← {Finished}",
]
# RFC 5246, figure 1.
FLIGHT_1_2 = [
    "→ ClientHello",
    "← ServerHello",
    "← Certificate",
    "← ServerKeyExchange",
    "← CertificateRequest",
    "← ServerHelloDone",
]
TRACES = {
    ("valid", "TLSv1.3"): [
        *FLIGHT_1_3,
        "→ {Certificate}",
        "→ {CertificateVerify}",
        "→ {Finished}",
        "← {NewSessionTicket}",
        "← {NewSessionTicket}",
    ],
    ("none", "TLSv1.3"): [
        *FLIGHT_1_3,
        "→ {Certificate}(empty)",
        "→ {Finished}!",
        "← {Alert certificate_required}",
    ],
    ("untrusted", "TLSv1.3"): [
        *FLIGHT_1_3,
        "→ {Certificate}",
        "→ {CertificateVerify}!",
        "→ {Finished}!",
        "← {Alert unknown_ca}",
    ],
    ("valid", "TLSv1.2"): [
        *FLIGHT_1_2,
        "→ Certificate",
        "→ ClientKeyExchange",
        "→ CertificateVerify",
        "→ ChangeCipherSpec",
        "→ {Finished}",
        "← NewSessionTicket",
        "← ChangeCipherSpec",
        "← {Finished}",
    ],
    ("none", "TLSv1.2"): [
        *FLIGHT_1_2,
        "→ Certificate(empty)",
        "→ ClientKeyExchange!",
        "→ ChangeCipherSpec!",
        "→ {Finished}!",
        "← Alert handshake_failure",
    ],
    ("untrusted", "TLSv1.2"): [
        *FLIGHT_1_2,
        "→ Certificate",
        "→ ClientKeyExchange!",
        "→ CertificateVerify!",
        "→ ChangeCipherSpec!",
        "→ {Finished}!",
        "← Alert unknown_ca",
    ],
}


@pytest.mark.parametrize("credential", ["valid", "none", "untrusted"])
def test_messages(lab: Lab, version: ssl.TLSVersion, credential: str) -> None:
    seen = trace(lab, credential, version).handshake
    assert written(seen.messages) == TRACES[credential, spelled(version)]
    assert all(message.size > 0 for message in seen.messages)


@pytest.mark.parametrize("credential", ["valid", "none", "untrusted"])
def test_ten_times_the_same(lab: Lab, version: ssl.TLSVersion, credential: str) -> None:
    """The sizes of signatures vary by a byte or two; all else is equal."""
    assert len({str(trace(lab, credential, version).handshake) for _ in range(10)}) == 1


def test_alerts(lab: Lab, version: ssl.TLSVersion) -> None:
    assert alerts_in(trace(lab, "valid", version).handshake) == []
    (alert,) = alerts_in(trace(lab, "expired", version).handshake)
    assert (alert.alert, alert.direction) == ("certificate_expired", DOWN)
    assert alert.encrypted is (version is ssl.TLSVersion.TLSv1_3)


def test_a_device_that_refuses_says_so(lab: Lab, version: ssl.TLSVersion) -> None:
    device, backend_context = lab.device("none", version), lab.tls()
    watch(device, backend_context)
    with serve(backend_context) as backend:
        seen = ask("PING", backend, context=device, server_hostname="example.com").handshake
    (alert,) = alerts_in(seen)
    assert (alert.alert, alert.direction, alert.arrived) == ("bad_certificate", UP, True)


def test_text() -> None:
    messages = (
        Message("Certificate", UP, 7, encrypted=True, arrived=False, empty=True),
        Message("Alert unknown_ca", DOWN, 2, encrypted=False),
    )
    assert str(Handshake(messages)).splitlines() == [
        "  device ··· backend    {…} is encrypted",
        "  → {Certificate} (empty) (never read)",
        "  ← Alert unknown_ca",
    ]


# --- What is watched


def test_nothing_is_noted_unasked(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.mtls()) as backend:
        seen = ask("PING", backend, context=lab.device("valid", version)).handshake
    assert seen == Handshake()
    assert str(seen) == "  nothing noted: call watch(context) on both contexts, then ask again"


def test_plain_tcp_has_no_handshake() -> None:
    with serve() as backend:
        assert ask("PING", backend).handshake.messages == ()


@pytest.mark.parametrize("side", ["device", "backend"])
def test_one_end_alone(lab: Lab, version: ssl.TLSVersion, side: str) -> None:
    contexts = {"device": lab.device("valid", version), "backend": lab.mtls()}
    watch(contexts[side])
    with serve(contexts["backend"]) as backend:
        seen = ask("PING", backend, context=contexts["device"]).handshake
    assert sorted(written(seen.messages)) == sorted(TRACES["valid", spelled(version)])


def test_a_callback_that_is_there_stays(lab: Lab) -> None:
    heard: list[object] = []

    def callback(*details: object) -> None:
        heard.append(details)

    context = lab.device()
    context._msg_callback = callback  # type: ignore[attr-defined]
    watch(context)
    assert context._msg_callback is callback  # type: ignore[attr-defined]
    with serve(lab.mtls()) as backend:
        assert ask("PING", backend, context=context).ok
    assert heard


def test_watching_twice_notes_once(lab: Lab, version: ssl.TLSVersion) -> None:
    device, backend_context = lab.device("valid", version), lab.mtls()
    watch(device)
    watch(device, backend_context)
    with serve(backend_context) as backend:
        seen = ask("PING", backend, context=device).handshake
    assert written(seen.messages) == TRACES["valid", spelled(version)]


def test_each_connection_has_notes_of_its_own(lab: Lab, version: ssl.TLSVersion) -> None:
    """Twenty devices share one context, half of them at a time with another outcome."""
    contexts = {name: lab.device(name, version) for name in ("valid", "none")}
    backend_context = lab.mtls()
    watch(backend_context, *contexts.values())
    seen: list[tuple[str, list[str]]] = []

    def device(name: str) -> None:
        messages = ask("PING", backend, context=contexts[name]).handshake.messages
        seen.append((name, written(messages)))

    threads = [threading.Thread(target=device, args=(name,)) for name in list(contexts) * 10]
    with serve(backend_context) as backend:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
    assert len(seen) == 20
    assert all(messages == TRACES[name, spelled(version)] for name, messages in seen)


# --- Without OpenSSL's reports


def overheard(lab: Lab, credential: str, version: ssl.TLSVersion) -> Handshake:
    """What Eve can name of a connection, who has no key."""
    with serve(lab.mtls()) as backend, Relay(backend) as eve:
        ask("GET_SECRET", eve, context=lab.device(credential, version))
    return from_wire((chunk.direction, chunk.heard) for chunk in eve.chunks)


def test_the_wire_says_less(lab: Lab, version: ssl.TLSVersion) -> None:
    seen = overheard(lab, "valid", version)
    clear = [message.name for message in seen.messages if not message.encrypted]
    hidden = {message.name for message in seen.messages if message.encrypted}
    assert hidden == {"record"}
    if version is ssl.TLSVersion.TLSv1_3:
        assert clear == ["ClientHello", "ServerHello", "ChangeCipherSpec", "ChangeCipherSpec"]
    else:
        full = [entry[2:] for entry in TRACES["valid", "TLSv1.2"] if "{" not in entry]
        assert clear == full


def test_the_wire_shows_an_alert_of_1_2_only(lab: Lab, version: ssl.TLSVersion) -> None:
    alerts = {"TLSv1.3": [], "TLSv1.2": ["handshake_failure"]}[spelled(version)]
    assert [alert.alert for alert in alerts_in(overheard(lab, "none", version))] == alerts


def test_from_wire_does_not_care_about_the_pieces(lab: Lab, version: ssl.TLSVersion) -> None:
    wire = shake_hands(lab.device("valid", version), lab.mtls())
    for direction, data in wire.items():
        whole = from_wire([(direction, data)])
        bytewise = from_wire((direction, bytes([byte])) for byte in data)
        assert whole == bytewise
        assert {message.direction for message in whole.messages} == {direction}


# --- Joining two ends


def message(name: str, direction: Direction) -> Message:
    return Message(name, direction, 4, encrypted=False)


HELLO, REPLY = message("ClientHello", UP), message("ServerHello", DOWN)


@pytest.mark.parametrize(
    ("device", "backend", "expected"),
    [
        ([], [], []),
        ([HELLO], [], ["→ ClientHello"]),
        ([], [HELLO, REPLY], ["→ ClientHello", "← ServerHello"]),
        ([HELLO], [HELLO, REPLY], ["→ ClientHello", "← ServerHello!"]),
        ([HELLO, REPLY], [HELLO, REPLY], ["→ ClientHello", "← ServerHello"]),
        ([HELLO, HELLO], [HELLO], ["→ ClientHello", "→ ClientHello!"]),
    ],
    ids=["nothing", "device", "backend", "lost on the way", "both", "one of two"],
)
def test_join(device: list[Message], backend: list[Message], expected: list[str]) -> None:
    joined = join(device, backend)
    assert written(joined.messages) == expected


@pytest.mark.parametrize("content_type", [20, 21, 22, 256, 257])
@pytest.mark.parametrize("data", [b"", b"\x02"])
def test_a_record_that_holds_nothing_is_no_message(content_type: int, data: bytes) -> None:
    found = read_notes((("read", 0x0303, content_type, data),), client=True)
    names = ["ServerHello"] if content_type == 22 and data else []
    assert [message.name for message in found] == names


@pytest.mark.parametrize("context", [b"", b"\x07" * 32])
def test_an_empty_certificate_is_one_also_with_a_context(context: bytes) -> None:
    """Who is asked after the handshake repeats the context of the request (RFC 8446, 4.4.2)."""
    for entries, empty in ((b"", True), (b"\0\0\2\x30\0\0\0", False)):
        body = bytes([len(context)]) + context + len(entries).to_bytes(3, "big") + entries
        data = b"\x0b" + len(body).to_bytes(3, "big") + body
        message = message_of("Certificate", Direction.TO_BACKEND, data, b"", encrypted=True)
        assert message.empty is empty
