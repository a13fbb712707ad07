"""The wire panel without a page: what Eve heard, what Mallory did, and what both ends saw."""

import ssl
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mtls_lab import Exchange, Stage
from mtls_lab.attacks import Protection, lab_protections
from mtls_lab.common import UnknownName
from mtls_lab.experiments.eavesdropping import listing, places, units
from mtls_lab.experiments.mallory import DEEDS, Plan, Replay
from mtls_lab.net import Chunk
from mtls_lab.panels import WirePanel
from mtls_lab.wire import Direction
from tests.unit.lab import failed

HOSTILE = "<img src=x onerror=alert(1)>"
UP, DOWN = Direction.TO_BACKEND, Direction.TO_DEVICE


@pytest.fixture(scope="module")
def protections() -> Iterator[dict[str, Protection]]:
    with tempfile.TemporaryDirectory() as folder:
        yield {protection.name: protection for protection in lab_protections(folder)}


@pytest.fixture
def plain() -> WirePanel:
    return WirePanel()


@pytest.fixture
def tls(protections: dict[str, Protection]) -> WirePanel:
    return panel_of(protections["TLS"])


@pytest.fixture
def mutual(protections: dict[str, Protection]) -> WirePanel:
    return panel_of(protections["Mutual TLS"])


def panel_of(protection: Protection, **options: Any) -> WirePanel:
    return WirePanel(
        protection.server_context,
        protection.client_context,
        authorize=protection.authorize,
        **options,
    )


def page_of(panel: WirePanel) -> str:
    """Everything that the panel's own HTML shows."""
    return "".join(str(part.value) for part in (panel._result, panel._answer, panel._records))


def verdict_of(panel: WirePanel) -> str:
    return str(panel).splitlines()[1]


def test_over_plain_tcp_eve_reads_along(plain: WirePanel) -> None:
    assert str(plain) == (
        "On the wire\n"
        "Mallory does nothing. The device gets the secret, and Eve reads along.\n"
        "  → GET_SECRET\n"
        "  ← open sesame\n"
        "device   connect ✓  received ✓ open sesame\n"
        "backend  connect ✓  received ✓ GET_SECRET\n"
        "Can Eve find “open sesame”? Yes."
    )
    assert plain.value.ok
    assert "every one of them, both ways" in page_of(plain)


@pytest.mark.parametrize("name", ["TLS", "Mutual TLS"])
def test_over_tls_she_sees_records_and_a_name(
    protections: dict[str, Protection], name: str
) -> None:
    panel = panel_of(protections[name])
    assert "  → ClientHello, ChangeCipherSpec, {records}\n" in str(panel)
    assert "  ← ServerHello, ChangeCipherSpec, {records}\n" in str(panel)
    assert verdict_of(panel).endswith("The device gets the secret, and Eve cannot read it.")
    assert str(panel).endswith("Can Eve find “open sesame”? No.")
    assert "<dt>Server name</dt><dd>localhost</dd>" in page_of(panel)
    assert "<dt>Backend&#x27;s certificate</dt><dd>not in clear</dd>" in page_of(panel)


@pytest.mark.parametrize(
    ("name", "backend", "device"),
    [
        ("TLS", "CN=localhost", "none was sent"),
        ("Mutual TLS", "CN=localhost and CN=Lab CA", "CN=trusted-client and CN=Lab CA"),
    ],
)
def test_in_tls_1_2_she_sees_the_certificates(
    protections: dict[str, Protection], name: str, backend: str, device: str
) -> None:
    context = protections[name].server_context
    assert context is not None
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        panel = panel_of(protections[name], secret="trusted-client")
    finally:
        context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert "← ServerHello, Certificate, ServerKeyExchange, " in str(panel)
    assert f"<dt>Backend&#x27;s certificate</dt><dd>{backend}</dd>" in page_of(panel)
    assert f"<dt>Device&#x27;s certificate</dt><dd>{device}</dd>" in page_of(panel)
    # It is the device's name, and not the secret of the same words, that she finds.
    assert str(panel).endswith("Yes." if name == "Mutual TLS" else "No.")


