"""Where each side believes that it is connected: the ladder's flags against what the sides did."""

import ssl
from collections.abc import Callable

import pytest

from mtls_lab import Exchange, Relay, ask, cut, flip_bit, watch
from mtls_lab.experiments import catalogue
from mtls_lab.net import Backend, Tamper
from mtls_lab.wire import Direction, Handshake, Message, Stage
from mtls_lab.wire.ladder import Flag, caption, draw, flags
from mtls_lab.wire.names import CLOSURE_ALERTS
from tests.unit.lab import Lab

UP, DOWN = Direction.TO_BACKEND, Direction.TO_DEVICE
#: The stages of a side whose `do_handshake` has returned.
CONNECTED = {Stage.FIRST_READ, Stage.APPLICATION}
#: Its key does not fit, so its context cannot be made and nothing is sent.
CREDENTIALS = [name for name in catalogue() if name != "wrong_key"]


def connected(exchange: Exchange) -> set[str]:
    """The sides whose handshake was done, as Python saw it."""
    sides = (exchange.device, exchange.backend)
    return {side.who for side in sides if side and side.stage in CONNECTED}


def holds(exchange: Exchange) -> bool:
    """Whether the flags say what the sides did, and who was mistaken."""
    raised, done = flags(exchange.handshake), connected(exchange)
    return (
        len(raised) == len(done)
        and {flag.side for flag in raised} == done
        and all(flag.mistaken is (len(done) == 1) for flag in raised)
    )


def watched(lab: Lab, credential: str, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = lab.device(credential, version)
    watch(context)
    return context


@pytest.fixture
def backend_context(lab: Lab) -> ssl.SSLContext:
    context = lab.mtls()
    watch(context)
    return context


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_every_credential(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion, credential: str
) -> None:
    with Backend(backend_context) as backend:
        exchange = ask("PING", backend, context=watched(lab, credential, version))
    assert holds(exchange), f"{exchange}\n{exchange.handshake}"
    accepted = exchange.backend is not None and exchange.backend.stage in CONNECTED
    assert ("backend" in {flag.side for flag in flags(exchange.handshake)}) is accepted


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_every_credential_with_a_session_from_before(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion, credential: str
) -> None:
    """Who resumes shows no certificate, whatever it is."""
    device = watched(lab, credential, version)
    with Backend(backend_context) as backend:
        first = ask("PING", backend, context=watched(lab, "valid", version))
        exchange = ask("PING", backend, context=device, session=first.session)
    assert exchange.handshake.resumed
    assert connected(exchange) == {"device", "backend"}
    assert holds(exchange), f"{exchange}\n{exchange.handshake}"
    # RFC 5246, section 7.3, figure 2: when TLS 1.2 resumes, the server finishes first.
    assert [flag.side for flag in flags(exchange.handshake)] == ["device", "backend"]


def test_who_finishes_first(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    with Backend(backend_context) as backend:
        seen = ask("PING", backend, context=watched(lab, "valid", version)).handshake
    order = ["device", "backend"] if version is ssl.TLSVersion.TLSv1_3 else ["backend", "device"]
    assert [flag.side for flag in flags(seen)] == order
    last = [m.name for m in seen.messages[: flags(seen)[0].after + 1]]
    assert last[-1] == "Finished"
    assert f"The {order[0]} is connected once it has sent its Finished" in caption(seen)


def test_a_refused_device_believes_that_it_is_connected(
    lab: Lab, backend_context: ssl.SSLContext
) -> None:
    """TLS 1.3: its flag goes up after its own Finished, before the alert."""
    device = watched(lab, "untrusted", ssl.TLSVersion.TLSv1_3)
    with Backend(backend_context) as backend:
        seen = ask("PING", backend, context=device).handshake
    (flag,) = flags(seen)
    assert (flag.side, flag.mistaken) == ("device", True)
    assert [m.name for m in seen.messages[flag.after :]] == ["Finished", "Alert unknown_ca"]
    assert "The backend never was." in caption(seen)


TAMPERS: dict[str, Callable[[int, Direction], Tamper]] = {
    "cut": cut,
    "first bit": lambda index, way: flip_bit(index, way, -1),
    "last bit": lambda index, way: flip_bit(index, way, 0),
    "in the middle": lambda index, way: flip_bit(index, way, 200),
}


@pytest.mark.parametrize("way", Direction, ids=["to the backend", "to the device"])
@pytest.mark.parametrize("tamper", TAMPERS)
def test_garbled_and_cut(
    lab: Lab, backend_context: ssl.SSLContext, version: ssl.TLSVersion, tamper: str, way: Direction
) -> None:
    """Whatever Mallory does to whichever record, no flag tells more or less than happened."""
    device = watched(lab, "valid", version)
    for index in range(10):
        deed = TAMPERS[tamper](index, way)
        with (
            Backend(backend_context, handshake_timeout=1, idle_timeout=1) as backend,
            Relay(backend, tamper=deed) as relay,
        ):
            exchange = ask("PING", relay, context=device, timeout=1)
        assert holds(exchange), f"record {index}\n{exchange}\n{exchange.handshake}"


@pytest.mark.parametrize("credential", ["valid", "none", "untrusted"])
@pytest.mark.parametrize("side", ["device", "backend"])
def test_one_end_alone_claims_nothing_that_it_cannot_know(
    lab: Lab, version: ssl.TLSVersion, credential: str, side: str
) -> None:
    contexts = {"device": lab.device(credential, version), "backend": lab.mtls()}
    watch(contexts[side])
    with Backend(contexts["backend"]) as backend:
        exchange = ask("PING", backend, context=contexts["device"])
    raised = {flag.side for flag in flags(exchange.handshake)}
    assert raised <= connected(exchange), f"{exchange}\n{exchange.handshake}"
    if exchange.ok and version is ssl.TLSVersion.TLSv1_3:
        assert raised == {"device", "backend"}  # the tickets prove it


def test_a_finished_that_does_not_fit() -> None:
    """Mallory has made the two see different messages: one says so when it reads the Finished."""
    messages = (
        Message("Finished", UP, 16, encrypted=True),
        Message("Finished", DOWN, 16, encrypted=True),
        Message("Alert decrypt_error", UP, 2, encrypted=True),
    )
    assert flags(Handshake(messages)) == (Flag("backend", 1, mistaken=True),)


@pytest.mark.parametrize("alert", sorted(CLOSURE_ALERTS))
def test_an_alert_that_is_no_error_refuses_nobody(alert: str) -> None:
    """Nor does it prove that its sender has found the Finished good."""
    messages = (
        Message("Finished", UP, 36, encrypted=True),
        Message("Finished", DOWN, 36, encrypted=True),
        Message(f"Alert {alert}", UP, 2, encrypted=True),
    )
    assert flags(Handshake(messages)) == (Flag("backend", 1), Flag("device", 1))
    assert flags(Handshake(messages, both_ends=False)) == (Flag("backend", 1),)
    assert "⚠" not in draw(Handshake(messages))


def test_nothing_to_raise() -> None:
    assert flags(Handshake()) == ()
    finished = Message("Finished", DOWN, 36, encrypted=True)
    assert flags(Handshake((finished,))) == ()
    unread = Message("Finished", DOWN, 36, encrypted=True, arrived=False)
    assert flags(Handshake((unread, Message("Finished", UP, 36, encrypted=True)))) == ()
