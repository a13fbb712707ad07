"""The attack panel without a page: the table, its evidence, and what happens while it runs."""

import re
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mtls_lab.attacks import (
    ATTACKS,
    AttackResult,
    AttackTable,
    Protection,
    attack_table,
    eavesdrop,
    lab_protections,
)
from mtls_lab.common import LabError, ProtectionBroken, UnknownName
from mtls_lab.net import server_context
from mtls_lab.panels import AttackPanel
from mtls_lab.panels import attack as module
from mtls_lab.pki import Purpose, self_signed

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def protections() -> Iterator[list[Protection]]:
    with tempfile.TemporaryDirectory() as folder:
        yield lab_protections(folder)


def page_of(panel: AttackPanel) -> str:
    """Everything that the panel's own HTML shows."""
    return f"{panel._result.value}{panel._table.value}"


def test_the_table_is_there_at_once(protections: list[Protection]) -> None:
    panel = AttackPanel(protections)
    assert str(panel) == (
        "The attacks\n"
        "                         Plain TCP     TLS           "
        "Mutual TLS    Mutual TLS, no sessions\n"
        "Eavesdrop                ✗ succeeds    ✓ stopped     ✓ stopped     ✓ stopped\n"
        "Tamper                   ✗ succeeds    ✓ stopped     ✓ stopped     ✓ stopped\n"
        "Impersonate the backend  ✗ succeeds    ✓ stopped     ✓ stopped     ✓ stopped\n"
        "Clone the device         ✗ succeeds    ✗ succeeds    ✓ stopped     ✓ stopped\n"
        "Steal the key file       ✗ succeeds    ✗ succeeds    ✗ succeeds    ✗ succeeds\n"
        "Steal the session        ✗ succeeds    ✗ succeeds    ✗ succeeds    ✓ stopped"
    )
    assert isinstance(panel.value, AttackTable)
    assert len(panel.value.results) == 24
    assert "24 attacks ran: 12 succeeded, 12 were stopped." in page_of(panel)


def test_without_protections_it_is_plain_tcp() -> None:
    panel = AttackPanel()
    assert panel.value.columns == ["Plain TCP"]
    assert "6 attacks ran: 6 succeeded, 0 were stopped." in page_of(panel)


def test_what_a_cross_means_is_said_before_the_table() -> None:
    """It is bad for whoever reads it, and good for Mallory."""
    head = AttackPanel().box.children[0].value
    assert "✗ succeeds, which is bad for you, and ✓ was stopped." in head


def test_a_cell_opens_its_evidence(protections: list[Protection]) -> None:
    panel = AttackPanel(protections)
    assert " open>" not in page_of(panel)
    verdict = panel.select("Clone the device", "TLS")
    assert isinstance(verdict, AttackResult)
    assert verdict.succeeded
    assert str(panel).endswith(str(verdict))
    assert panel.sequence == 2
    assert isinstance(panel.value, AttackTable)
    opened = [part for part in page_of(panel).split("<details")[1:] if " open>" in part[:40]]
    assert len(opened) == 1
    assert "Clone the device against TLS: </span>✗ succeeds" in opened[0]
    assert verdict.evidence[0].replace('"', "&quot;") in opened[0]
    with pytest.raises(
        UnknownName, match="no cell 'Clone the device against TLS 2'\nExpected: one of Eav"
    ):
        panel.select("Clone the device", "TLS 2")


def test_a_result_can_be_had_without_touching_the_panel(protections: list[Protection]) -> None:
    panel = AttackPanel(protections)
    before = panel.sequence
    result = panel.result("Clone the device", protections[0].name)
    assert (result.attack, result.protection) == ("Clone the device", protections[0].name)
    assert panel.sequence == before
    with pytest.raises(UnknownName, match="no cell"):
        panel.result("Clone the device", "Nothing")


def test_each_verdict_is_shown_as_soon_as_it_is_there(
    protections: list[Protection], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = AttackPanel(protections)
    seen: list[tuple[str, int, int]] = []

    def watched(protection: Protection) -> AttackResult:
        (said,) = re.findall(r"(\d+) of 24 attacks ran", panel._result.value)
        table = panel._table.value
        seen.append((said, table.count("<details"), table.count("<tr")))
        return eavesdrop(protection)

    monkeypatch.setattr(module, "ATTACKS", ATTACKS | {"Eavesdrop": watched})
    panel._run()
    # All rows are there from the beginning: what is below the table stays where it is.
    assert seen == [(str(count), count, 7) for count in (0, 6, 12, 18)]
    assert panel.sequence == 2


def test_running_again_says_the_same(protections: list[Protection]) -> None:
    panel = AttackPanel(protections)
    before = str(panel)
    panel.guard(panel._run)
    assert str(panel) == before
    assert panel.sequence == 2


def test_a_protection_that_does_not_work_is_told(
    protections: list[Protection], tmp_path_factory: pytest.TempPathFactory
) -> None:
    identity = self_signed("localhost", Purpose.SERVER, names=["localhost"])
    other = server_context(*identity.save(tmp_path_factory.mktemp("other"), "other"))
    panel = AttackPanel([Protection("Broken", other, protections[1].client_context)])
    assert isinstance(panel.value, ProtectionBroken)
    assert "the device itself is not served" in str(panel)
    assert 'data-outcome="error"' in page_of(panel)
    with pytest.raises(UnknownName, match="one of none"):
        panel.select("Eavesdrop", "Broken")


def test_what_comes_from_outside_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    def hostile(protection: Protection) -> AttackResult:
        return AttackResult(HOSTILE, protection.name, succeeded=True, evidence=(HOSTILE,))

    monkeypatch.setattr(module, "ATTACKS", {HOSTILE: hostile})
    panel = AttackPanel([Protection(f'"{HOSTILE}')])
    panel.select(HOSTILE, f'"{HOSTILE}')
    assert "&lt;img" in page_of(panel)
    for html in (page_of(panel), panel._repr_mimebundle_()["text/html"]):
        assert "<img" not in html


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (Protection("TLS"), "a protection without a list"),
        (["TLS"], "a list with a str in it"),
        (7, "an int"),
    ],
)
def test_what_is_no_list_of_protections_is_told(given: Any, found: str) -> None:
    makers: tuple[Callable[[Any], object], ...] = (AttackPanel, attack_table)
    for make in makers:
        with pytest.raises(LabError) as caught:
            make(given)
        assert caught.value.found == found
        assert caught.value.todo == "put it into brackets: [protection], or [one, other]"