def test_the_plain_tcp_device_believes_mallory(plain: WirePanel) -> None:
    assert isinstance(plain.select("replace"), Exchange)
    assert plain.value.reply == "the cave is empty"
    assert "Nobody noticed. The device received “the cave is empty”." in verdict_of(plain)
    assert plain.select("flip", bit=7).reply == "npen sesame"  # type: ignore[union-attr]
    cut = plain.select("cut")
    assert isinstance(cut, Exchange)
    assert failed(cut.device).error == "EOFError"
    replay = plain.select("replay")
    assert isinstance(replay, Replay)
    assert replay.answer == b"open sesame\n"
    assert "  again ← open sesame\n" in str(plain)
    assert 'data-outcome="succeeds"' in page_of(plain)


def test_over_tls_each_deed_is_stopped(tls: WirePanel) -> None:
    flipped = tls.select("flip")
    assert isinstance(flipped, Exchange)
    assert failed(flipped.device).reason == "RECORD_LAYER_FAILURE"
    assert "It was noticed." in verdict_of(tls)
    assert ">Why</dt>" in page_of(tls)
    assert tls.select("replace").ok  # type: ignore[union-attr]
    assert "never passed in clear" in verdict_of(tls)
    replay = tls.select("replay")
    assert isinstance(replay, Replay)
    assert replay.exchange.ok
    assert replay.backend is not None
    assert replay.backend.failure is not None
    assert b"open sesame" not in replay.answer
    assert "mean nothing in a new connection" in verdict_of(tls)
    cut = tls.select("cut")
    assert isinstance(cut, Exchange)
    assert failed(cut.device).error == "SSLEOFError"
    assert 'data-outcome="stopped"' in page_of(tls)


@pytest.mark.parametrize("bit", range(0, 96, 5))
def test_any_bit_of_a_line_can_be_flipped(plain: WirePanel, bit: int) -> None:
    plain.select("flip", bit=bit)
    (line,) = [unit.chunk for unit in plain._heard if unit.label == "← 1"]
    assert line.sent is not None
    assert int.from_bytes(line.heard, "big") ^ int.from_bytes(line.sent, "big") == 1 << (95 - bit)


def test_any_record_can_be_hit_or_cut(mutual: WirePanel) -> None:
    labels = [unit.label for unit in mutual._heard]
    assert labels[0] == "→ 1"
    assert "← 10" in labels
    for label in labels:
        for deed in ("flip", "cut"):
            mutual.select(deed, record=label)
            result = mutual.value
            assert result.reply == "open sesame" or not result.ok, label
            assert mutual.value.reply != "the cave is empty"


def test_a_changed_length_ends_in_two_seconds_at_most(tls: WirePanel) -> None:
    result = tls.select("flip", record="→ 1", bit=8 * 3 + 6)  # the length grows
    assert isinstance(result, Exchange)
    assert result.device.failure is not None
    assert result.device.stage is Stage.HANDSHAKE


def test_the_search_is_no_new_exchange(plain: WirePanel) -> None:
    plain._find.value = "SECRET"
    assert plain.sequence == 1
    assert str(plain).endswith("Can Eve find “SECRET”? Yes.")
    assert "passed in clear, in → 1." in page_of(plain)
    plain._find.value = "sesame street"
    assert str(plain).endswith("Can Eve find “sesame street”? No.")
    plain._find.value = ""
    assert "Type what Eve looks for." in page_of(plain)


def test_the_records_open_where_something_was_found(plain: WirePanel) -> None:
    opened = [part for part in page_of(plain).split("<details")[1:] if " open " in part[:60]]
    assert len(opened) == 1
    assert "<mark class='lab-found'>open ses</mark>" in opened[0]
    plain.select(find="nothing like it")
    assert "lab-found" not in page_of(plain)


