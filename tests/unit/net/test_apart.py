"""A device as a process of its own, without a TPM: what it hands back, and what breaks off.

Here: the process and its output. Not here: what it is for (tests/unit/tpm/test_apart.py).
"""

from pathlib import Path

import pytest

from mtls_lab import Exchange, ask_apart, serve
from mtls_lab.common import LabError, package_path
from mtls_lab.net import Backend
from mtls_lab.wire import SECRET
from tests.unit.lab import LONG, Lab

pytestmark = pytest.mark.once

#: A library that writes to standard output while the device connects.
LOUD = """
import os, sys
sys.addaudithook(lambda event, _: event == "socket.connect" and os.write(1, b"Hello from a driver"))
"""
ENDS = "import os; print('no memory', flush=True); os._exit(3)"


def asked(lab: Lab, backend: Backend, folder: Path, does: str) -> Exchange:
    """An exchange of a process that does something else first."""
    (folder / "sitecustomize.py").write_text(does, "utf-8")
    return ask_apart(
        "GET_SECRET",
        backend,
        server_ca=lab.ca_file,
        environment={"PYTHONPATH": f"{folder}:{package_path()}"},
        timeout=LONG,
    )


def test_what_a_library_prints_does_not_harm_the_answer(lab: Lab, tmp_path: Path) -> None:
    with serve(lab.tls()) as backend:
        exchange = asked(lab, backend, tmp_path, LOUD)
    assert exchange.reply == SECRET
    assert exchange.backend is not None
    assert exchange.backend.received == ("GET_SECRET",)


def test_a_process_that_breaks_off_is_one_message(lab: Lab, tmp_path: Path) -> None:
    with serve(lab.tls()) as backend, pytest.raises(LabError) as caught:
        asked(lab, backend, tmp_path, ENDS)
    assert caught.value.found == "a device that broke off (exit code 3)"
