"""Every fault of a kata is real, shows as the data says, can be found and is repaired.

Here: faults, seeds, the teacher's key. Not here: what a learner does with a kata (test_task.py).
"""

import os
import re
import shlex
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from mtls_lab.common import FileProblem, LabError, UnknownName
from mtls_lab.exercises import Outcome, Unsafe
from mtls_lab.exercises.thief import steal
from mtls_lab.explaining import explain
from mtls_lab.kata import Kata, exam, faults, kata_key, sabotage
from mtls_lab.kata.faults import Fault, catalogue, drawn
from mtls_lab.net import Backend
from mtls_lab.pki import CertificateAuthority
from mtls_lab.wire import Exchange, Expected
from tests.unit.kata.repairs import repair

NAMES = list(catalogue())
#: Faults with which the device is served all the same, and Mallory too.
SILENT = [name for name in NAMES if catalogue()[name].first == "nobody"]
SHOWN = [name for name in NAMES if name not in SILENT]


def choices_of(level: int) -> list[tuple[Fault, ...]]:
    """What a seed may have at this level."""
    every = faults.catalogue().values()
    return faults._of_level(tuple(each for each in every if level == 3 or not each.example), level)


def seeds() -> Iterator[tuple[int, int]]:
    """Levels and seeds: each fault alone, and in pairs at each place that it can take."""
    for level in (1, 2, 3):
        missing = {place for choice in choices_of(level) for place in enumerate(choice)}
        for seed in count():
            if not missing:
                break
            if missing.intersection(new := list(enumerate(drawn(seed, level)))):
                missing.difference_update(new)
                yield level, seed


SEEDS = list(seeds())
#: Two faults at a time: each is proved alone on every system (test_a_fault_shows_as_told), and that
#: they do not meet is in the data (test_no_two_faults_of_a_kata_are_repaired_at_once).
PAIRS = [pytest.param(*each, marks=pytest.mark.once) for each in SEEDS if each[0] == 3]
ALONE = [each for each in SEEDS if each[0] != 3]


def healthy(folder: Path, *, crl: bool) -> Path:
    sabotage.lay_out(folder, crl=crl)
    return folder


def met(folder: Path) -> Exchange:
    with chdir(folder):
        return exam.meet(exam.load())


def seen(exchange: Exchange) -> tuple[Expected, Expected | None]:
    backend = Expected.seen(exchange.backend) if exchange.backend else None
    return Expected.seen(exchange.device), backend


@pytest.mark.parametrize("crl", [False, True])
def test_without_a_fault_nothing_is_refused(tmp_path: Path, *, crl: bool) -> None:
    with chdir(healthy(tmp_path, crl=crl)):
        assert len(list(exam.examine(crl=crl))) == 13 + 2 * crl


@pytest.mark.parametrize("name", SHOWN)
def test_a_fault_shows_as_told(tmp_path: Path, name: str) -> None:
    fault = catalogue()[name]
    folder = healthy(tmp_path, crl=fault.level == 3)
    fault.break_(folder)
    exchange = met(folder)
    assert seen(exchange) == (fault.device, fault.backend)
    side = exchange.device if fault.first == "device" else exchange.backend
    assert side
    assert side.failure
    assert "ALERT" not in side.failure.reason  # who refuses knows why, and no alert tells it
    repair(fault, folder)
    assert met(folder).ok


@pytest.mark.parametrize("name", SILENT)
def test_a_silent_fault_shows_when_mallory_attacks(tmp_path: Path, name: str) -> None:
    fault = catalogue()[name]
    folder = healthy(tmp_path, crl=fault.level == 3)
    fault.break_(folder)
    exchange = met(folder)
    assert exchange.ok
    assert seen(exchange) == (fault.device, fault.backend)
    with chdir(folder):
        with pytest.raises(Unsafe):
            list(exam.examine(crl=fault.level == 3))
        repair(fault, folder)
        list(exam.examine(crl=fault.level == 3))


def test_a_silent_fault_never_comes_first() -> None:
    """A kata begins with a device that is not served."""
    for level in (1, 2, 3):
        for first, *_ in choices_of(level):
            assert first.name not in SILENT


@pytest.mark.parametrize("name", NAMES)
def test_the_command_finds_it(tmp_path: Path, name: str) -> None:
    fault = catalogue()[name]
    folder = healthy(tmp_path, crl=fault.level == 3)
    fault.break_(folder)
    assert fault.says in run(fault.find, folder)
    repair(fault, folder)
    assert fault.says not in run(fault.find, folder)


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("backend_never_asks", "never_asked", "CERT_NONE"),
        ("client_ca_is_no_ca", "not_a_ca", "does not say CA:TRUE"),
        ("client_ca_may_not_sign", "ca_without_cert_sign", "no keyCertSign"),
        ("server_chain", "unknown_issuer", "is an intermediate CA that has to be sent along"),
    ],
)
def test_explain_does_not_mislead_where_the_message_does(
    tmp_path: Path, name: str, entry: str, words: str
) -> None:
    """As the notebook calls it, with the files of the side that was refused."""
    fault = catalogue()[name]
    fault.break_(healthy(tmp_path, crl=False))
    exchange = met(tmp_path)
    with chdir(tmp_path):
        certfile, cafile = "device/client.crt", "backend/client_ca.pem"
        if fault.first == "device":
            certfile, cafile = "backend/server.crt", "device/server_ca.pem"
        told = explain(exchange, certfile=certfile, cafile=cafile)
    assert told.entry == entry
    assert words in told.why


