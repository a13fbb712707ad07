"""`make fuzz`: every target in turn, for half an hour in all; exit code 1 if something was found.

Here: which target for how long, and the table. Not here: the fuzzer (hunt.py). What led further is
kept in .artifacts/fuzz/TARGET/corpus, and the next hunt begins with it.

    python -m tests.fuzz [--minutes 30] [TARGET …]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.fuzz.seeds import committed, fresh
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".artifacts" / "fuzz"
#: An input may be as long as a chain of certificates, and take as long as on a busy machine.
LONGEST, SECONDS_OF_ONE, MEMORY = 16 * 1024, 60, 1024
#: The same on every machine.
SEED = 1


@dataclass(frozen=True, slots=True)
class Hunt:
    """How one target fared."""

    target: str
    inputs: int
    minutes: float
    findings: tuple[Path, ...]
    code: int

    def __str__(self) -> str:
        found = f"{len(self.findings)} findings" + f", ended with {self.code}" * bool(self.code)
        return f"{self.target:<14}{self.inputs:>12,} inputs {self.minutes:>7.1f} min  {found}"


def hunt(target: str, folder: Path, seeds: Sequence[bytes], *arguments: str) -> Hunt:
    """Give one target to the fuzzer.

    Args:
        target: its name.
        folder: where inputs and findings are kept.
        seeds: what it begins with.
        arguments: when libFuzzer ends: `-max_total_time=…` or `-runs=…`.
    """
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    before = set(folder.glob("findings/*"))
    options = {
        "max_len": LONGEST,
        "timeout": SECONDS_OF_ONE,
        "rss_limit_mb": MEMORY,
        "seed": SEED,
        "print_final_stats": 1,
        "artifact_prefix": f"{folder}/",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.hunt", target, str(folder)),
            *(f"-{name}={value}" for name, value in options.items()),
            *arguments,
            str(corpus),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    said = done.stderr.decode("utf-8", "replace")
    (folder / "log").write_text(said[-100_000:], "utf-8")
    counted = re.search(r"stat::number_of_executed_units: (\d+)", said)
    took = re.search(r"Done \d+ runs in (\d+) second", said)
    return Hunt(
        target,
        int(counted[1]) if counted else 0,
        int(took[1]) / 60 if took else 0.0,
        tuple(sorted(set(folder.glob("findings/*")) - before)),
        done.returncode,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--minutes", type=float, default=30.0, help="for all targets together")
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    wanted = parser.parse_args(arguments)
    each = max(round(60 * wanted.minutes / len(wanted.targets)), 1)
    done = []
    with tempfile.TemporaryDirectory(prefix="lab-fuzz-") as folder:
        seeds = fresh(Path(folder))
        for name in wanted.targets:
            begin = [*seeds[name], *committed(name)]
            done.append(hunt(name, KEPT / name, begin, f"-max_total_time={each}"))
            print(done[-1], flush=True)
            for finding in done[-1].findings:
                print(f"  {finding.relative_to(ROOT)}", flush=True)
    inputs, minutes = sum(one.inputs for one in done), sum(one.minutes for one in done)
    found = sum(len(one.findings) for one in done)
    print(f"{'together':<14}{inputs:>12,} inputs {minutes:>7.1f} min  {found} findings")
    return 1 if any(one.findings or one.code for one in done) else 0


if __name__ == "__main__":
    raise SystemExit(main())