def test_each_result_has_the_next_number(plain: WirePanel) -> None:
    assert plain.sequence == 1
    plain.select()
    plain._aim._deed.value = "flip"  # as a hand would: nothing runs yet
    assert plain.sequence == 2
    assert 'data-seq="2"' in page_of(plain)


def test_what_is_not_there_is_refused(plain: WirePanel) -> None:
    with pytest.raises(UnknownName, match="no deed 'steal'\nExpected: one of nothing, flip"):
        plain.select("steal")
    with pytest.raises(UnknownName, match="no record '← 9'\nExpected: one of → 1, ← 1"):
        plain.select("flip", record="← 9")
    assert plain.select().ok  # type: ignore[union-attr]


def test_a_bit_too_far_is_the_last_one(plain: WirePanel) -> None:
    plain.select("flip", bit=1000)
    assert "Mallory flips bit 95 of ← 1." in verdict_of(plain)


@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_peer_says_is_escaped(protections: dict[str, Protection], deed: str) -> None:
    for panel in (
        WirePanel(secret=HOSTILE),
        panel_of(protections["Mutual TLS"], secret=HOSTILE),
    ):
        panel.select(deed, replace=(HOSTILE, HOSTILE + HOSTILE), find=HOSTILE)
        assert "&lt;img" in page_of(panel)
        bundle = panel._repr_mimebundle_()
        for html in (page_of(panel), bundle["text/html"], panel._aim._shown.value):
            assert "<img" not in html


def test_the_text_is_the_same_every_time(mutual: WirePanel) -> None:
    for deed in DEEDS:
        texts = set()
        for _ in range(5):
            mutual.select(deed)
            texts.add(str(mutual))
        assert len(texts) == 1, texts


def test_a_refused_device_is_explained(protections: dict[str, Protection]) -> None:
    strict, bare = protections["Mutual TLS"], protections["TLS"]
    panel = WirePanel(strict.server_context, bare.client_context)
    assert not panel.value.ok
    assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in str(panel)
    assert ">What to do</dt>" in page_of(panel)
    assert "The device does not get the secret" in verdict_of(panel)


def test_contexts_that_do_not_fit_are_a_result_too(protections: dict[str, Protection]) -> None:
    tls = protections["TLS"]
    assert "WRONG_VERSION_NUMBER" in str(WirePanel(tls.server_context, None))
    assert "WRONG_VERSION_NUMBER" in str(WirePanel(None, tls.client_context))
    nothing = WirePanel(tls.server_context, tls.server_context)  # a server's context asks
    assert "  nothing passed\n" in str(nothing)
    for deed in DEEDS:
        nothing.select(deed)
        assert nothing.sequence > 1


def test_an_error_in_a_callback_is_shown(plain: WirePanel, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> str:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr("mtls_lab.panels.wire.panel.listing", broken)
    plain.select()
    assert isinstance(plain.value, RuntimeError)
    assert 'data-outcome="error"' in page_of(plain)
    assert "&lt;img" in page_of(plain)
    assert "<img" not in page_of(plain)


def test_two_threads_never_mix_their_results(plain: WirePanel) -> None:
    failed: list[str] = []

    def ask(word: str) -> None:
        for _ in range(10):
            result = plain.select("replace", replace=("open sesame", word))
            if not isinstance(result, Exchange) or result.reply != word:
                failed.append(word)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(ask, ("one", "two")))
    assert failed == []
    assert plain.sequence == 21


# --- The pure part


def heard(*said: tuple[Direction, bytes]) -> tuple[Any, ...]:
    counts = dict.fromkeys(Direction, 0)
    chunks = []
    for direction, data in said:
        chunks.append(Chunk(0, counts[direction], direction, data, data))
        counts[direction] += 1
    return units(chunks)


