"""How a resumed handshake looks in the cards of both sides."""

from mtls_lab.panels.sides import both_sides
from mtls_lab.wire import Side, Stage


def test_a_card_says_that_no_certificate_was_shown() -> None:
    full = Side("backend", Stage.APPLICATION, version="TLSv1.3", peer="CN=trusted-client")
    resumed = Side(
        "backend", Stage.APPLICATION, version="TLSv1.3", peer="CN=trusted-client", reused=True
    )
    words = "✓ TLSv1.3 resumed with CN=trusted-client: no certificate was shown"
    assert words in both_sides(("backend", resumed))
    assert "resumed" not in both_sides(("backend", full))
