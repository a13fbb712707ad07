"""A fleet's life: each step on real certificates, and the panel that offers it."""

import pytest

from mtls_lab.common import UnknownName
from mtls_lab.experiments import Life
from mtls_lab.experiments.life import LifeReport
from mtls_lab.panels import LifePanel
from mtls_lab.panels.life import STEPS

REVOKED = "the backend says: certificate revoked"
NOT_CURRENT = "the office says: this certificate is not the current one"
RETIRED = "the office says: this device is retired"
NOT_TRUSTED = "the backend says: unable to get local issuer certificate"


@pytest.fixture
def life() -> Life:
    return Life(4)


def refused(report: LifeReport) -> list[str]:
    return [each.name for each in report.refused]


def test_a_copied_key_is_served_until_it_is_revoked(life: Life) -> None:
    report = life.steal("02")
    assert report.thief is not None
    assert report.thief.served
    assert refused(report) == []
    report = life.revoke("02")
    assert report.thief is not None
    assert (report.thief.why, refused(report)) == (REVOKED, ["02"])
    assert life.renew("02").done[-1] == f"02 renews: {RETIRED}"


def test_after_a_renewal_the_copy_is_good_at_work_and_not_at_the_office(life: Life) -> None:
    life.steal("02")
    report = life.renew("02")
    assert report.thief is not None
    assert report.thief.served
    assert life.thief_renews().done[-1] == f"the thief renews as 02: {NOT_CURRENT}"
    report = life.revoke("02")  # everything that was issued in this name
    assert report.thief is not None
    assert not report.thief.served


def test_a_thief_who_is_first_is_an_alarm(life: Life) -> None:
    life.steal("02")
    assert life.thief_renews().done[-1] == "the thief renews as 02: done"
    assert life.renew_all().done[-1] == "all renew; the office refuses 02"
    report = life.revoke("02")
    assert report.thief is not None
    assert report.thief.why == REVOKED


def test_the_good_order_refuses_nobody(life: Life) -> None:
    reports = [life.trust("both"), life.sign_with("CA 2"), life.renew("01"), life.renew_all()]
    reports.append(life.trust("CA 2"))
    assert [refused(report) for report in reports] == [[]] * 5
    assert {each.ca for each in reports[-1].devices} == {"CA 2"}


@pytest.mark.parametrize("trusted", ["CA 1", "both", "CA 2"])
def test_a_forger_with_a_key_of_a_ca_is_at_most_served_at_work(life: Life, trusted: str) -> None:
    life.trust(trusted)
    at_work, office = life.certified_by("CA 1")
    assert at_work.served is (trusted != "CA 2")
    assert office.why == NOT_CURRENT


def test_other_orders_refuse_some(life: Life) -> None:
    life.sign_with("CA 2")
    report = life.renew("01")
    assert [(each.name, each.why) for each in report.refused] == [("01", NOT_TRUSTED)]
    assert refused(life.trust("CA 2")) == ["02", "03", "04"]
    assert refused(life.renew_all()) == []


def test_its_text(life: Life) -> None:
    life.trust("both")
    assert str(life.thief_renews()).splitlines() == [
        "The backend trusts both CAs, the office signs with CA 1",
        "  served    01 02 03 04",
        "  then      the backend trusts both CAs",
        "  then      nobody has copied a key yet",
    ]


def test_what_there_is_not(life: Life) -> None:
    for step in (life.steal, life.renew, life.revoke):
        with pytest.raises(UnknownName, match="no device '9'\nExpected: one of 01, 02, 03, 04"):
            step("9")
    with pytest.raises(UnknownName, match="no CA to trust 'all'\nExpected: one of CA 1, both"):
        life.trust("all")
    with pytest.raises(UnknownName, match="no CA to sign with 'both'\nExpected: one of CA 1, CA 2"):
        life.sign_with("both")
    assert life.report().done == ()


# --- The panel


@pytest.fixture(scope="module")
def panel() -> LifePanel:
    return LifePanel()


def test_each_step_is_shown(panel: LifePanel) -> None:
    panel.select("provision")
    for step in STEPS:
        report = panel.select(step, "03")
        assert report is panel.value
        assert panel._grid.value.count("<b>") == len(report.devices) + (report.thief is not None)
    assert panel.value.thief is None  # the last one is a new fleet
    assert panel._result.value.count("<li>") == 0


def test_a_thief_is_marked(panel: LifePanel) -> None:
    panel.select("provision")
    panel.select("steal", "03")
    assert 'data-outcome="thief served"' in panel._result.value
    assert "⚠ served" in panel._grid.value
    panel.select("revoke", "03")
    assert "The thief is refused." in panel._result.value
    assert "03, thief: the backend says: certificate revoked" in panel._grid.value


def test_a_switch_is_one_step(panel: LifePanel) -> None:
    panel.select("provision")
    before = panel.sequence
    panel._trusted.value = "CA 2"
    assert panel.sequence == before + 1
    assert len(panel.value.refused) == 8
    panel.select("provision")
    assert (panel._trusted.value, panel.value.trusted) == ("CA 1", "CA 1")
    assert panel.sequence == before + 2


def test_wrong_choices_change_nothing(panel: LifePanel) -> None:
    shown = panel._result.value
    with pytest.raises(UnknownName, match="no step 'melt'"):
        panel.select("melt")
    with pytest.raises(UnknownName, match="no choice '09'"):
        panel.select("steal", "09")
    with pytest.raises(UnknownName, match="no choice 'CA 3'"):
        panel.select("trust", "CA 3")
    assert panel._result.value == shown
