"""Random and damaged lines and files: one clear answer each, never a traceback, in bounded time."""

from pathlib import Path

import pytest

from tests.unit.explaining.noise import Noise, answered

pytestmark = pytest.mark.once  # texts and files, read by our own code


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Noise:
    return Noise(tmp_path_factory.mktemp("noise"))


@pytest.mark.parametrize("first", range(0, 240, 60))
def test_every_case_gets_one_answer(noise: Noise, first: int) -> None:
    for number in range(first, first + 60):
        assert answered(noise, number) < 2, f"case {number}"


def test_the_cases_are_of_every_kind(noise: Noise, tmp_path: Path) -> None:
    """Lines that are still known, lines that no longer are, and files that can be read."""
    told = [noise.ask(number) for number in range(60)]
    assert {each.known for each in told} == {True, False}
    assert any(each.files for each in told)
    assert Noise(tmp_path).ask(3) == noise.ask(3)
