"""Record what the TPM panel shows where no software TPM is: `python -m tests.authoring.tpm_runs`.

Here: a real run of each choice, as data/tpm_runs.json keeps it. Not here: reading it
(mtls_lab/experiments/holders.py), comparing it with runs of today (tests/panels/test_tpm.py).
"""

import json
from typing import Any

from mtls_lab.common import resource_folder
from mtls_lab.experiments.holders import VERSIONS, KeyBench, KeyRun, holders
from mtls_lab.wire import Side

Told = dict[str, Any]


def side(seen: Side) -> Told:
    """What is kept of a side: all but its messages."""
    failure = seen.failure and {
        name: getattr(seen.failure, name) for name in type(seen.failure).__slots__
    }
    same = {name: getattr(seen, name) for name in ("who", "version", "peer", "asked", "reused")}
    kept = {"stage": seen.stage.value, "failure": failure, "received": list(seen.received)}
    return {**same, **kept, "name": seen.name}


def recorded(run: KeyRun) -> Told:
    """What is kept of a run."""
    backend = run.exchange.backend
    return {
        "device": side(run.exchange.device),
        "backend": side(backend) if backend else None,
        "asked": [[each.name, each.answer.code] for each in run.questions.asked],
    }


def main() -> None:
    """Run every choice whose key is in the TPM, and write what came of it."""
    bench = KeyBench()
    told = {
        name: {version: recorded(bench.run("tpm", name, version)) for version in VERSIONS}
        for name in holders()
    }
    path = resource_folder("data") / "tpm_runs.json"
    lines = (f"{json.dumps(name)}: {json.dumps(runs)}" for name, runs in told.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
