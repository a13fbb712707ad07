"""What peers say, by data/peers.json: it is what they say now, and `explain` tells it by its cause.

`python -m tests.interop.peers.table` makes the file.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mtls_lab import explain
from mtls_lab.common import read_facts
from mtls_lab.explaining.alerts import alerts_in
from mtls_lab.explaining.peers import LEAST, Runs, said
from tests.interop.peers.certificates import make
from tests.interop.peers.clients import Call
from tests.interop.peers.clients import said as call_said
from tests.interop.peers.running import Hung
from tests.interop.peers.table import (
    CALLS,
    CREDENTIALS,
    FILE,
    REFERENCE,
    SHARED,
    STARTS,
    VERSIONS,
    Heard,
    Row,
    lines_of,
    rows,
    run,
    stack,
    table,
    written,
)

TABLE = read_facts("peers")
CAUSES = read_facts("causes")
#: Cheap peers, with every credential: one that tells the reason, one that does not, a page.
SAMPLE = {("go", "go"), ("nginx", "curl"), ("openssl", "openssl")}


def told() -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Give each line of the file with its stack, its side, and the runs in which it was said."""
    for name, sides in TABLE["says"].items():
        for side, lines in sides.items():
            for line, seen in lines.items():
                if line:
                    yield name, side, line, seen


LINES = list(told())


def seen_before(row: Row, side: str, peer: str, lines: tuple[str, ...]) -> bool:
    """Whether a line of a run, or that it said nothing, is in the file for this row."""
    known: dict[str, Any] = TABLE["says"].get(stack(peer), {}).get(side, {})
    return any(
        row.with_whom(side) in known.get(line, {}).get(row.key, "").split(", ")
        for line in (*lines, "")
    )


@pytest.mark.once  # the programs are the same on every Python
@pytest.mark.usefixtures("installed")
def test_a_part_of_the_table_is_what_peers_say_now(tmp_path: Path) -> None:
    chosen = [row for row in rows() if (row.server, row.client) in SAMPLE and row.version == "1.2"]
    heard = list(run(chosen, make(tmp_path)))
    assert len(heard) == len(chosen) >= 30
    new = [
        (each.row, side, lines)
        for each in heard
        for side, peer, lines in each.lines()
        if not seen_before(each.row, side, peer, lines)
    ]
    assert new == []


def test_a_second_run_changes_nothing() -> None:
    """The file is what is made of nothing new, and of what was seen before."""
    before = json.loads(FILE.read_text("utf-8"))
    assert table([], before)["says"] == before["says"]
    assert json.loads(written(before)) == before


def test_a_server_sends_what_pythons_clients_have_heard_of_it() -> None:
    """By the alerts, `explain(peer=…)` leaves out what a stack does not send it for."""
    content = json.loads(FILE.read_text("utf-8"))
    heard = {
        (server, fault, alert)
        for line, faults in content["says"]["python"]["device"].items()
        for fault, whom in faults.items()
        for server in {each.split(" ")[0] for each in whom.split(", ") if "resumed" not in each}
        for alert in alerts_in(line.lower())
        if fault in CREDENTIALS and server in content["alerts"]
    }
    sent = {
        (server, fault, alert)
        for release, faults in content["alerts"].items()
        for server in [release.partition(" ")[0]]
        for fault in CREDENTIALS
        for alert in faults.get(fault, ())
    }
    assert ("python", "none", "certificate_required") in heard
    assert heard - sent == set()


def test_what_is_said_in_health_is_no_sign_of_a_fault() -> None:
    row = Row("go", "go", "client", "valid", "1.3")
    sick = Row("go", "go", "client", "expired", "1.3")
    heard = [
        Heard(row, "verify depth is 4\n", "no error\n"),
        Heard(sick, "verify depth is 7\nalert bad certificate\n", "no error\n"),
    ]
    says = table(heard, {"alerts": {"go": {"name": "Go"}}})["says"]["go"]
    assert set(says["device"]) == {"", "alert bad certificate"}
    assert set(says["backend"]) == {""}


def test_what_differs_between_runs_is_left_out() -> None:
    line = "2026/11/26 07:56:46 http: TLS handshake error from 127.0.0.1:34006: EOF"
    assert lines_of(f"{line}\n-- end\n") == ("http: TLS handshake error from …: EOF",)


@pytest.mark.once  # a text of the data, looked up
def test_explain_names_no_cause_that_the_run_contradicts(subtests: pytest.Subtests) -> None:
    for name, side, line, seen in LINES:
        with subtests.test(f"{name} {side} {line[:50]}"):
            explanation = explain(line)
            faults = Runs.of(line).faults
            assert len(line) < LEAST or set(said(line)) >= set(seen), (name, side)
            assert explanation.known or not faults
            if not explanation.causes:  # it is certain: then of what every run had that said so
                wrong = [
                    (fault, whose)
                    for fault, whose in faults
                    for other in (each for each in CAUSES.values())
                    for cause in other.values()
                    if explanation.entry in cause["told_by"]
                    and explanation.entry not in CAUSES[fault][whose]["told_by"]
                ]
                assert wrong == [], explanation


@pytest.mark.once
@pytest.mark.usefixtures("installed")
def test_a_row_that_hangs_is_told_and_the_others_are_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A client that does not end, between two that do, at one server."""

    def sleeper(call: Call) -> str:
        with monkeypatch.context() as soon:
            soon.setattr("tests.interop.peers.running.LONG", 0.5)
            return call_said(call, "sleep", "600")

    monkeypatch.setitem(CALLS, "sleeper", sleeper)
    server = next(name for name in sorted(SHARED) if name.startswith("python3"))
    chosen = [Row(server, name, "client", "valid", "1.2") for name in ("curl", "sleeper", "wget")]
    monkeypatch.setitem(CALLS, "wget", CALLS["openssl"])
    heard = list(run(chosen, make(tmp_path)))
    assert [each.row.client for each in heard] == ["curl", "wget"]
    told = capsys.readouterr().err
    assert re.search(
        r"left out: Row\(.*client='sleeper'.*sleep does not end; 1 more of python3", told
    )


@pytest.mark.once
def test_a_server_that_does_not_start_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(_: object) -> NoReturn:
        raise Hung("it does not listen")

    monkeypatch.setitem(STARTS, "go", never)
    chosen = [Row("go", "curl", "client", name, "1.2") for name in ("valid", "none")]
    assert list(run(chosen, tmp_path)) == []
    assert capsys.readouterr().err.count("it does not listen") == 2


@pytest.mark.once
@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("version", VERSIONS)
def test_openssl_comes_back_with_its_session(tmp_path: Path, version: str) -> None:
    """It is served without a certificate, as the first call was with one."""
    row = Row("nginx", "openssl", "client", "none", version, resumed=True)
    (heard,) = run([row], make(tmp_path))
    assert re.search(r"(?m)^Reused, TLSv", heard.device)
    assert heard.device.rstrip().endswith("hello") or "HTTP/1.1 200 OK" in heard.device


@pytest.mark.once
@pytest.mark.usefixtures("installed")
def test_haproxy_says_in_its_log_that_it_refuses(tmp_path: Path) -> None:
    rows_ = [Row("haproxy", REFERENCE, "client", name, "1.3") for name in ("none", "untrusted")]
    said_ = {each.row.credential: each.backend for each in run(rows_, make(tmp_path))}
    assert "SSL handshake failure" in said_["none"]
    assert "SSL client certificate not trusted" in said_["untrusted"]
