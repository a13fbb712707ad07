"""From exceptions to comparable failures, and the text of sides and exchanges. No connection."""

import errno
import ssl
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from mtls_lab import Exchange, Failure, Side, Stage
from mtls_lab.wire import Direction, Handshake, Message

EXPIRED_TEXT = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"


def verification_error() -> ssl.SSLCertVerificationError:
    """As OpenSSL raises it, source line and all."""
    error = ssl.SSLCertVerificationError(
        1,
        f"{EXPIRED_TEXT} (_ssl.c:1006)",
    )
    error.reason, error.verify_code = "CERTIFICATE_VERIFY_FAILED", 10
    error.verify_message = "certificate has expired"
    return error


def alert() -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)")
    error.reason = "TLSV1_ALERT_UNKNOWN_CA"
    return error


@pytest.mark.parametrize(
    ("error", "expected", "text"),
    [
        (
            verification_error(),
            Failure(
                "SSLCertVerificationError",
                "CERTIFICATE_VERIFY_FAILED",
                10,
                "certificate has expired",
                EXPIRED_TEXT,
            ),
            "SSLCertVerificationError: certificate has expired (verify code 10)",
        ),
        (
            alert(),
            Failure(
                "SSLError",
                "TLSV1_ALERT_UNKNOWN_CA",
                text="[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca",
            ),
            "SSLError: TLSV1_ALERT_UNKNOWN_CA",
        ),
        (
            ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
            Failure("ConnectionResetError", "ECONNRESET", text="Connection reset by peer"),
            "ConnectionResetError: ECONNRESET",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "client.crt"),
            Failure("FileNotFoundError", "ENOENT", text="No such file or directory"),
            "FileNotFoundError: ENOENT",
        ),
        (OSError(-7, "odd"), Failure("OSError", "-7", text="odd"), "OSError: -7"),
        (
            TimeoutError("timed out"),
            Failure("TimeoutError", "TIMED_OUT", text="timed out"),
            "TimeoutError: TIMED_OUT",
        ),
        (
            TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
            Failure("TimeoutError", "TIMED_OUT", text="Connection timed out"),
            "TimeoutError: TIMED_OUT",
        ),
        (EOFError("it ended"), Failure("EOFError", text="it ended"), "EOFError: it ended"),
        (ValueError("no name"), Failure("ValueError", text="no name"), "ValueError: no name"),
        (KeyError("subject"), Failure("KeyError", text="'subject'"), "KeyError: 'subject'"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_failure(error: BaseException, expected: Failure, text: str) -> None:
    assert Failure.of(error) == expected
    assert str(Failure.of(error)) == text


REFUSED = Failure("ConnectionRefusedError", "ECONNREFUSED")
EXPIRED = Failure(
    "SSLCertVerificationError", "CERTIFICATE_VERIFY_FAILED", 10, "certificate has expired"
)
UNKNOWN_CA = Failure("SSLError", "TLSV1_ALERT_UNKNOWN_CA")


@pytest.mark.parametrize(
    ("side", "text"),
    [
        (
            Side("device", Stage.SETUP, Failure("SSLError", "KEY_VALUES_MISMATCH")),
            "device   setup ✗ SSLError: KEY_VALUES_MISMATCH",
        ),
        (
            Side("device", Stage.CONNECT, REFUSED),
            "device   connect ✗ ConnectionRefusedError: ECONNREFUSED",
        ),
        (Side("backend", Stage.CONNECT), "backend  connect ✓"),
        (
            Side("backend", Stage.HANDSHAKE, EXPIRED),
            (
                "backend  connect ✓  handshake ✗ "
                "SSLCertVerificationError: certificate has expired (verify code 10)"
            ),
        ),
        (
            Side("device", Stage.FIRST_READ, UNKNOWN_CA, "TLSv1.3", "CN=localhost"),
            (
                "device   connect ✓  handshake ✓ TLSv1.3 with CN=localhost  "
                "first read ✗ SSLError: TLSV1_ALERT_UNKNOWN_CA"
            ),
        ),
        (
            Side("backend", Stage.APPLICATION, None, "TLSv1.2", None, ("PING", "HELP")),
            "backend  connect ✓  handshake ✓ TLSv1.2  received ✓ PING, HELP",
        ),
    ],
    ids=lambda value: value.stage.value if isinstance(value, Side) else "",
)
def test_text_of_a_side(side: Side, text: str) -> None:
    assert str(side) == text


GOOD = Exchange(
    "PING",
    Side("device", Stage.APPLICATION, received=("PONG",)),
    Side("backend", Stage.APPLICATION, received=("PING",)),
)


def test_text_of_an_exchange() -> None:
    assert str(GOOD) == ("device   connect ✓  received ✓ PONG\nbackend  connect ✓  received ✓ PING")
    alone = replace(GOOD, device=Side("device", Stage.CONNECT, REFUSED), backend=None)
    assert str(alone).splitlines()[1] == "backend  saw no connection"


@pytest.mark.parametrize(
    ("exchange", "reply", "ok"),
    [
        (GOOD, "PONG", True),
        (replace(GOOD, backend=None), "PONG", True),
        (replace(GOOD, device=Side("device", Stage.APPLICATION)), None, False),
        (replace(GOOD, device=replace(GOOD.device, received=("ERROR no",))), "ERROR no", False),
        (replace(GOOD, device=replace(GOOD.device, failure=REFUSED)), "PONG", False),
        (replace(GOOD, backend=Side("backend", Stage.HANDSHAKE, EXPIRED)), "PONG", False),
    ],
    ids=[
        "served",
        "backend elsewhere",
        "no reply",
        "error reply",
        "device failed",
        "backend failed",
    ],
)
def test_an_exchange_is_ok_only_if_it_was_served(
    exchange: Exchange, reply: str | None, *, ok: bool
) -> None:
    assert (exchange.reply, exchange.ok) == (reply, ok)


@pytest.mark.parametrize("value", [EXPIRED, GOOD.device, GOOD], ids=lambda v: type(v).__name__)
def test_values_are_frozen(value: Failure | Side | Exchange) -> None:
    for field in fields(value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, "changed")


def test_two_runs_compare_equal_whatever_was_noted() -> None:
    hello = Message("ClientHello", Direction.TO_BACKEND, 512, encrypted=False)
    noted = replace(GOOD.device, messages=(hello,))
    assert noted == GOOD.device
    assert "ClientHello" not in repr(noted)
    exchange = replace(GOOD, device=noted)
    assert exchange == GOOD
    assert exchange.handshake == Handshake((hello,))


def test_an_ssl_error_without_a_reason() -> None:
    with pytest.raises(ssl.SSLError) as caught:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers("NONSENSE")
    failure = Failure.of(caught.value)
    assert (failure.error, failure.reason) == ("SSLError", "")
    assert failure.text == "No cipher can be selected."