def test_a_word_is_found_across_two_lines() -> None:
    found = places(heard((UP, b"open\n"), (DOWN, b"x\n"), (UP, b"sesame\n")), b"n\nses")
    assert found == {"→ 1": [(3, 5)], "→ 2": [(0, 3)]}
    assert places(heard((UP, b"open\n")), b"") == {}


def test_every_place_is_found() -> None:
    assert places(heard((UP, b"a.a.a\n")), b"a") == {"→ 1": [(0, 1), (2, 3), (4, 5)]}
    assert places(heard((UP, b"a.a\n")), b".") == {"→ 1": [(1, 2)]}


def test_a_record_that_holds_a_part_of_a_message_says_so() -> None:
    half = bytes.fromhex("16 0303 0002 0200")
    assert heard((DOWN, half))[0].name == "part of a message"
    assert listing(heard()) == "  nothing passed"


def test_what_is_no_text_is_named_too() -> None:
    assert heard((UP, b"\xff\x00\n"))[0].name == r"\xff\u0000"


def test_a_plan_says_what_it_does() -> None:
    assert str(Plan("cut", "← 2")) == "Mallory cuts the connection at ← 2."
    assert Plan().tamper is None
    assert Plan("replace", old="").tamper is None


def test_a_cut_that_was_asked_for_is_named_first(plain: WirePanel) -> None:
    """And Part 1, which knows no TLS, hears nothing of it."""
    plain.select("cut")
    page = plain._result.value
    shown, _, folded = page.partition("<details><summary>What the two sides alone")
    assert "Mallory cuts the connection at ← 1. That is why no reply came." in shown
    assert "What to do" not in shown
    assert "What to do" in folded
    assert "TLS" not in page
    assert "context" not in page


@pytest.mark.parametrize(("record", "bit"), [("→ 1", 0), ("→ 1", 87), ("← 1", 0), ("← 1", 34)])
def test_what_mallory_changed_over_plain_tcp_is_not_explained_away(
    plain: WirePanel, record: str, bit: int
) -> None:
    """The cause is known, and Part 1 does not know TLS, which such bytes may look like."""
    plain.select("flip", record=record, bit=bit)
    page = plain._result.value
    assert f"Mallory flips bit {bit} of {record}." in page
    assert "What happened" not in page
    assert "TLS" not in page
    assert "openssl" not in page


def test_over_tls_what_mallory_did_is_named_before_what_else_it_could_be(tls: WirePanel) -> None:
    tls.select("flip")
    shown, _, folded = tls._result.value.partition("<details>")
    assert "Mallory flips bit" in shown
    assert "What happened" not in shown
    assert "What happened" in folded


@pytest.mark.parametrize("bit", [0, 1, 5, 60, 80, 83, 87])
def test_whoever_broke_the_command_is_not_called_unnoticed(plain: WirePanel, bit: int) -> None:
    """The backend either answers a line that starts with ERROR, or waits for the line's end."""
    result = plain.select("flip", record="→ 1", bit=bit)
    assert isinstance(result, Exchange)
    assert result.reply is None or result.reply.startswith("ERROR ")
    noise = "To both sides" if result.reply else "To the device"
    assert f"That broke the exchange. {noise}, the attack looks like noise." in verdict_of(plain)
    assert 'data-outcome="open"' in page_of(plain)


def test_a_lie_of_mallory_is_unnoticed_be_it_an_error(plain: WirePanel) -> None:
    plain.select("replace", replace=("open sesame", "ERROR the cave is empty"))
    assert "Nobody noticed. The device received “ERROR the cave is empty”." in verdict_of(plain)
    plain.select("replace", replace=("GET_SECRET", "PING"))
    assert "Nobody noticed. The device received “PONG”." in verdict_of(plain)
    plain.select("replace", replace=("GET_SECRET", "DANCE"))
    assert "To both sides, the attack looks like noise." in verdict_of(plain)
