"""What a key in a software TPM costs: in a handshake, for six devices at once, on a factory line.

Here: the figures, each against the same with keys in files; one line where there is no TPM. Not
here: the other notebooks (notebooks.py). A real chip is slower by far: these are the costs of the
way to it, through OpenSSL's provider and the resource manager.
"""

import os
import resource
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from mtls_lab.learner import notebooks as unpacking
from mtls_lab.net import Backend, Presented, ask_each_apart, server_context
from mtls_lab.pki import CertificateAuthority, Purpose, write_certificate
from mtls_lab.tpm import (
    SoftwareTPM,
    create_csr,
    create_wrapped_key,
    missing,
)
from tests.authoring.canonical import CELL_TIMEOUT
from tests.benchmarks.figures import Figure, compare, seconds
from tests.unit.lab import VERSIONS, spelled

#: Exchanges of a device's process in a measurement: its start is measured apart, and taken off.
BATCH = 20
#: Devices at once, each a process, and devices that a factory makes.
DEVICES, FLEET = 6, 20
#: With tpm2-openssl before 1.2, every signature is checked inside the TPM as well: some ten times.
MOST = 30.0
#: Seconds of a processor for Run All of notebook 4.
RUN_ALL = 20.0


def figures() -> Iterator[Figure]:
    if lacking := missing():
        yield Figure(
            "a key in a TPM", "skipped", "", met=True, details=f"no {', no '.join(lacking)}"
        )
        return
    with tempfile.TemporaryDirectory() as name, SoftwareTPM(Path(name, "tpm")) as chip:
        folder = Path(name)
        ca = CertificateAuthority.create("Lab CA")
        write_certificate(folder / "ca.crt", ca.certificate)
        server = ca.issue_server(["localhost"]).save(folder, "server")
        ca.issue_client("file").save(folder, "file")
        provision(folder, ca, chip, "tpm")
        settings = chip.environment(folder)
        with Backend(
            server_context(*server, client_ca=folder / "ca.crt"),
            handshake_timeout=60,
            idle_timeout=60,
        ) as backend:
            for version in VERSIONS:
                yield handshakes(folder, backend, chip, settings, version)
                yield asked(folder, backend, chip, settings, version)
            yield at_once(folder, backend, settings)
        yield factory(folder, ca, chip)
    yield run_all()


def provision(folder: Path, ca: CertificateAuthority, chip: SoftwareTPM, name: str) -> None:
    create_wrapped_key(chip, folder / f"{name}.key")
    certificate = ca.sign(create_csr(chip, folder / f"{name}.key", name), Purpose.CLIENT)
    write_certificate(folder / f"{name}.crt", certificate)


def presented(folder: Path, name: str, version: ssl.TLSVersion | None = None) -> Presented:
    return Presented(
        certfile=str(folder / f"{name}.crt"),
        keyfile=str(folder / f"{name}.key"),
        server_ca=str(folder / "ca.crt"),
        version=None if version is None else version.name,
    )


def exchange(
    folder: Path,
    backend: Backend,
    settings: dict[str, str] | None,
    name: str,
    version: ssl.TLSVersion | None = None,
    count: int = 1,
) -> None:
    each = presented(folder, name, version)
    done = ask_each_apart("PING", backend, [each] * count, settings, timeout=30)
    assert all(one.ok for one in done), done[0].device


def handshakes(
    folder: Path,
    backend: Backend,
    chip: SoftwareTPM,
    settings: dict[str, str],
    version: ssl.TLSVersion,
) -> Figure:
    """What one exchange costs the processor: both sides and the TPM, loading the key included."""

    def cost(settings: dict[str, str] | None, name: str, count: int) -> float:
        before = _spent(chip)
        exchange(folder, backend, settings, name, version, count)
        return _spent(chip) - before

    def measure(settings: dict[str, str] | None, name: str) -> float:
        one, more = (cost(settings, name, count) for count in (1, 1 + BATCH))
        return max(more - one, 1e-4) / BATCH

    pairs = compare(partial(measure, settings, "tpm"), partial(measure, None, "file"), pairs=5)
    return pairs.at_most(MOST, f"an exchange, key in a TPM : file, {spelled(version)}, CPU")


def asked(
    folder: Path,
    backend: Backend,
    chip: SoftwareTPM,
    settings: dict[str, str],
    version: ssl.TLSVersion,
) -> Figure:
    exchange(folder, backend, settings, "tpm", version)
    counted = Counter(each.name for each in chip.questions.asked)
    often = ", ".join(f"{name} {count}" for name, count in counted.most_common(4))
    signs = counted["Sign"] == 1
    return Figure(
        f"commands to the TPM, {spelled(version)}",
        str(counted.total()),
        "1 Sign",
        signs,
        often,
    )


def at_once(folder: Path, backend: Backend, settings: dict[str, str]) -> Figure:
    """Six devices at a time against six one after the other."""

    def together() -> None:
        with ThreadPoolExecutor(DEVICES) as pool:
            for each in [
                pool.submit(exchange, folder, backend, settings, "tpm") for _ in range(DEVICES)
            ]:
                each.result()

    def in_turn() -> None:
        for _ in range(DEVICES):
            exchange(folder, backend, settings, "tpm")

    pairs = compare(partial(seconds, together), partial(seconds, in_turn), pairs=3)
    return pairs.at_most(1.0, f"{DEVICES} devices at once : in turn")


def factory(folder: Path, ca: CertificateAuthority, chip: SoftwareTPM) -> Figure:
    """Twenty devices with their keys in a TPM against as many with keys in files."""

    def sealed() -> None:
        for number in range(FLEET):
            provision(folder, ca, chip, f"sealed-{number}")

    def plain() -> None:
        for number in range(FLEET):
            ca.issue_client(f"plain-{number}").save(folder, f"plain-{number}")

    took = min(seconds(sealed) for _ in range(2))
    floor = min(seconds(plain) for _ in range(2))
    details = f"{1000 * took / FLEET:.0f} ms each, {1000 * floor / FLEET:.1f} with keys in files"
    return Figure(
        f"{FLEET} devices made, keys in a TPM", f"{took:.1f} s", "≤ 20 s", took <= 20, details
    )


def run_all() -> Figure:
    """Run All of notebook 4: what it costs the processor, and not who else was at it."""
    with tempfile.TemporaryDirectory() as name:
        unpacking.unpack(name)
        path = Path(name, "4_key_in_a_tpm.ipynb")
        client = NotebookClient(
            nbformat.read(path, as_version=4),
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            resources={"metadata": {"path": name}},
        )
        began, used = time.perf_counter(), _used()
        client.execute()
        took, used = time.perf_counter() - began, _used() - used
    met = used <= RUN_ALL
    return Figure(
        "Run All of notebook 4", f"{used:.1f} s", "≤ 20 s", met, f"of CPU, in {took:.0f} s"
    )


def _spent(chip: SoftwareTPM) -> float:
    """The seconds of a processor that this process, its devices and the TPM have used."""
    after_name = Path(f"/proc/{chip.pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(after_name[11]) + int(after_name[12])
    return time.process_time() + _used() + ticks / os.sysconf("SC_CLK_TCK")


def _used() -> float:
    """The seconds of a processor that ended children have used."""
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime
