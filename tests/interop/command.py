"""Running the openssl program, once or as a peer. No test is here."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtls_lab.net import Address


def openssl(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["openssl", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def done(result: subprocess.CompletedProcess[str]) -> str:
    """What a command said that has to work."""
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


@contextmanager
def peer(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """An openssl that talks to us; it is ended in any case."""
    with subprocess.Popen(
        ["openssl", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def listening(server: subprocess.Popen[str]) -> Address:
    """Wait until `s_server` says where it listens."""
    assert server.stdout is not None
    for line in server.stdout:
        if found := re.fullmatch(r"ACCEPT ([\d.]+):(\d+)\n", line):
            return found[1], int(found[2])
    raise AssertionError(f"no address: {server.stderr and server.stderr.read()}")
