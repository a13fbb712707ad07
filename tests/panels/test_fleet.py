"""One certificate or many: fleets with real certificates and a real revocation list."""

import pytest

from mtls_lab.common import UnknownName
from mtls_lab.enrolment import calling
from mtls_lab.experiments import Fleet
from mtls_lab.experiments.fleet import SHARING, STATES, Report
from mtls_lab.net import device as client
from mtls_lab.panels import FleetPanel
from mtls_lab.panels.fleet import SIZES, STEPS
from mtls_lab.wire import Exchange
from tests.unit.lab import failed

#: With 12 devices, of which the fifth is robbed: how many keys, and who shares the copied one.
SHARED = {
    "shared": (1, range(1, 13)),
    "batch": (3, [5, 6, 7, 8]),
    "variant": (2, [1, 2, 4, 5, 7, 8, 10, 11]),
    "device": (12, [5]),
}


@pytest.fixture(scope="module", params=SHARING)
def twelve(request: pytest.FixtureRequest) -> Fleet:
    """Twelve devices under each way of sharing."""
    return Fleet(12, request.param)


def refused(report: Report) -> list[int]:
    return [int(device.name) for device in report.refused]


def test_all_is_well(twelve: Fleet) -> None:
    report = twelve.report()
    assert (report.thief, report.revoked, report.recalled, refused(report)) == (None, 0, 0, [])
    assert report.keys == SHARED[twelve.sharing][0]


def test_a_copied_key_is_as_good_as_the_original(twelve: Fleet) -> None:
    report = twelve.report("stolen", stolen=5)
    assert refused(report) == []
    assert report.thief is not None
    assert report.thief.served
    backend = report.thief.exchange.backend
    assert backend is not None
    assert backend.peer == f"CN={report.thief.identity}" == f"CN={report.devices[4].identity}"


def test_revoking_it_hits_everybody_who_shares_it(twelve: Fleet) -> None:
    report = twelve.report("revoked", stolen=5)
    keys, sharing = SHARED[twelve.sharing]
    assert refused(report) == list(sharing)
    assert (report.keys, report.revoked, report.recalled) == (keys, 1, len(sharing))
    assert report.thief is not None
    for device in (*report.refused, report.thief):
        assert failed(device.exchange.backend).verify_code == 23  # certificate revoked


def test_a_new_key_serves_the_devices_and_not_the_thief(twelve: Fleet) -> None:
    report = twelve.report("replaced", stolen=5)
    keys, sharing = SHARED[twelve.sharing]
    assert refused(report) == []
    assert (report.keys, report.revoked, report.recalled) == (keys + 1, 1, len(sharing))
    assert report.thief is not None
    assert not report.thief.served


def test_what_was_revoked_is_not_revoked_for_ever(twelve: Fleet) -> None:
    twelve.report("revoked", stolen=5)
    assert refused(twelve.report("stolen", stolen=5)) == []
    assert len(refused(twelve.report("revoked", stolen=5))) == len(SHARED[twelve.sharing][1])


def test_there_is_one_full_handshake_for_each_identity(
    twelve: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Exchange] = []

    def counted(*arguments: object, **options: object) -> Exchange:
        asked.append(client.ask(*arguments, **options))  # type: ignore[arg-type]
        return asked[-1]

    monkeypatch.setattr(calling, "ask", counted)
    twelve.report("revoked", stolen=5)
    assert len(asked) == SHARED[twelve.sharing][0] + 1
    # A full one: there is no session that could be resumed, revoked or not.
    assert [each.session for each in asked] == [None] * len(asked)


def test_choices_that_do_not_exist() -> None:
    with pytest.raises(UnknownName, match="no sharing 'banana'\nExpected: one of shared, batch"):
        Fleet(4, "banana")
    small = Fleet(4, "shared")
    with pytest.raises(UnknownName, match="no state 'banana'\nExpected: one of well, stolen"):
        small.report("banana")
    with pytest.raises(UnknownName, match="no device '5'\nExpected: one of 1, 2, 3, 4"):
        small.report("stolen", stolen=5)


# --- The panel


