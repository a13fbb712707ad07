"""What a handshake does not show: whether a certificate is accepted, or why it is not finished."""

import ssl

import pytest

from mtls_lab.diagnosing import diagnose
from mtls_lab.net import Chunk, Relay, serve
from mtls_lab.wire import Direction
from tests.unit.lab import Lab


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
        assert ("They do not show whether the server accepts" in str(told)) is not shown


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
