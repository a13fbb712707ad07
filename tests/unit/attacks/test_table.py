"""How the attack table looks as text, HTML and SVG. What is in it: test_attacks.py."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mtls_lab.attacks import (
    AttackResult,
    AttackTable,
    Protection,
    attack_table,
    eavesdrop,
    lab_protections,
)
from mtls_lab.common import LabError
from mtls_lab.drawing import BAD, GOOD
from tests.authoring.picture import svg

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<img src=x onerror=alert(1)> & \"friends'"


def table(*columns: str) -> AttackTable:
    return AttackTable(
        tuple(
            AttackResult(attack, column, succeeded, (f"It said <b>{column}</b>.",))
            for column in columns
            for attack, succeeded in (("Eavesdrop", True), ("Tamper", False))
        )
    )


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)  # noqa: S314 - our own markup


def test_text() -> None:
    assert str(table("Plain TCP", "TLS")).splitlines() == [
        "                         Plain TCP     TLS",
        "Eavesdrop                ✗ succeeds    ✗ succeeds",
        "Tamper                   ✓ stopped     ✓ stopped",
    ]


def test_the_text_has_a_column_for_the_longest_attack(tmp_path: Path) -> None:
    lines = str(attack_table(lab_protections(tmp_path))).splitlines()
    assert lines == [
        "                         Plain TCP     TLS           "
        "Mutual TLS    Mutual TLS, no sessions",
        "Eavesdrop                ✗ succeeds    ✓ stopped     ✓ stopped     ✓ stopped",
        "Tamper                   ✗ succeeds    ✓ stopped     ✓ stopped     ✓ stopped",
        "Impersonate the backend  ✗ succeeds    ✓ stopped     ✓ stopped     ✓ stopped",
        "Clone the device         ✗ succeeds    ✗ succeeds    ✓ stopped     ✓ stopped",
        "Steal the key file       ✗ succeeds    ✗ succeeds    ✗ succeeds    ✗ succeeds",
        "Steal the session        ✗ succeeds    ✗ succeeds    ✗ succeeds    ✓ stopped",
    ]


def test_html_is_a_table_with_headers() -> None:
    root = parsed(table("Plain TCP", "TLS")._repr_html_())
    heads = [cell.text for cell in root.iter("th")]
    assert heads == ["Plain TCP", "TLS", "◉ Eavesdrop", "▲ Tamper"]
    assert {cell.get("scope") for cell in root.iter("th")} == {"col", "row"}
    cells = [cell for row in root.findall("tbody/tr") for cell in row.findall("td")]
    assert [cell.text for cell in cells] == ["✗ succeeds"] * 2 + ["✓ stopped"] * 2
    assert cells[0].get("title") == "It said <b>Plain TCP</b>."


def test_svg_is_a_picture_with_words() -> None:
    root = parsed(svg(table("Plain TCP", "TLS")))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    title = root.find(f"{SVG}title")
    assert title is not None
    assert root.get("aria-labelledby") == title.get("id")
    assert title.text == "Attacks against Plain TCP, TLS"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts == [
        *("Plain TCP", "TLS"),
        *("Eavesdrop", "✗ succeeds", "✗ succeeds"),
        *("Tamper", "✓ stopped", "✓ stopped"),
    ]
    assert [rect.get("class") for rect in root.iter(f"{SVG}rect")] == ["bad"] * 2 + ["good"] * 2


def test_nothing_of_the_picture_is_outside_it() -> None:
    root = parsed(svg(table("Plain TCP", "TLS", "Mutual TLS", "With a TPM")))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert root.get("viewBox") == f"0 0 {width:.0f} {height:.0f}"
    for rect in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height


@pytest.mark.parametrize("form", [AttackTable._repr_html_, svg])
def test_a_name_is_text_whatever_it_says(form: Callable[[AttackTable], str]) -> None:
    markup = form(AttackTable((AttackResult(EVIL, EVIL, True, (EVIL,)),)))  # noqa: FBT003
    root = parsed(markup)
    assert "<img" not in markup
    assert not any(element.tag.endswith("img") for element in root.iter())
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)
    assert [str(element.text).removeprefix("▲ ") for element in root.iter()].count(EVIL) == 2


def test_an_empty_table() -> None:
    assert str(AttackTable(())) == ""
    parsed(AttackTable(())._repr_html_())
    parsed(svg(AttackTable(())))


def test_a_result_is_a_card_of_its_attacker() -> None:
    evil = AttackResult("Tamper", EVIL, succeeded=True, evidence=(EVIL,))
    shown = evil._repr_html_()
    assert "▲ Mallory</b>" in shown
    assert BAD in shown
    assert "<img" not in shown
    stopped = AttackResult("Eavesdrop", "TLS", succeeded=False, evidence=())._repr_html_()
    assert "◉ Eve</b>" in stopped
    assert GOOD in stopped


def test_no_column_hides_another() -> None:
    """Two protections of one name would share a column, and the weaker one might not be seen."""
    with pytest.raises(LabError, match="two protections named mine"):
        attack_table([Protection("mine"), Protection("other"), Protection("mine")], [eavesdrop])