def test_explain_says_what_the_session_of_a_kata_proves(tmp_path: Path) -> None:
    """In both versions, once the backend speaks both."""
    catalogue()["backend_resumes"].break_(healthy(tmp_path, crl=True))
    sabotage.edit(tmp_path, "minimum_version = ssl.TLSVersion.TLSv1_3", "num_tickets = 1")
    with chdir(tmp_path):
        contexts = exam.load()
        assert isinstance(contexts.backend, ssl.SSLContext)
        with Backend(contexts.backend, authorize=contexts.authorize) as backend:
            thefts = list(steal(backend, exam.load().present))
    for theft, version in zip(thefts, ("TLSv1.3", "TLSv1.2"), strict=True):
        assert theft.stolen
        told = explain(theft.stolen)
        assert told.entry == "served_resumed"
        assert f"over {version}, in a resumed session. It takes the device for" in told.what


def run(command: str, folder: Path) -> str:
    program, *arguments = shlex.split(command)
    if program == "python":
        program = sys.executable
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


# --- Seeds


@pytest.mark.parametrize(("level", "seed"), [*ALONE, *PAIRS])
def test_a_seed_is_broken_and_can_be_repaired(tmp_path: Path, level: int, seed: int) -> None:
    kata = Kata.create(seed, level, tmp_path / "kata")
    served = []
    for fault in drawn(seed, level):
        exchange = kata.ask()
        served.append(exchange.ok)
        assert seen(exchange) == (fault.device, fault.backend)
        assert kata.check().outcome is (Outcome.UNSAFE if exchange.ok else Outcome.NOT_YET)
        repair(fault, kata.folder)
    assert not served[0]
    result = kata.check()
    assert result.right, result


@pytest.mark.parametrize("name", ["server_chain", "client_chain"])
def test_an_issuing_ca_that_is_loaded_repairs_as_the_notebook_says(
    tmp_path: Path, name: str
) -> None:
    """Its leaves came without it, and so broken as before."""
    catalogue()[name].break_(healthy(tmp_path, crl=False))
    assert not met(tmp_path).ok
    ca = CertificateAuthority.load(tmp_path / "ca/issuing_ca.crt", tmp_path / "ca/issuing_ca.key")
    if name == "server_chain":
        ca.issue_server(["localhost"]).save(tmp_path / "backend", "server")
    else:
        ca.issue_client("trusted-client").save(tmp_path / "device", "client")
    exchange = met(tmp_path)
    assert exchange.ok, exchange


def test_every_fault_is_drawn() -> None:
    assert {each.name for level, seed in SEEDS for each in drawn(seed, level)} == set(NAMES)
    assert sum(level == 3 for level, _ in SEEDS) >= 32


def test_each_level_has_its_own() -> None:
    for seed in range(500):
        assert [each.level for each in drawn(seed, 1)] == [1]
        assert [each.level for each in drawn(seed, 2)] == [2]
        first, second = drawn(seed, 3)
        assert first.hides(second)
        assert 3 in {first.level, second.level}
        assert {first, second}.isdisjoint(drawn(seed, 1) + drawn(seed, 2))


def test_a_class_gets_many_faults() -> None:
    for level, least in [(1, 9), (2, 9), (3, 25)]:
        assert len({drawn(seed, level) for seed in range(30)}) >= least


@pytest.mark.parametrize(
    ("seed", "level", "names"),
    [
        ("anna", 1, ["client_loads_nothing"]),
        ("anna", 2, ["rule_reads_issuer"]),
        ("ute", 2, ["rule_reads_issuer"]),
        ("anna", 3, ["server_address", "client_revoked"]),
        (7, 1, ["client_key"]),
        ("lena learner", 3, ["client_files_exchanged", "crl_expired"]),
    ],
)
def test_a_seed_means_the_same_everywhere(seed: str | int, level: int, names: list[str]) -> None:
    assert [each.name for each in drawn(seed, level)] == names


def test_no_seed_has_the_fault_of_an_example() -> None:
    """Only those that had one have another now, and at no other level does anything change."""
    for seed in range(500):
        (had,), (has,) = faults._draws(seed, 2)[-1], drawn(seed, 2)
        assert not has.example
        assert (has == had) is not bool(had.example)
        assert drawn(seed, 3) == faults._draws(seed, 3, faults.SECOND)[-1]


