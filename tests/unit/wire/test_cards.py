"""Both sides as cards: what their text says, with colours, signs and the words of this release."""

import re
from html import unescape

import pytest
from IPython.lib.pretty import pretty

from mtls_lab.drawing import ACTORS, BAD, GOOD, VARYING, WARN
from mtls_lab.wire import Exchange, Failure, Side, Stage, compare
from mtls_lab.wire.cards import both_sides, side_card

EVIL = "CN=<img src=x onerror=alert(1)>\u202e\x1b[31m"

TOLD = Failure(
    "SSLError", "TLSV1_ALERT_UNKNOWN_CA", text="[SSL: …] tlsv1 alert unknown ca, as of 3.9"
)
EXPIRED = Failure("SSLCertVerificationError", "CERTIFICATE_VERIFY_FAILED", 10, "has expired")
REFUSED = Exchange(
    "GET_SECRET",
    Side("device", Stage.FIRST_READ, TOLD, "TLSv1.3", "CN=localhost"),
    Side("backend", Stage.HANDSHAKE, EXPIRED),
)


def words_of(markup: str) -> str:
    return unescape(re.sub("<[^>]*>", "", markup.replace("</dt>", " ")))


def test_a_card_says_that_no_certificate_was_shown() -> None:
    full = Side("backend", Stage.APPLICATION, version="TLSv1.3", peer="CN=trusted-client")
    resumed = Side(
        "backend", Stage.APPLICATION, version="TLSv1.3", peer="CN=trusted-client", reused=True
    )
    words = "✓ TLSv1.3 resumed with CN=trusted-client: no certificate was presented"
    assert words in both_sides(resumed)
    assert "resumed" not in both_sides(full)


def test_a_card_has_every_step_of_the_text() -> None:
    said = words_of(REFUSED._repr_html_())
    for side in (REFUSED.device, REFUSED.backend):
        assert side is not None
        for step in side.steps:
            assert f"{step.name} {'✓' if step.good else '✗'} {step.words}".strip() in said


def test_the_words_of_this_release_are_marked_as_varying() -> None:
    shown = REFUSED._repr_html_()
    begin, end = VARYING
    (varies,) = re.findall(f"{begin}(.*?){end}", shown)
    assert words_of(varies) == f"In full: {TOLD.text}"
    assert "alert unknown ca" not in shown.replace(varies, "")


def test_what_a_thief_gets_is_no_success() -> None:
    served = side_card(Side("device", Stage.APPLICATION, received=("open sesame",), name="thief"))
    assert f"{ACTORS['mallory'].sign} thief" in served
    assert "⚠ open sesame" in served
    assert BAD in served
    assert GOOD not in served
    refused = side_card(Side("device", Stage.HANDSHAKE, EXPIRED, name="thief"))
    assert "✗" in refused
    assert not {BAD, GOOD} & set(re.findall("#[0-9a-f]{6}", refused))


@pytest.mark.parametrize(
    ("side", "colour"),
    [
        (Side("device", Stage.APPLICATION, received=("open sesame",)), GOOD),
        (Side("device", Stage.APPLICATION, received=("ERROR not authorized",)), BAD),
        (Side("device", Stage.HANDSHAKE, EXPIRED), BAD),
    ],
    ids=["served", "not authorized", "failed"],
)
def test_its_edge_has_the_colour_of_the_outcome(side: Side, colour: str) -> None:
    (edge,) = re.findall(r"border-left:5px solid ([^;]*)", side_card(side))
    assert edge == colour


@pytest.mark.parametrize(("who", "actor"), [("mallory", "mallory"), ("sensors", "backend")])
def test_its_head_has_the_sign_of_the_actor(who: str, actor: str) -> None:
    assert f"{ACTORS[actor].sign} {who}</b>" in side_card(Side(who, Stage.CONNECT))


def test_a_backend_that_saw_nothing_says_so() -> None:
    alone = Exchange("PING", Side("device", Stage.CONNECT), unseen="is another program")
    assert "is another program" in alone._repr_html_()


def test_what_a_peer_wrote_is_text() -> None:
    failure = Failure("SSLError", EVIL, text=EVIL)
    side = Side(EVIL, Stage.HANDSHAKE, failure, "TLSv1.3", EVIL, (EVIL,))
    shown = compare({EVIL: Exchange("PING", side, unseen=EVIL)})._repr_html_()
    assert "<img" not in shown
    assert not {"\u202e", "\x1b"} & set(shown)


def test_the_text_of_a_cell_is_what_print_gives() -> None:
    for value in (REFUSED, REFUSED.device, REFUSED.handshake, compare({"Once": REFUSED})):
        assert pretty(value) == str(value)  # type: ignore[no-untyped-call]


def test_exchanges_stand_under_their_labels() -> None:
    both = compare({"First": REFUSED, "Then": REFUSED})
    assert str(both) == f"First:\n{REFUSED}\n\nThen:\n{REFUSED}"
    assert both._repr_html_().count(REFUSED._repr_html_()) == 2


def test_a_device_that_mallory_answered_is_marked_as_deceived() -> None:
    device = Side("device", Stage.APPLICATION, received=("the cave is empty",))
    mallory = Side("mallory", Stage.APPLICATION, received=("GET_SECRET",))
    shown = both_sides(device, mallory)
    assert "⚠ deceived" in shown
    assert shown.count(WARN) == 1
    assert "deceived" not in both_sides(REFUSED.device, mallory)
    assert "deceived" not in both_sides(device, Side("sensors", Stage.APPLICATION))


def test_the_words_of_this_release_are_left_out_if_they_say_the_same() -> None:
    same = Failure("SSLError", "TLSV1_ALERT_UNKNOWN_CA", text="[SSL] tlsv1 alert unknown ca")
    assert "In full" not in both_sides(Side("device", Stage.FIRST_READ, same))
