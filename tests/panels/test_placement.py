"""Which CA goes where: every placement on a real connection, and what the panel makes of it."""

import sys
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtls_lab.common import UnknownName
from mtls_lab.experiments import Kit
from mtls_lab.experiments.placement import EMPTY, Placed, files, placement, slots, starts
from mtls_lab.panels import PlacementPanel
from mtls_lab.panels.sorting import NOT_ASKED
from mtls_lab.wire import SECRET, Stage
from tests.unit.lab import failed

RIGHT = placement("right")
#: Python 3.13's create_default_context takes any certificate in its cafile for an anchor
#: (VERIFY_X509_PARTIAL_CHAIN), the backend's own too.
PINNED = ("device_cafile", "server.crt")


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit()


def names(found: object) -> list[str]:
    assert isinstance(found, list | tuple)
    return [slot.name for slot in found]


def test_the_facts_are_six_files_and_six_slots() -> None:
    assert sorted(RIGHT.values()) == sorted(files())
    assert list(RIGHT) == list(slots())
    assert {slot.machine for slot in slots().values()} == {"device", "backend"}


def test_the_right_placement_is_served(kit: Kit) -> None:
    placed = kit.run(RIGHT)
    assert placed.exchange.reply == SECRET
    assert (placed.blame, placed.unnoticed, placed.astray) == ((), [], [])
    assert str(placed).endswith("Secrets on the wrong machine: none")


@pytest.mark.parametrize(
    ("start", "device", "backend", "blame", "unnoticed", "astray"),
    [
        ("swapped", Stage.HANDSHAKE, Stage.HANDSHAKE, ["device_cafile"], ["backend_cafile"], []),
        (
            *("empty", Stage.HANDSHAKE, Stage.HANDSHAKE),
            ["backend_certfile", "backend_keyfile"],
            ["device_cafile", "device_certfile", "device_keyfile", "backend_cafile"],
            [],
        ),
        (
            *("strangers", Stage.HANDSHAKE, Stage.HANDSHAKE),
            ["backend_certfile"],
            ["device_certfile", "device_keyfile", "backend_keyfile"],
            ["client.key on the backend", "server.key on the device"],
        ),
        (
            *("mixed", Stage.CONNECT, Stage.SETUP),
            *(["backend_certfile", "backend_keyfile"], [], []),
        ),
    ],
)
def test_a_start(
    kit: Kit,
    start: str,
    device: Stage,
    backend: Stage,
    blame: list[str],
    unnoticed: list[str],
    astray: list[str],
) -> None:
    placed = kit.run(placement(start))
    assert placed.exchange.device.stage is device
    assert placed.exchange.backend is not None
    assert placed.exchange.backend.stage is backend
    assert names(placed.blame) == blame
    assert names(placed.unnoticed) == unnoticed
    assert placed.astray == astray
    assert not placed.exchange.ok


@pytest.mark.parametrize("slot", slots())
@pytest.mark.parametrize("file", [None, *files()])
def test_one_wrong_file_is_found(kit: Kit, slot: str, file: str | None) -> None:
    if RIGHT[slot] == file:
        return
    placed = kit.run(placement("right", **{slot: file}))
    if (slot, file) == PINNED and sys.version_info >= (3, 13):
        assert placed.exchange.ok
        assert names(placed.unnoticed) == [slot]
        return
    assert not placed.exchange.ok
    assert names(placed.blame) == [slot]
    assert placed.unnoticed == []
    assert placed.sentence(slots()[slot]) in str(placed)


def test_one_connection_shows_the_first_mistake_only(kit: Kit) -> None:
    """The device trusts the CA of what the backend shows: now its purpose is what is wrong."""
    wrong = {"device_cafile": "client_ca.pem", "backend_certfile": "client.crt"}
    placed = kit.run(placement("right", **wrong, backend_keyfile="client.key"))
    failure = placed.exchange.device.failure
    assert failure is not None
    assert failure.verify_code == 26
    assert names(placed.blame) == ["backend_certfile"]
    assert names(placed.unnoticed) == ["device_cafile", "backend_keyfile"]


@settings(max_examples=30)
@given(st.fixed_dictionaries({name: st.sampled_from([EMPTY, *files()]) for name in slots()}))
def test_any_placement_has_an_outcome_and_somebody_to_blame(chosen: Mapping[str, str]) -> None:
    placed = Kit().run(chosen)
    assert isinstance(placed, Placed)
    assert placed.exchange.ok == (not placed.blame)
    wrong = {name for name, file in chosen.items() if file != RIGHT[name]}
    assert {*names(placed.blame), *names(placed.unnoticed)} == wrong


