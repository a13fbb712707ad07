"""One command to a TPM, and its answer, over the socket or device that its TCTI names.

Here: sending, with a time-out, and reading whole messages. Not here: the other end (broker.py),
what the bytes mean (commands.py).
"""

from __future__ import annotations

import os
import select
import socket
import struct
from contextlib import suppress

from mtls_lab.tpm import commands

__all__ = ["call", "exactly", "message", "process_of", "reaches"]

SOCKET, DEVICE = "swtpm:path=", "device:"


def reaches(tcti: str) -> bool:
    """Whether the lab speaks to a TPM itself, and not through a TSS alone."""
    return tcti.startswith((SOCKET, DEVICE))


def call(tcti: str, command: bytes, timeout: float) -> bytes:
    """Send one command and return the response.

    Args:
        tcti: `swtpm:path=…` or `device:…`; for others, somebody else has to be asked.
        command: its bytes.
        timeout: seconds for the answer.

    Raises:
        OSError: the TPM is not reached, or does not answer in time.
        ValueError: it is a TCTI of another kind, or what answers is no TPM.
    """
    if tcti.startswith(SOCKET):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(timeout)
            client.connect(tcti.removeprefix(SOCKET))
            client.sendall(command)
            response = message(client)
    elif tcti.startswith(DEVICE):
        response = _of_device(tcti.removeprefix(DEVICE), command, timeout)
    else:
        raise ValueError(f"the lab does not speak to {tcti}")
    if not response:
        raise ConnectionError("it hung up")
    return response


def _of_device(path: str, command: bytes, timeout: float) -> bytes:
    """A device takes a command in one write, and gives the response in one read (tpm(4))."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        os.write(descriptor, command)
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        if not waiting.poll(timeout * 1000):
            raise TimeoutError("it did not answer in time")
        return os.read(descriptor, commands.MOST)
    finally:
        os.close(descriptor)


def process_of(connection: socket.socket) -> int:
    """Return the process at the other end (Linux, unix(7): SO_PEERCRED); 0 where none is told."""
    with suppress(OSError, AttributeError):
        said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", said)[0])
    return 0


def message(connection: socket.socket) -> bytes:
    """Read one command or response; empty where the other side has ended. Raises ValueError."""
    head = exactly(connection, commands.HEAD)
    if len(head) < commands.HEAD:
        return b""
    rest = commands.size_of(head) - len(head)
    tail = exactly(connection, rest)
    return head + tail if len(tail) == rest else b""


def exactly(connection: socket.socket, count: int) -> bytes:
    """Read `count` bytes, or fewer if the other side ends."""
    data = bytearray()
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            break
        data += more
    return bytes(data)
