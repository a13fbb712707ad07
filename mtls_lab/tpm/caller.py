"""Commands to a TPM, and its answers, over the socket or device that its TCTI names.

Here: sending, with a time-out, and reading whole messages. Not here: the other end (broker.py),
what the bytes mean (commands.py).
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from mtls_lab.net.clock import Clock
from mtls_lab.tpm import commands

__all__ = ["TIMEOUT", "call", "connected", "exactly", "message", "process_of", "reaches"]

#: Making an RSA key takes a software TPM a second, and a chip half a minute.
TIMEOUT = 30.0
SOCKET, DEVICE = "swtpm:path=", "device:"


def reaches(tcti: str) -> bool:
    """Whether the lab speaks to a TPM itself, and not through a TSS alone."""
    return tcti.startswith((SOCKET, DEVICE))


def call(tcti: str, command: bytes, timeout: float) -> bytes:
    """Send one command and return the response: `connected`, for one command."""
    with connected(tcti, timeout) as ask:
        return ask(command)


@contextmanager
def connected(tcti: str, timeout: float) -> Iterator[Callable[[bytes], bytes]]:
    """Connect to a TPM; give what sends it a command and returns the response.

    Args:
        tcti: `swtpm:path=…` or `device:…`; for others, somebody else has to be asked.
        timeout: seconds for each answer, to its last byte.

    Raises:
        OSError: the TPM is not reached, or does not answer in time.
        ValueError: it is a TCTI of another kind, or what answers is no TPM.
    """
    if tcti.startswith(SOCKET):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(timeout)
            client.connect(tcti.removeprefix(SOCKET))
            yield partial(_ask_socket, client, timeout)
    elif tcti.startswith(DEVICE):
        path = tcti.removeprefix(DEVICE)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            yield partial(_ask_device, descriptor, timeout)
        finally:
            os.close(descriptor)
    else:
        raise ValueError(f"the lab does not speak to {tcti}")


def _ask_socket(client: socket.socket, timeout: float, command: bytes) -> bytes:
    clock = Clock(timeout)
    client.settimeout(clock.left)
    client.sendall(command)
    return _response(message(client, clock))


def _ask_device(descriptor: int, timeout: float, command: bytes) -> bytes:
    """A device takes a command in one write, and gives the response in one read (tpm(4))."""
    os.write(descriptor, command)
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    if not waiting.poll(timeout * 1000):
        raise TimeoutError("it did not answer in time")
    return _response(os.read(descriptor, commands.MOST))


def _response(data: bytes) -> bytes:
    if not data:
        raise ConnectionError("it hung up")
    if len(data) < commands.HEAD or commands.size_of(data) != len(data):
        raise ValueError("what answers is not a TPM")
    return data


def process_of(connection: socket.socket) -> int:
    """Return the process at the other end (Linux, unix(7): SO_PEERCRED); 0 where none is told."""
    with suppress(OSError, AttributeError):
        said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", said)[0])
    return 0


def message(connection: socket.socket, clock: Clock | None = None) -> bytes:
    """Read one command or response; empty where the other side has ended. Raises ValueError."""
    head = exactly(connection, commands.HEAD, clock)
    if len(head) < commands.HEAD:
        return b""
    rest = commands.size_of(head) - len(head)
    tail = exactly(connection, rest, clock)
    return head + tail if len(tail) == rest else b""


def exactly(connection: socket.socket, count: int, clock: Clock | None = None) -> bytes:
    """Read `count` bytes, or fewer if the other side ends. Raises TimeoutError: the clock's."""
    data = bytearray()
    while len(data) < count:
        if clock is not None:
            if clock.over:
                raise TimeoutError("it did not answer in time")
            connection.settimeout(clock.left)
        more = connection.recv(count - len(data))
        if not more:
            break
        data += more
    return bytes(data)