@pytest.mark.parametrize(
    ("start", "changes", "message"),
    [
        ("banana", {}, "no start 'banana'\nExpected: one of swapped, "),
        (
            "right",
            {"device_banana": None},
            "no slot 'device_banana'\nExpected: one of device_cafile",
        ),
        ("right", {"device_cafile": "banana"}, "no file 'banana'\nExpected: one of server_ca.pem"),
    ],
)
def test_a_choice_that_does_not_exist(
    start: str, changes: dict[str, str | None], message: str
) -> None:
    with pytest.raises(UnknownName, match=message):
        placement(start, **changes)
    with pytest.raises(UnknownName, match=message):
        PlacementPanel(start, **changes)


# --- The panel


def move(panel: PlacementPanel, **files: str) -> None:
    """What a hand does in the page."""
    moved = {slot: [file] for slot, file in files.items()}
    panel._sorter.value = panel._sorter.value | moved


@pytest.fixture(scope="module")
def panel() -> PlacementPanel:
    return PlacementPanel()


@pytest.mark.parametrize("start", starts())
def test_it_begins_without_a_result(start: str) -> None:
    panel = PlacementPanel(start)
    assert panel.value is None
    assert "Not run yet" in str(panel)
    assert panel.placed == placement(start)


def test_select_fills_the_slots_and_runs(panel: PlacementPanel) -> None:
    exchange = panel.select("right")
    assert exchange is panel.value
    assert exchange.ok
    assert 'data-outcome="served"' in panel._result.value
    assert "✓ The device gets the secret." in panel._result.value
    assert "✓ 0 secrets lie on the wrong machine." in panel._result.value


def test_the_slot_to_blame_is_named_where_it_is(panel: PlacementPanel) -> None:
    panel.select("swapped")
    assert panel._sorter.marks == {
        "device_cafile": "✗ to blame",
        "backend_cafile": "✗ not noticed yet",
    }
    assert "The device&#x27;s cafile has client_ca.pem" in panel._result.value
    assert "self-signed certificate in certificate chain" in panel._below.value


def test_a_new_placement_takes_the_old_result_away(panel: PlacementPanel) -> None:
    panel.select("swapped")
    before = panel.sequence
    move(panel, device_cafile="server_ca.pem")
    assert panel.sequence == before + 1
    assert panel.value is None
    assert panel._below.value.count(NOT_ASKED) == 2  # in the place of either side
    assert "✗" not in panel._below.value
    assert "✗" not in panel.still()
    assert panel._sorter.marks == {}


def test_another_start_fills_all_slots_at_once(panel: PlacementPanel) -> None:
    panel.select("right")
    before = panel.sequence
    panel._start.value = "empty"
    assert panel.sequence == before + 1
    assert set(panel.placed.values()) == {EMPTY}


def test_a_backend_that_could_not_start_is_explained_not_the_refused_connection(
    panel: PlacementPanel,
) -> None:
    exchange = panel.select("mixed")
    assert failed(exchange.device).reason == "ECONNREFUSED"
    assert "nothing listens" not in panel._below.value
    assert "PEM lib" in panel._below.value


def test_secrets_on_the_wrong_machine_are_counted(panel: PlacementPanel) -> None:
    panel.select("strangers")
    assert "✗ 2 secrets lie on the wrong machine: client.key on the backend" in panel._result.value
    panel.select("right", device_keyfile="server.key")
    assert "✗ 1 secret lies on the wrong machine: server.key on the device" in panel._result.value


def test_a_wrong_choice_changes_nothing(panel: PlacementPanel) -> None:
    panel.select("swapped")
    shown = panel._result.value
    with pytest.raises(UnknownName, match="no file"):
        panel.select("right", device_cafile="banana")
    assert panel._result.value == shown


@pytest.mark.parametrize("start", starts())
def test_its_text_is_the_same_on_every_run(start: str) -> None:
    texts = set()
    for _ in range(2):
        panel = PlacementPanel(start)
        panel.select(start)
        bundle = panel._repr_mimebundle_()
        texts.add((bundle["text/plain"], bundle["text/html"]))
        assert "-----BEGIN" not in panel._result.value + panel._below.value
    assert len(texts) == 1
    assert "/tmp" not in texts.pop()[0]  # noqa: S108 - looked for, not used


def test_an_error_is_shown_in_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = PlacementPanel()

    def fail(_: Mapping[str, str]) -> Placed:
        raise OSError("no space left on <device>")

    monkeypatch.setattr(panel._kit, "run", fail)
    panel.select("right")
    assert "no space left on &lt;device&gt;" in panel._result.value
    assert 'data-outcome="error"' in panel._result.value
