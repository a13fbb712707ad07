"""The room of forms: nothing foreign is markup, and all can be read without a style sheet."""

import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from mtls_lab.drawing import (
    ACTORS,
    BAD,
    EDGE,
    GOOD,
    WARN,
    Dot,
    Group,
    actor,
    actor_of,
    box,
    breakable,
    card,
    code,
    definitions,
    dots,
    escape,
    side_by_side,
    table,
    verdict,
)

EVIL = "<img src=x onerror=alert(1)> & \"friends'\u202e\x1b[31m\n"

WHITE, DARK = "#ffffff", "#212121"  # JupyterLab's dark is --jp-layout-color0 and -color1

FORMS = {
    "escape": escape(EVIL),
    "breakable": breakable(EVIL),
    "code": code(EVIL),
    "dots": dots([Group(EVIL, (Dot(EVIL, "open", EVIL),))], EVIL, opens=True),
    "actor": actor(EVIL),
    "words of an actor": actor("Eve", EVIL),
    "verdict": verdict(None, EVIL),
    "definitions": definitions([(EVIL, EVIL)]),
    "data of a box": box([], GOOD, testid=EVIL),
    "caption and heads of a table": table([EVIL], [(EVIL, [])], caption=EVIL),
}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_foreign_is_markup_or_unseen(form: str) -> None:
    markup = FORMS[form].replace("<wbr>", "")
    root = ET.fromstring(f"<div>{markup}</div>")  # noqa: S314 - our own markup
    assert "img" not in {element.tag for element in root.iter()}
    said = "".join(root.itertext()) + "".join(v for e in root.iter() for v in e.attrib.values())
    assert "<img src=x onerror=alert(1)> & \"friends'" in said
    assert r"\u202e\u001b[31m" in said
    assert not {"\u202e", "\x1b"} & set(said)


def test_no_form_needs_a_style_sheet_or_a_script() -> None:
    shown = side_by_side(card(actor("Eve"), definitions([("a", "b")]), good=False))
    shown += verdict(good=True, text="yes") + box(["x"], WARN) + table(["a"], [("b", [])])
    assert not re.search(r"\bclass=|<style|<script|<link|@media|\bon\w+=", shown)


def test_each_actor_has_a_colour_and_a_sign_of_its_own() -> None:
    for one, other in itertools.combinations(ACTORS.values(), 2):
        assert one.sign != other.sign
        assert one.colour != other.colour


@pytest.mark.parametrize("name", ACTORS)
def test_a_tag_can_be_read_on_any_page(name: str) -> None:
    """White text on its colour, which stands out from both pages (WCAG 1.4.3, 1.4.11)."""
    colour = ACTORS[name].colour
    assert contrast(colour, WHITE) >= 4.5
    assert contrast(colour, DARK) >= 3


@pytest.mark.parametrize("colour", [GOOD, BAD, WARN, EDGE])
def test_an_edge_can_be_seen_on_any_page_without_jupyterlabs_colours(colour: str) -> None:
    (fallback,) = re.findall("#[0-9a-f]{6}", colour)
    assert contrast(fallback, WHITE) >= 3
    assert contrast(fallback, DARK) >= 3


@pytest.mark.parametrize("name", ["Mallory", "mallory", "thief", "malware", "guesser"])
def test_whoever_acts_for_mallory_has_her_colour_and_sign(name: str) -> None:
    assert actor_of(name) == ACTORS["mallory"]
    assert f"▲ {name}" in actor(name)


def test_a_backend_under_another_name_is_a_backend() -> None:
    assert actor_of("sensors") == ACTORS["backend"]
    assert "■ sensors" in actor("sensors")


def test_a_verdict_is_said_by_a_sign_and_repeated_by_a_colour() -> None:
    for good, sign, colour in ((True, "✓ yes", GOOD), (False, "✗ yes", BAD), (None, "yes", EDGE)):
        shown = verdict(good, "yes")
        assert f">{sign}</p>" in shown
        assert colour in shown


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("expired at 19:12 UTC", "19:12 UTC"),
        ("at 19:12:07 it ended", "19:12:07"),
        ("has expired (verify code 10)", "(verify code 10)"),
        ("TLS 1.3 (RFC 8446)", "(RFC 8446)"),
    ],
)
def test_a_line_does_not_end_inside_a_time_or_a_remark(text: str, whole: str) -> None:
    assert f'<span style="display:inline-block">{whole}</span>' in breakable(text)


def test_a_long_remark_may_be_folded() -> None:
    text = "failed (and here it says at great length what happened)"
    assert breakable(text) == text


def test_code_keeps_its_lines_and_columns() -> None:
    assert code("device   ✓\nbackend  ✗").endswith(">device   ✓\nbackend  ✗</pre>")
    assert "monospace" in code("")


def test_a_long_heading_of_a_table_is_broken_between_its_words() -> None:
    assert ">Create<wbr>Primary ×2</th>" in table([], [("CreatePrimary ×2", [])])
    assert ">Key in a TPM</th>" in table(["Key in a TPM"], [])