@pytest.mark.parametrize(
    ("seed", "level", "names"),
    [
        ("anna", 3, "client_der, then server_ca_is_client_ca"),
        ("ute", 2, "client_of_same_named_ca"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_the_key_knows_a_folder_of_before(seed: str, level: int, names: str) -> None:
    """It opens, and its key has what the seed had then; that of a new folder has not."""
    before = faults.drawn_before(seed, level)
    assert before
    assert ", then ".join(each.name for each in before) == names
    assert "earlier version" not in kata_key(seed, level)
    kata = Kata.create(seed, level)
    assert "earlier version" not in kata_key(seed, level)
    made = kata.folder / ".kata" / "made.json"
    made.write_text(made.read_text().replace('"version": 3', '"version": 2'))
    assert Kata.create(seed, level).changed() == []
    said = f"kata/{level}-{seed} is of an earlier version of the lab. It may have: {names}"
    assert kata_key(seed, level).splitlines()[-1] == said
    made.write_text("[")
    assert "earlier version" not in kata_key(seed, level)


@pytest.fixture(scope="module")
def before() -> dict[tuple[int, int], tuple[Fault, ...]]:
    """What the first seeds have, by seed and level."""
    return {(seed, each): drawn(seed, each) for seed in range(500) for each in (1, 2, 3)}


@pytest.mark.once  # numbers and a hash
@pytest.mark.parametrize("level", [1, 2, 3])
def test_another_fault_takes_its_share_and_the_other_seeds_stay(
    monkeypatch: pytest.MonkeyPatch, before: dict[tuple[int, int], tuple[Fault, ...]], level: int
) -> None:
    """At every level: what a seed no longer has at level 1 does not come back to it at level 3."""
    added = replace(catalogue()["client_key"], name="new", level=level)
    more = {**catalogue(), added.name: added}
    monkeypatch.setattr(faults, "catalogue", lambda: more)
    after = {place: drawn(*place) for place in before}
    assert all(added in after[place] for place in before if after[place] != before[place])
    changed = [place for place in before if after[place] != before[place] and place[1] == level]
    choices = choices_of(level)
    fair = 500 * sum(added in choice for choice in choices) / len(choices)
    assert fair / 2 < len(changed) < fair * 2


@pytest.mark.parametrize("spelled", ["Anna", " anna ", "ANNA!", "\uff41\uff4e\uff4e\uff41"])
def test_one_name_is_one_seed(spelled: str) -> None:
    assert drawn(spelled, 1) == drawn("anna", 1)
    assert faults.slug(spelled) == "anna"


@pytest.mark.parametrize("seed", ["", " ", "../..", "x" * 41, True, None, 1.5, b"anna"])
def test_what_is_no_seed(seed: str) -> None:
    with pytest.raises(LabError, match="a number, or a short text"):
        drawn(seed, 1)


@pytest.mark.parametrize("level", [0, 5, "1", True, None, 1.0, []])
def test_what_is_no_level(level: int) -> None:
    with pytest.raises(UnknownName, match="one of 1, 2, 3, 4"):
        drawn("anna", level)


@pytest.mark.once  # numbers and a hash
def test_level_4_is_a_fleets_life_and_no_fault_twice() -> None:
    had: dict[str, int] = {}
    for seed in range(200):
        (fault,) = drawn(seed, 4)
        assert fault not in {each for level in (1, 2, 3) for each in drawn(seed, level)}
        had[fault.name] = had.get(fault.name, 0) + 1
    assert set(had) == {"client_renewal", "client_chain", "client_ca_rolled", "crl_of_old_ca"}
    assert min(had.values()) > 200 / 8


# --- The catalogue and the key


def test_no_two_faults_of_a_kata_are_repaired_at_once() -> None:
    for one, other in choices_of(3):
        assert one.order < other.order
        assert one.parts.isdisjoint(other.parts)


def test_an_edit_needs_its_line(tmp_path: Path) -> None:
    folder = healthy(tmp_path, crl=False)
    fault = catalogue()["versions"]
    with pytest.raises(FileProblem, match="edit the file by hand"):
        repair(fault, folder)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_key_tells_what_is_broken(level: int) -> None:
    for seed in range(20):
        key = kata_key(seed, level)
        for fault in drawn(seed, level):
            assert told(fault) <= set(key.splitlines())
        assert key == kata_key(str(seed), level)


def test_the_key_to_a_silent_fault() -> None:
    for name in SILENT:
        line = "Shows:    the device is served, and so is Mallory: kata.check() says how"
        assert line in str(catalogue()[name]).splitlines()


def told(fault: Fault) -> set[str]:
    return {
        f"   Wrong:    {fault.wrong}",
        f"   Find:     {fault.find}",
        f"   Look for: {fault.says}",
        f"   Repair:   {fault.repair_in_words}",
    }


def test_the_key_in_full() -> None:
    seed = next(n for n in range(99) if drawn(n, 1)[0].name == "client_key")
    assert re.sub(r"Kata 1/\d+", "Kata 1/N", kata_key(seed)).splitlines()[:5] == [
        "Kata 1/N: one fault, and its message names it",
        "",
        "1. client_key",
        "   Wrong:    device/client.key is not the key of device/client.crt.",
        "   Shows:    the device: setup, KEY_VALUES_MISMATCH; the backend: sees no connection",
    ]
