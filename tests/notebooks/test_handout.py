"""The sheet to hand out: whole, in the order of the plan, and with nothing to load.

Here: the file. Not here: how it prints (tests/browser/test_slides.py), and the plan itself
(tests/repository/test_teaching.py).
"""

import html
import re
from pathlib import Path

import pytest

from mtls_lab.common import read_facts
from mtls_lab.learner.predictions import question
from tests.authoring import handout
from tests.authoring.canonical import ROOT
from tests.notebooks.test_slides import Loaded


@pytest.fixture(scope="module")
def page() -> str:
    """The sheet."""
    return handout.handout()


def plain(page: str) -> str:
    """What is read, without what marks it up."""
    return html.unescape(re.sub("<.*?>", "", page))


def test_every_prediction_of_the_short_plan_is_on_it(page: str) -> None:
    """Each with its own answer; and of the heart of the course, both sides."""
    teaching = (ROOT / "notebooks" / "teaching.md").read_text("utf-8")
    plan = handout.chapter(teaching, "90 minutes")
    named = [name for name in handout.outcomes() if f"*{name}*" in plan]
    assert len(named) >= 12
    asked = (question(name) for name in named)
    found = [
        page.find(f"{handout.inline(each.question)} <b>{each.answers[each.outcome]}</b>")
        for each in asked
    ]
    assert -1 not in found
    assert found == sorted(found)
    (sides,) = re.findall("(?s)Where does the device learn of it.*?<pre>(.*?)</pre>", page)
    device, backend = plain(sides).splitlines()
    assert "first read ✗ SSLError: TLSV13_ALERT_CERTIFICATE_REQUIRED" in device
    assert "handshake ✗ SSLError: PEER_DID_NOT_RETURN_A_CERTIFICATE" in backend


def test_every_credential_and_how_both_sides_end_is_on_it(page: str) -> None:
    facts = read_facts("credentials")
    rows = re.findall("<tr><th>(.*?)</th>(.*?)</tr>", page)
    assert [title for title, _ in rows if title] == [each["title"] for each in facts.values()]
    (expired,) = (plain(row) for title, row in rows if title == "Expired")
    assert expired.startswith("✗ handshake: CERTIFICATE_VERIFY_FAILED (10)✗ first read: SSLV3_")


def test_it_loads_nothing_and_ends_in_commands(page: str) -> None:
    assert Loaded(page).found == []
    *_, commands = re.findall("(?s)<pre>(.*?)</pre>", page)
    lines = plain(commands).splitlines()
    assert {line.split()[0] for line in lines} == {"mtls-lab", "openssl"}


def test_it_is_written_beside_the_slides(tmp_path: Path, page: str) -> None:
    handout.main(tmp_path / "slides")
    (written,) = (tmp_path / "slides").iterdir()
    assert written.read_text("utf-8") == page
