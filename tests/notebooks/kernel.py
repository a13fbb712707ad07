"""A real kernel that runs cells one by one. Nothing of a notebook's form or of its outputs."""

import ast
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from jupyter_client.manager import KernelManager

from mtls_lab.common import scratch_folder
from tests.authoring.canonical import CELL_TIMEOUT, KERNEL_OPTIONS

#: Waits until connections that were just closed are over, then tells what the kernel still holds.
#: Digits are cut from the names of threads: Python counts them.
FOOTPRINT = """
def _footprint():
    import collections, gc, os, re, threading
    for thread in threading.enumerate():
        if thread.name.endswith(" connection"):
            thread.join(300)
    gc.collect()
    names = [re.sub(r"[0-9]+", "", thread.name) for thread in threading.enumerate()]
    return dict(collections.Counter(names)), len(os.listdir("/dev/fd"))
"""


class CellError(AssertionError):
    """A cell raised; holds the cell and the error."""


class Kernel:
    """A kernel in `folder`, started by `with` and ended after it.

    It has sockets in the place of ports, as in the lab: other tests would take its ports now and
    then, before it listens there.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, dict(environment)
        self._end = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end.close()
            raise
        return self

    def _start(self) -> None:
        place = self._end.enter_context(scratch_folder(for_socket=True))
        self._manager = KernelManager(
            kernel_name="python3", transport="ipc", connection_file=str(place / "kernel.json")
        )
        self._end.callback(self._shut_down)
        self._manager.start_kernel(
            cwd=str(self._folder), env=self._environment, extra_arguments=KERNEL_OPTIONS
        )
        self._client = self._manager.blocking_client()
        self._end.callback(self._client.stop_channels)
        self._client.start_channels()
        self._client.wait_for_ready(timeout=CELL_TIMEOUT)

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def _shut_down(self) -> None:
        self._manager.shutdown_kernel(now=True)  # politely, it takes seconds now and then
        self._manager.cleanup_resources()
        self._manager.context.destroy()

    def run(self, source: str) -> str:
        """What the cell printed. Raises CellError."""
        printed: list[str] = []

        def keep(message: dict[str, Any]) -> None:
            printed.append(message["content"].get("text", ""))

        reply = self._client.execute_interactive(
            source, allow_stdin=False, timeout=CELL_TIMEOUT, output_hook=keep
        )["content"]
        if reply["status"] != "ok":
            raise CellError(f"{reply['ename']}: {reply['evalue']}\nin the cell\n{source}")
        return "".join(printed)

    def footprint(self) -> tuple[dict[str, int], int]:
        """The threads by name, and the number of open file descriptors."""
        self.run(FOOTPRINT)
        threads, descriptors = ast.literal_eval(self.run("print(_footprint())"))
        return threads, descriptors

    def restart(self) -> None:
        """As the button does it; the kernel's process is a new one afterwards."""
        self._manager.restart_kernel()
        self._client.wait_for_ready(timeout=CELL_TIMEOUT)
