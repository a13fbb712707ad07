"""How a resumed handshake looks in the cards of both sides and in the ladder."""

from mtls_lab.panels.ladder import draw
from mtls_lab.panels.sides import both_sides
from mtls_lab.wire import Direction, Handshake, Message, Side, Stage


def test_a_card_says_that_no_certificate_was_shown() -> None:
    full = Side("backend", Stage.APPLICATION, version="TLSv1.3", peer="CN=trusted-client")
    resumed = Side(
        "backend", Stage.APPLICATION, version="TLSv1.3", peer="CN=trusted-client", reused=True
    )
    words = "✓ TLSv1.3 resumed with CN=trusted-client: no certificate was shown"
    assert words in both_sides(("backend", resumed))
    assert "resumed" not in both_sides(("backend", full))


def test_the_ladder_is_named() -> None:
    finished = Message("Finished", Direction.TO_DEVICE, 36, encrypted=True)
    certificate = Message("Certificate", Direction.TO_DEVICE, 400, encrypted=True)
    assert 'aria-label="Resumed handshake with 1 messages' in draw(Handshake((finished,)))
    assert 'aria-label="Handshake with 2' in draw(Handshake((certificate, finished)))
