"""Who calls with the key: how every choice ends, what was recorded of it, and the panel."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mtls_lab.common import UnknownName, read_facts
from mtls_lab.experiments import holders as module
from mtls_lab.experiments.holders import KEYS, VERSIONS, KeyBench, holders
from mtls_lab.panels import TpmPanel
from mtls_lab.panels import tpm as panel_module
from mtls_lab.tpm import missing
from tests import needed
from tests.authoring.tpm_runs import recorded

#: The systems of the matrix have no software TPM: there, what was recorded is shown.
#: Who is served, by where the key is; the same in both versions.
SERVED = {
    "file": {"device", "files", "chip", "malware", "locked"},
    "tpm": {"device", "chip", "malware"},
}
#: How the others fail.
TEXTS = {
    ("file", "pin"): "[SSL] PEM lib",
    ("tpm", "files"): "[SSL] PEM lib (0x1df)",
    ("tpm", "pin"): "[SSL] EVP lib (0x98e)",
    ("tpm", "locked"): "[SSL] EVP lib (0x921)",
}


@pytest.fixture(scope="module")
def bench() -> KeyBench:
    return KeyBench()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a software TPM."""
    for each in (module, panel_module):
        monkeypatch.setattr(each, "missing", lambda: ("swtpm", "tpm2-openssl"))


@pytest.mark.once
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("holder", holders())
@pytest.mark.parametrize("key", KEYS)
def test_each_choice_ends_as_is_told(bench: KeyBench, key: str, holder: str, version: str) -> None:
    run = bench.run(key, holder, version)
    assert run.exchange.ok is (holder in SERVED[key])
    failure = run.exchange.device.failure
    assert (failure.text if failure else "") == TEXTS.get((key, holder), "")
    assert bool(run.questions.asked) is (key == "tpm")
    if run.exchange.ok:
        assert run.exchange.device.version == VERSIONS[version].replace("_", ".")
    if key == "tpm":
        told = json.loads(json.dumps(recorded(run)))
        assert for_the_key(told) == for_the_key(read_facts("tpm_runs")[holder][version])
        assert run.recorded is bool(missing())


def for_the_key(told: dict[str, Any]) -> dict[str, Any]:
    """A run without what Debian 12's provider has its TPM do beside: it checks signatures there."""
    beside = {*panel_module.CHECKS, "SequenceComplete", "VerifySignature", "FlushContext"}
    return told | {"asked": [each for each in told["asked"] if each[0] not in beside]}


@pytest.mark.once
@needed.TPM
def test_no_call_changes_the_next(bench: KeyBench) -> None:
    """Wrong PINs are counted in a TPM that is put back as it was."""
    bench.run("tpm", "locked")
    failure = bench.run("tpm", "pin").exchange.device.failure
    assert failure
    assert failure.text == "[SSL] EVP lib (0x98e)"


@pytest.mark.usefixtures("elsewhere")
def test_without_a_tpm_the_file_is_real_and_the_rest_is_recorded() -> None:
    panel = TpmPanel()
    assert panel.value.recorded
    for holder in holders():
        run = panel.select("tpm", holder)
        assert (run.recorded, run.exchange.ok) == (True, holder in SERVED["tpm"])
        assert "it lacks swtpm, tpm2-openssl." in panel._result.value
        assert ("▲" in panel._result.value) is holders()[holder].thief
        assert "The messages were not recorded" in panel._ladder._html.value
    real = panel.select("file", "files")
    assert (real.recorded, real.exchange.ok) == (False, True)
    assert "Recorded" not in panel._result.value
    assert "ClientHello" in panel._ladder._html.value


def test_what_the_panel_shows() -> None:
    panel = TpmPanel()
    assert 'data-outcome="served"' in panel._result.value
    asked = panel._asked.value
    assert re.search(r"What the device's TPM was asked: \d\d commands", asked)
    # tpm2-openssl before 1.2 has the TPM check the backend's signatures as well.
    folded = ["<details>"] * ("VerifySignature" in asked)
    assert asked.count("<details>") == len(folded)
    places = [asked.index(part) for part in ("<b>Load</b>", *folded, "<b>Sign</b>")]
    assert places == sorted(places)
    stolen = panel.select("tpm", "files")
    assert stolen is panel.value
    assert 'data-outcome="refused"' in panel._result.value
    assert "The TPM cannot unwrap what it was given" in panel._result.value
    assert "What the thief's TPM was asked: 6 commands" in panel._asked.value
    assert "0x1df" in panel._asked.value
    panel.select("tpm", "malware")
    assert 'data-outcome="thief served"' in panel._result.value
    panel.select("file")
    assert "No TPM was asked" in panel._asked.value


def test_a_choice_alone_runs_nothing() -> None:
    panel = TpmPanel()
    before = panel.sequence
    panel._who.value = "files"
    assert panel.sequence == before
    panel._run()
    assert (panel.sequence, panel.value.holder) == (before + 1, "files")


def test_what_there_is_not() -> None:
    panel = TpmPanel()
    shown = panel._result.value
    with pytest.raises(UnknownName, match="no place for a key 'smart card'"):
        panel.select("smart card")
    with pytest.raises(UnknownName, match="no holder 'eve'"):
        panel.select("tpm", "eve")
    with pytest.raises(UnknownName, match="no version 'SSL 3'"):
        panel.select("tpm", "device", "SSL 3")
    assert panel._result.value == shown


def test_nothing_stays(bench: KeyBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bench.run("tpm", "files")
    assert list(tmp_path.iterdir()) == []
