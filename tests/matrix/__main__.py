"""`make matrix`: the same tests on several Debians and Pythons, all at a time, and their table;
and, once, those that install from the package registry.

Here: the systems, and the table. Not here: which tests run on which (core.py), how a Debian is made
and entered (the script `debian` beside this file), how a venv is installed (the Makefile).
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.core import NEWEST, OLDEST, chosen
from tests.repository.files import PYPROJECT, ROOT, in_git

#: A software TPM, newer than that of `make test`.
TPM = "swtpm,swtpm-tools,tpm2-openssl,tpm2-tools,libtss2-tcti-swtpm0"
#: Each Debian with one of its Pythons, and what it has besides; a Python of this machine would
#: add nothing to that.
DEBIANS = {
    "Debian 12": ("bookworm", "3.11", ""),
    "Debian 13": ("trixie", "3.13", ""),
    "Debian sid": ("sid", "3.14", ""),
    NEWEST: ("sid", "3.15", TPM),
}

#: What the run is called that is of no system, but of this machine's Python.
INSTALLING = "ways to install"

#: What a Debian needs here, beside root.
PROGRAMS = ["mmdebstrap", "ip", "unshare"]

#: Seconds for a pytest that was told to end: it ends what it started itself.
PATIENCE = 10
#: Lines of the log of a run that failed.
SHOWN = 200
LOGS = ROOT / ".artifacts" / "matrix"
SOURCE = LOGS / "source.tar"

RUNNING: set[subprocess.Popen[bytes]] = set()
#: Set once the matrix is told to end: what starts at that very moment ends as well.
STOPPED = threading.Event()


@dataclass(frozen=True)
class Run:
    """One system or venv, and the command that installs the project there and tests it."""

    where: str
    command: list[str]

    @property
    def log(self) -> Path:
        return LOGS / f"{self.where.replace(' ', '-')}.log"


@dataclass(frozen=True)
class Result:
    """How a run ended. What it ran on, and its counts, are read from the last lines of pytest."""

    run: Run
    code: int
    seconds: float

    @property
    def said(self) -> str:
        return self.run.log.read_text(encoding="utf-8", errors="replace")

    @property
    def ran_on(self) -> list[str]:
        """Python, OpenSSL and the user; a `-` for each if no test ran."""
        found = re.findall(r"(?m)^ran on .*: Python (\S+), (.+), as (\S+)$", self.said)
        return list(found[-1]) if found else ["-"] * 3

    def count(self, word: str) -> int:
        found = re.findall(rf"(\d+) {word}", self.said.strip().rpartition("\n")[2])
        return int(found[-1]) if found else 0

    @property
    def good(self) -> bool:
        return self.code == 0 and self.count("passed") > 0


def debian(where: str) -> Run:
    script = str(Path(__file__).with_name("debian"))
    return Run(where, [script, *DEBIANS[where], str(SOURCE), *chosen(where)])


def venv(python: str, *systems: str) -> Run:
    """A run on this machine, in a venv that the Makefile makes."""
    folder = f".venv-oldest-{python}" if OLDEST in systems else f".venv-{python}"
    line = (
        f'make --no-print-directory COMPILED= {folder}/ready && {folder}/bin/python -m pytest "$@"'
    )
    where = f"Python {python}, {OLDEST}" if OLDEST in systems else f"Python {python}"
    return Run(where, ["bash", "-c", line, "bash", *chosen(*systems)])


def venvs(pythons: list[str]) -> list[Run]:
    """One for each of these Pythons, the first of which has the oldest packages.

    What an old package breaks is not what a Python breaks: two runs would prove no more. Without
    any other Python, the packages are tried on that of `make test`.
    """
    if not pythons:
        return [venv("{}.{}".format(*sys.version_info), OLDEST)]
    first, *others = pythons
    return [venv(first, "Python", OLDEST), *(venv(each, "Python") for each in others)]


def installing() -> Run:
    """The tests that install from the registry, for which `make test` would need a network."""
    return Run(INSTALLING, [sys.executable, "-m", "pytest", "-m", "registry"])


def pack() -> None:
    """The files that are in git, or would be: nothing that lies here by chance is tested."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with tarfile.open(SOURCE, "w") as archive:
        for path in in_git():
            archive.add(path, path.relative_to(ROOT))


