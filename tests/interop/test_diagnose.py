"""`diagnose` against real servers of many stacks: the true cause first, no wrong one certain.

The faults are in peers/faults.toml. `python -m tests.interop.peers` prints the score.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mtls_lab.diagnosing import classes, diagnose
from mtls_lab.diagnosing.value import Cause, Diagnosis
from tests.interop.peers.certificates import make
from tests.interop.peers.faults import ALL, FAULTS, Fault, asked, judged
from tests.interop.peers.programs import OURS, STACKS, missing, nginx
from tests.interop.peers.running import Setup

#: The programs are the same on every Python.
pytestmark = [pytest.mark.once, pytest.mark.usefixtures("installed")]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("peers"))


def test_every_program_is_installed() -> None:
    assert missing() == []


def test_the_faults_are_many_and_on_many_stacks() -> None:
    faults = [fault for fault in FAULTS if fault.cause]
    assert len(faults) >= 40
    assert len({fault.stack for fault in faults}) >= 6
    assert max(Counter(map(str, FAULTS)).values()) == 1, "two faults of one name"
    assert {fault.stack for fault in FAULTS} == set(ALL)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_true_cause_comes_first(fault: Fault, folder: Path) -> None:
    diagnosis = asked(fault, folder)
    assert judged(fault, diagnosis) == "", str(diagnosis)
    assert diagnosis.code == classes()[diagnosis.kind]["code"]
    assert diagnosis.ok == (fault.cause == "")


def as_its_client(
    port: int, folder: Path, *, http: bool = False, client: str = "client"
) -> Diagnosis:
    """With everything that a client has which is served, or that another one has."""
    return diagnose(
        ("127.0.0.1", port),
        cafile=folder / "ca.pem",
        certfile=folder / f"{client}.crt",
        keyfile=folder / f"{client}.key",
        server_hostname="localhost",
        http=http,
    )


def test_a_proxy_in_front_ends_tls(folder: Path) -> None:
    with nginx(Setup(folder)) as behind:
        onwards = f"location / {{ proxy_pass https://127.0.0.1:{behind.port}; }}"
        with nginx(Setup(folder, clients="none", extra=onwards)) as front:
            diagnosis = as_its_client(front.port, folder, http=True)
    assert [cause.name for cause in diagnosis.causes] == ["not_asked", "wanted_behind"]
    assert "--cert" not in diagnosis.causes[1].fix, "it was given"


@pytest.mark.parametrize(("clients", "sign"), [("required", "–"), ("optional", "✗")])
def test_to_be_served_without_a_certificate_is_the_fault(
    clients: str, sign: str, folder: Path
) -> None:
    with nginx(Setup(folder, clients=clients)) as server:
        diagnosis = as_its_client(server.port, folder, http=True)
    signs = {line.label: line.sign for line in diagnosis.lines}
    assert (signs["request"], signs["without it"]) == ("✓", sign), str(diagnosis)


def test_what_was_seen_is_no_cause(folder: Path) -> None:
    """A certificate was sent, is in date and is for clients, so that is not offered as a cause."""
    with OURS["go"](Setup(folder, ca="again.pem")) as server:
        diagnosis = as_its_client(server.port, folder)
    cause = diagnosis.causes[0]
    if "unknown_ca" in cause.evidence[0]:  # from Go 1.21 on
        assert cause.name == "same_name", str(diagnosis)
        return
    assert cause.name == "refused_vaguely", str(diagnosis)
    assert "its CA is not the one that the server trusts" in cause.says
    for excluded in ("none was sent", "expired", "clientAuth", "own key", "named"):
        assert excluded not in cause.says, excluded


def test_a_fault_that_a_vague_server_did_not_come_to_is_told_too(folder: Path) -> None:
    """Go looks at the dates first: that the issuer is not one it asks for shows all the same."""
    with OURS["go"](Setup(folder)) as server:
        diagnosis = as_its_client(server.port, folder, client="untrusted-expired")
    names = [cause.name for cause in diagnosis.causes]
    exact = "certificate_expired" in diagnosis.causes[0].evidence[0]  # newer releases of Go
    assert names == (["finding"] if exact else ["finding", "not_named"]), str(diagnosis)
    assert "expired" in diagnosis.causes[0].says


@pytest.mark.parametrize("stack", STACKS)
def test_the_command_says_the_same(stack: str, folder: Path) -> None:
    """A healthy server, by its command line and its JSON."""
    fault = next(fault for fault in FAULTS if fault.stack == stack and not fault.cause)
    starttls = ["--starttls", fault.starttls] if fault.starttls else []
    with ALL[stack](fault.setup(folder)) as server:
        command = [
            sys.executable,
            "-m",
            "mtls_lab",
            "diagnose",
            f"127.0.0.1:{server.port}",
            "--json",
        ]
        command += ["--server-name", "localhost", "--ca", str(folder / "ca.pem")]
        command += ["--cert", str(folder / "client.crt")]
        command += ["--key", str(folder / "client.key"), *starttls]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["class"], told["code"], told["causes"]) == ("ok", 0, [])
    assert {"TCP", "TLS 1.3", "TLS 1.2", "server", "asks"} <= {x["label"] for x in told["lines"]}


def test_a_cause_has_what_a_person_needs(folder: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.cause == "not_named")
    cause: Cause = asked(fault, folder).causes[0]
    assert cause.certain
    assert cause.fix
    assert cause.command.startswith("openssl x509 -in ")
    assert any("unknown_ca" in each for each in cause.evidence)
