"""A thief who reads a program's memory: is the private key of this certificate in it?

Here: a device that waits with its key loaded, as a child of this process, and the search through
its memory (Linux: proc(5), /proc/PID/maps and mem). Not here: what a TPM does about it (tpm/).

Only a process that `waiting_device` started is searched. Nobody has to know the key: every number
in memory is tried, and the right one gives the public key of the certificate.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from mtls_lab.common import LabError, PathLike, Shown, package_path
from mtls_lab.pki import pem

__all__ = ["KeySearch", "search_memory", "waiting_device"]

#: A private key on P-256 has 32 bytes, and OpenSSL keeps its numbers in words of 8, lowest first.
#: Each begins at a multiple of 16, as all that malloc gives.
SIZE, STEP = 32, 16
#: Of 32 random bytes, at least so many differ from each other (and some are no letters): tables
#: have fewer.
DIFFERENT = 24
#: The order of the curve (SEC 2, 2.4.2): a private key is less.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
#: Of a word, the three highest bytes, in an address on Linux, of which memory is full (a program's,
#: its heap's, a library's, a stack's), and in a small number. A word of a random number has them
#: once in three million times.
ADDRESSES = {0x55, 0x56, 0x7E, 0x7F, 0x00}
#: A device has a few megabytes of its own; more is not searched.
MOST = 64 << 20

_WAITS = """
import sys
from mtls_lab.net import client_context
context = client_context(*sys.argv[1:4])
print("ready", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class KeySearch(Shown):
    """What a search through a device's memory gave.

    Attributes:
        found: whether the private key of the certificate was there.
        tried: how many numbers were tried as the key.
        read: how many bytes were read.
    """

    found: bool
    tried: int = field(compare=False)
    read: int = field(compare=False)

    def __str__(self) -> str:
        if self.found:
            return "✗ The private key is in the device's memory: whoever reads that is the device."
        return "✓ The private key is not in the device's memory."


@contextmanager
def waiting_device(
    certfile: PathLike,
    keyfile: PathLike,
    server_ca: PathLike,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Start a device that has loaded its files and waits, and yield the number of its process.

    Raises:
        LabError: it does not start, or cannot load them.
    """
    command = [sys.executable, "-P", "-c", _WAITS, *map(str, (server_ca, certfile, keyfile))]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": package_path(), **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as device:
        try:
            if device.stdout is None or device.stdout.readline() != "ready\n":
                raise LabError(
                    "a device that cannot load its files",
                    f"{certfile} and the key in {keyfile}",
                    "let it connect first, and see what it says",
                )
            yield device.pid
        finally:
            device.kill()


def search_memory(process: int, certfile: PathLike) -> KeySearch:
    """Look for the private key of a certificate in the memory of a process that we started.

    Raises:
        LabError: this system does not let anybody read it.
    """
    public = pem.read_certificate(certfile).public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise LabError("a certificate without an EC key", "a key on P-256", "take the lab's own")
    wanted = public.public_numbers().x
    tried: set[bytes] = set()
    read = 0
    try:
        for piece in _memory_of(process):
            read += len(piece)
            for place in _places(piece):
                number = piece[place : place + SIZE]
                if number.isascii() or number in tried or len(set(number)) < DIFFERENT:
                    continue
                tried.add(number)
                secret = int.from_bytes(number, "little")
                if secret < ORDER and _public_x(secret) == wanted:
                    return KeySearch(found=True, tried=len(tried), read=read)
    except OSError as error:
        raise LabError(
            f"memory that cannot be read ({error.strerror or error})",
            "Linux, and a process that this one has started",
            "go on: this search needs both",
        ) from None
    return KeySearch(found=False, tried=len(tried), read=read)


def _places(piece: bytes) -> Iterator[int]:
    """Give where a number may begin: where there are neither addresses nor zeros."""
    words = memoryview(piece)[: len(piece) // 8 * 8].cast("Q")
    for at in range(0, len(words) - 3, STEP // 8):
        if words[at] >> 40 not in ADDRESSES and all(
            word >> 40 not in ADDRESSES for word in words[at + 1 : at + 4]
        ):
            yield 8 * at


def _public_x(secret: int) -> int:
    return ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers().x


def _memory_of(process: int) -> Iterator[bytes]:
    """Give what OpenSSL may have written its numbers to: the heap first, then other such places."""
    lines = Path(f"/proc/{process}/maps").read_text("utf-8", "replace").splitlines()
    places = []
    for line in lines:
        span, rights, *rest = line.split(maxsplit=5)
        name = rest[3] if len(rest) > 3 else ""
        if rights.startswith("rw") and name in {"", "[heap]"}:
            first, last = (int(each, 16) for each in span.split("-"))
            places.append((name != "[heap]", first, last - first))
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for _, first, size in sorted(places):
            memory.seek(first)
            yield memory.read(min(size, MOST))