def say(line: str) -> None:
    """In one piece, for several runs speak at a time."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def execute(run: Run) -> Result:
    """Runs it in a process group of its own, which can be ended as a whole."""
    say(f"{run.where}: started")
    start = time.monotonic()
    with (
        run.log.open("wb") as log,
        subprocess.Popen(
            run.command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        RUNNING.add(process)
        if STOPPED.is_set():
            end([process])
        code = process.wait()
        RUNNING.discard(process)
    result = Result(run, code, time.monotonic() - start)
    if not STOPPED.is_set():
        say(f"{run.where}: {'passed' if result.good else f'FAILED, see {run.log}'}")
    return result


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """With its first process a Debian loses its mounts and all other processes."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
    deadline = time.monotonic() + PATIENCE
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def listen() -> None:
    """Ctrl-C and TERM stop the matrix, also where a shell has made its background deaf to them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: STOPPED.set())


def stop(pool: ThreadPoolExecutor) -> None:
    """Ends what runs, what is about to, and what waits."""
    STOPPED.set()
    pool.shutdown(wait=False, cancel_futures=True)
    end(list(RUNNING))


def table(results: list[Result]) -> str:
    head = ["where", "Python", "OpenSSL", "user", "passed", "failed", "minutes"]
    rows = [
        [
            result.run.where,
            *result.ran_on,
            str(result.count("passed")),
            str(result.count("failed") + result.count("error")),
            f"{result.seconds / 60:.1f}",
        ]
        for result in results
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in [head, *rows])


def supported() -> list[str]:
    """The Pythons that the project names, the oldest first."""
    return re.findall(r"Python :: (3\.\d+)", " ".join(PYPROJECT["project"]["classifiers"]))


def not_run(results: list[Result], lacking: str) -> list[str]:
    """The Debians and the supported Pythons on which nothing was run, and why."""
    lines = [f"{'; '.join(DEBIANS)}: needs {lacking}"] if lacking else []
    systems = [each for each in results if each.run.where != INSTALLING]
    ran = {".".join(result.ran_on[0].split(".")[:2]) for result in systems}
    missing = [each for each in supported() if each not in ran]
    return lines + [f"Python {each}: not on this machine" for each in missing]


def main(pythons: list[str]) -> int:
    """Run all that can be run here. Exit code 1: a failure or, under CI, something not run."""
    lacks = [] if os.geteuid() == 0 else ["root"]
    lacks += [name for name in PROGRAMS if not shutil.which(name)]
    runs = [] if lacks else [debian(where) for where in DEBIANS]
    known = [] if lacks else [python for _, python, _ in DEBIANS.values()]
    runs += venvs([each for each in pythons if each not in known])
    runs.append(installing())
    pack()
    # All at a time: a test often waits for a peer or a time-out, and one run takes but 400 MB.
    with ThreadPoolExecutor(len(runs)) as pool:
        futures = [pool.submit(execute, run) for run in runs]
        # Python hears no signal that arrives just before it begins to wait: it wakes each second.
        while not STOPPED.is_set() and wait(futures, timeout=1).not_done:
            pass
        if STOPPED.is_set():
            stop(pool)
    if STOPPED.is_set():
        print("The matrix was stopped; nothing of it runs any more.", file=sys.stderr)
        return 130
    results = [each.result() for each in futures]
    missing = not_run(results, ", ".join(lacks))
    lines = [table(results), *(f"NOT RUN {line}" for line in missing)]
    (LOGS / "table.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    failed = [result for result in results if not result.good]
    for result in failed:
        print(f"\n{result.run.where} said at last:", *result.said.splitlines()[-SHOWN:], sep="\n")
    print("", *lines, sep="\n")
    return int(bool(failed) or (bool(missing) and os.environ.get("CI") == "true"))


if __name__ == "__main__":
    listen()
    sys.exit(main(sys.argv[1:]))
