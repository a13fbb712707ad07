"""No reader of foreign bytes comes to harm: what once found a fault, real inputs, damaged ones."""

import random
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.__main__ import hunt
from tests.fuzz.seeds import CORPUS, committed, fresh
from tests.fuzz.targets import TARGETS
from tests.unit.damage import changed

# cryptography's, of what it will not read one day.
pytestmark = pytest.mark.filterwarnings("ignore")

#: Inputs with damage for each target; `make fuzz` tries some hundred thousand.
DAMAGED = 10


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    return fresh(tmp_path_factory.mktemp("seeds"))


@pytest.mark.parametrize("target", TARGETS)
def test_what_led_further_once(target: str) -> None:
    inputs = committed(target)
    assert len(set(inputs)) == len(inputs)
    for data in inputs:
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_real_inputs_and_damaged_ones(target: str, seeds: dict[str, list[bytes]]) -> None:
    luck = random.Random(target)
    for data in luck.sample(seeds[target], min(len(seeds[target]), DAMAGED)):
        TARGETS[target](data)
    for _ in range(DAMAGED):
        TARGETS[target](changed(luck.choice(seeds[target]), luck))


def test_every_target_has_inputs_and_no_other(seeds: dict[str, list[bytes]]) -> None:
    assert seeds.keys() == TARGETS.keys()
    assert {path.stem for path in CORPUS.iterdir()} <= TARGETS.keys()


@pytest.mark.once
def test_a_short_hunt(seeds: dict[str, list[bytes]], tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        # Its wheels are for Linux, and for no Python 3.15 yet.
        assert sys.platform != "linux" or sys.version_info >= (3, 15)
        return
    done = hunt("starttls", tmp_path, seeds["starttls"], "-runs=2000")
    assert (done.code, done.findings) == (0, ())
    assert done.inputs >= 2000
