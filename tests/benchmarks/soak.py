"""A hundred runs of every credential in both TLS versions: always what the catalogue says.

Here: the runs, once on an idle machine and once on a busy one, and what they leave behind. Not
here: time. `python -m tests.benchmarks.soak` runs this alone.
"""

import os
import ssl
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mtls_lab import Exchange, ask, serve
from mtls_lab.experiments import catalogue
from mtls_lab.net import Backend, only_trusted_client
from mtls_lab.wire import Expected
from tests.benchmarks.figures import Figure, all_met
from tests.unit.lab import VERSIONS, Lab, leftovers, spelled

RUNS = 100
#: Ends with the process that started it, however that ends.
SPIN = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"


def figures() -> Iterator[Figure]:
    before = leftovers()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab.create(Path(folder))
        with serve(lab.mtls(), authorize=only_trusted_client, name="soak") as backend:
            yield soak(lab, backend, "every outcome as stated")
            with every_core_busy():
                yield soak(lab, backend, "the same with every core busy")
    left = leftovers() - before
    details = "\n".join(map(str, left))
    yield Figure("threads, backends, files left behind", str(len(left)), "0", not left, details)


def soak(lab: Lab, backend: Backend, title: str) -> Figure:
    wrong, runs = [], 0
    for name in catalogue():
        for version in VERSIONS:
            seen = Counter(run(lab, backend, name, version) for _ in range(RUNS))
            runs += seen.total()
            if len(seen) > 1 or not all(as_stated(name, version, one) for one in seen):
                wrong.append(report(name, version, seen))
    details = f"{len(catalogue())} credentials, {len(VERSIONS)} versions, {runs} exchanges"
    measured = f"{len(wrong)} wrong"
    return Figure(title, measured, "0 wrong", not wrong, "\n".join([details, *wrong]))


def run(lab: Lab, backend: Backend, name: str, version: ssl.TLSVersion) -> Exchange:
    """One exchange with everything made anew, as a panel does it."""
    return ask("GET_SECRET", backend, context=partial(lab.device, name, version))


def as_stated(name: str, version: ssl.TLSVersion, exchange: Exchange) -> bool:
    """Whether both sides ended as data/credentials.toml says."""
    credential, backend = catalogue()[name], exchange.backend
    return (
        Expected.seen(exchange.device) == credential.device[spelled(version)]
        and (backend and Expected.seen(backend)) == credential.backend
    )


def report(name: str, version: ssl.TLSVersion, seen: Counter[Exchange]) -> str:
    outcomes = [f"{times} times:\n{exchange}" for exchange, times in seen.most_common()]
    return "\n".join([f"{name} in {spelled(version)}", *outcomes])


@contextmanager
def every_core_busy() -> Iterator[None]:
    """As many processes that only compute as there are cores."""
    processes = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    raise SystemExit(not all_met(figures()))
