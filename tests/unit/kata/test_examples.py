"""The worked diagnoses: the same fault for everybody, new each time, and a diagnosis that is run.

Not here: the notebook that works them out (tests/notebooks/test_diagnoses.py).
"""

import os
from pathlib import Path, PureWindowsPath

import pytest

from mtls_lab.classroom.one_learner import solved_katas
from mtls_lab.common import UnknownName
from mtls_lab.exercises import Outcome
from mtls_lab.kata import worked_kata
from mtls_lab.kata.examples import EXAMPLES
from mtls_lab.kata.faults import catalogue
from mtls_lab.learner import progress
from mtls_lab.learner.progress import FILE
from mtls_lab.pki import CertificateAuthority, pem
from mtls_lab.wire import Expected
from tests.unit.kata.repairs import repair

RIGHT = {
    1: ("device", "handshake", "backend/server.crt"),
    2: ("backend", "handshake", "device/client.crt"),
    3: ("backend", "handshake", "backend/client_ca.pem"),
}


pytestmark = pytest.mark.usefixtures("folder")


def test_the_fault_of_an_example_misleads_and_nobodys_first_kata_has_it() -> None:
    assert list(EXAMPLES) == [1, 2, 3]
    assert [catalogue()[name].level for name in EXAMPLES.values()] == [2, 2, 2]


@pytest.mark.parametrize("number", EXAMPLES)
def test_an_example_has_its_fault_until_it_is_repaired(number: int, folder: Path) -> None:
    example, fault = worked_kata(number), catalogue()[EXAMPLES[number]]
    assert example.folder == folder / "kata" / f"example-{number}"
    assert str(example).startswith(f"Example {number}\n  in kata/example-{number}\n")
    exchange = example.ask()
    assert Expected.seen(exchange.device) == fault.device
    assert exchange.backend
    assert Expected.seen(exchange.backend) == fault.backend
    assert example.check().outcome is Outcome.NOT_YET
    repair(fault, example.folder)
    assert example.check().right
    assert worked_kata(number).check().outcome is Outcome.NOT_YET  # the cell was run again


def test_an_example_is_nobodys_solved_kata(folder: Path) -> None:
    example = worked_kata(3)
    repair(catalogue()[EXAMPLES[3]], example.folder)
    assert example.check().right
    assert not (folder / FILE).exists()
    assert solved_katas(progress.read(folder)) == 0


def test_it_is_made_in_the_learners_folder_from_inside_another(folder: Path) -> None:
    os.chdir(worked_kata(1).folder)
    assert worked_kata(2).folder == folder / "kata" / "example-2"


@pytest.mark.parametrize("number", EXAMPLES)
def test_the_right_diagnosis(number: int) -> None:
    result = worked_kata(number).diagnosed(*RIGHT[number])
    side, stage, file = RIGHT[number]
    assert result.outcome is Outcome.RIGHT
    assert result.seen == (
        f"the {side} refused",
        f"at its {stage}",
        f"with the right {file}, the device is served",
    )


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (("device", "handshake", "backend/client_ca.pem"), "it was not 'device' that refused"),
        ((None, "handshake", "backend/client_ca.pem"), "None is neither of the two sides"),
        (("server", "handshake", "backend/client_ca.pem"), "'server' is neither of the two sides"),
        (("backend", "first read", "backend/client_ca.pem"), "was not at 'first read'"),
        (("backend", "handshake", "client_ca.pem"), "there is no file 'client_ca.pem'"),
        (("backend", "handshake", 7), "there is no file 7"),
        (("backend", "handshake", "../broken/contexts.py"), "there is no file '../broken"),
        (("backend", "handshake", "/etc/hostname"), "there is no file '/etc/hostname'"),
        (
            ("backend", "handshake", "device/client.crt"),
            "with a new device/client.crt from CN=Client CA, the device is still refused",
        ),
        (
            ("backend", "handshake", "device/server_ca.pem"),
            "with another device/server_ca.pem, the device is still refused",
        ),
    ],
)
def test_a_wrong_diagnosis(told: tuple[object, object, object], found: str) -> None:
    result = worked_kata(3).diagnosed(*told)
    assert result.outcome is Outcome.NOT_YET
    assert found in result.found
    assert result.rule


@pytest.mark.parametrize(
    "told",
    [
        ("Backend", "Handshake", "backend/client_ca.pem"),
        (" backend ", "handshake", Path("backend/client_ca.pem")),
        ("BACKEND", "handshake", PureWindowsPath("backend/client_ca.pem")),
        ("backend", "handshake", "backend\\client_ca.pem"),
        ("backend", "handshake", "./backend/client_ca.pem"),
    ],
)
def test_a_right_diagnosis_however_it_is_written(told: tuple[object, object, object]) -> None:
    result = worked_kata(3).diagnosed(*told)
    assert result.right, result
    assert result.seen[:2] == ("the backend refused", "at its handshake")


def test_an_open_diagnosis() -> None:
    example = worked_kata(3)
    assert example.diagnosed("backend", ..., ...).outcome is Outcome.NOT_ATTEMPTED


def test_a_diagnosis_stays_right_after_the_repair() -> None:
    """It is about the fault as it was made, and the cell may be run again."""
    example = worked_kata(3)
    repair(catalogue()[EXAMPLES[3]], example.folder)
    assert example.diagnosed(*RIGHT[3]).right


def test_the_other_way_that_the_notebook_names_ends_the_error_too() -> None:
    example = worked_kata(3)
    ca = example.folder / "ca"
    server_ca = CertificateAuthority.load(ca / "server_ca.crt", ca / "server_ca.key")
    server_ca.issue_client("trusted-client").save(example.folder / "device", "client")
    assert example.ask().ok
    result = example.check()
    assert result.outcome is Outcome.UNSAFE
    assert result.found.startswith("Mallory, with a certificate of ca/server_ca, got")


@pytest.mark.parametrize("number", EXAMPLES)
@pytest.mark.parametrize("side", ["backend/client_ca.pem", "device/server_ca.pem"])
def test_an_example_whose_repair_trusts_both_cas(number: int, side: str) -> None:
    example = worked_kata(number)
    repair(catalogue()[EXAMPLES[number]], example.folder)
    both = (pem.read_certificate(example.folder / f"ca/{ca}_ca.crt") for ca in ("server", "client"))
    pem.write_certificate(example.folder / side, *both)
    assert example.ask().ok
    result = example.check()
    assert result.outcome is Outcome.UNSAFE
    ca = "server_ca" if side.startswith("backend") else "client_ca"
    assert f"with a certificate of ca/{ca}, " in result.found
    assert "two CAs" in result.rule


def test_no_such_example() -> None:
    with pytest.raises(UnknownName, match="no example '4'"):
        worked_kata(4)