@pytest.fixture(scope="module")
def panel() -> FleetPanel:
    return FleetPanel()


def test_every_state_has_its_button() -> None:
    assert list(STEPS) == list(STATES)


@pytest.mark.parametrize("sharing", SHARING)
@pytest.mark.parametrize("state", STATES)
def test_every_choice_is_shown(panel: FleetPanel, sharing: str, state: str) -> None:
    report = panel.select(sharing, state)
    assert report is panel.value
    assert (report.sharing, report.state, report.stolen) == (sharing, state, 5)
    tiles = panel._grid.value
    assert tiles.count("✓ served") == len(report.served)
    assert tiles.count("✗ refused") == len(report.refused) + (state in {"revoked", "replaced"})
    assert ("⚠ served" in tiles) == (state == "stolen")
    assert tiles.count("copied by the thief") == (state != "well")
    assert SHARING[sharing] in panel._result.value
    outcome = "thief served" if state == "stolen" else state
    assert f'data-outcome="{outcome}"' in panel._result.value


def test_a_change_runs_once(panel: FleetPanel) -> None:
    panel.select("batch", "revoked")
    before = panel.sequence
    panel._sharing.value = "device"
    assert panel.sequence == before + 1
    assert refused(panel.value) == [5]
    panel._stolen.value = 7
    assert panel.sequence == before + 2
    assert refused(panel.value) == [7]


def test_a_smaller_fleet_still_has_a_robbed_device(panel: FleetPanel) -> None:
    panel.select("device", "revoked", devices=24, stolen=20)
    before = panel.sequence
    panel._size.value = 8
    assert panel.sequence == before + 1
    assert (len(panel.value.devices), panel.value.stolen) == (8, 8)
    assert refused(panel.value) == [8]


def test_the_comparison_has_what_was_tried() -> None:
    panel = FleetPanel()
    assert panel._grid.value.count("revoke its key under this identity to see") == 4
    panel.select("batch", "stolen")
    assert panel._grid.value.count("revoke its key under this identity to see") == 4
    panel.select("batch", "revoked")
    assert panel._grid.value.count("revoke its key under this identity to see") == 3
    assert '4 of 12</td><td role="cell">3</td>' in panel._grid.value
    panel.select("shared", "replaced")
    assert '12 of 12</td><td role="cell">1</td>' in panel._grid.value
    assert '4 of 12</td><td role="cell">3</td>' in panel._grid.value
    panel.select("shared", "well", stolen=6)
    assert panel._grid.value.count("revoke its key under this identity to see") == 4


@pytest.mark.parametrize("size", SIZES)
def test_every_size(size: int) -> None:
    panel = FleetPanel(size)
    assert len(panel.value.devices) == size
    assert panel._stolen.value == min(size, 5)


def test_wrong_choices_change_nothing(panel: FleetPanel) -> None:
    panel.select("batch", "revoked")
    shown = panel._result.value
    with pytest.raises(UnknownName, match="'banana'"):
        panel.select("banana")
    with pytest.raises(UnknownName, match="no device '13'"):
        panel.select("batch", "revoked", stolen=13)
    with pytest.raises(UnknownName, match="no size of a fleet '5'"):
        panel.select("batch", devices=5)
    with pytest.raises(UnknownName, match="no size of a fleet '5'"):
        FleetPanel(5)
    assert panel._result.value == shown


@pytest.mark.parametrize("state", STATES)
def test_its_text_is_the_same_on_every_run(state: str) -> None:
    texts = set()
    for _ in range(2):
        panel = FleetPanel(4)
        panel.select("device", state, devices=4, stolen=2)
        bundle = panel._repr_mimebundle_()
        texts.add((bundle["text/plain"], bundle["text/html"]))
    assert len(texts) == 1


def test_an_error_is_shown_in_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = FleetPanel(4)

    def fail(*_: object, **__: object) -> Report:
        raise OSError("no space left on <device>")

    monkeypatch.setattr(Fleet, "report", fail)
    panel._state.value = "stolen"
    assert "no space left on &lt;device&gt;" in panel._result.value
    assert 'data-outcome="error"' in panel._result.value
