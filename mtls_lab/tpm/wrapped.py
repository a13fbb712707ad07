"""The file of a key that only its TPM can use: `TSS2 PRIVATE KEY`.

Here: what is in it, read and written (the draft "ASN.1 Specification for TPM 2.0 Key Files").
Not here: who makes the key (keys.py).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mtls_lab.errors import FileProblem
from mtls_lab.files import PathLike, read_file, write_file

__all__ = ["Wrapped", "parsed", "read_wrapped", "tagged", "values", "write_wrapped"]

#: What the file says that it holds, in PEM.
LABEL = "TSS2 PRIVATE KEY"
#: 2.23.133.10.1.3, a loadable key.
LOADABLE = bytes.fromhex("06066781050a0103")
SEQUENCE, BOOLEAN, INTEGER, OCTETS = 0x30, 0x01, 0x02, 0x04
#: Explicitly tagged: whether it needs no PIN. Where it is left out, it may need one.
EMPTY_AUTH = 0xA0


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped key.

    Attributes:
        parent: the handle of what wraps it, such as 0x40000001: the owner's storage key.
        public: its public area (TPMT_PUBLIC).
        private: its private half, encrypted.
        pin: whether the TPM asks for a PIN before it uses the key.
    """

    parent: int
    public: bytes
    private: bytes
    pin: bool = False

    def __str__(self) -> str:
        """The file, in PEM."""
        halves = (len(half).to_bytes(2, "big") + half for half in (self.public, self.private))
        parts = [tagged(EMPTY_AUTH, tagged(BOOLEAN, b"\0" if self.pin else b"\xff"))]
        parts += [tagged(INTEGER, self.parent.to_bytes(5, "big").removeprefix(b"\0"))]
        parts += [tagged(OCTETS, half) for half in halves]
        der = tagged(SEQUENCE, LOADABLE + b"".join(parts))
        text = re.sub(r"(.{64})(?!$)", r"\1\n", base64.b64encode(der).decode())
        return f"-----BEGIN {LABEL}-----\n{text}\n-----END {LABEL}-----\n"


def read_wrapped(path: PathLike) -> Wrapped:
    """Read such a file.

    Raises:
        FileProblem: it holds none.
    """
    try:
        data = read_file(path, most=1 << 16)
        _, text, *_ = re.split(rf"-----(?:BEGIN|END) {LABEL}-----".encode(), data)
        return parsed(base64.b64decode(text))
    except (OSError, ValueError) as error:
        raise FileProblem(
            f"{path} holds no key that a TPM has wrapped ({error})",
            "a TSS2 PRIVATE KEY",
            "let the TPM make one: create_wrapped_key(chip, path)",
        ) from None


def parsed(der: bytes) -> Wrapped:
    """Read the DER of such a file. Raises ValueError: it is none."""
    outer = list(values(der))
    if [tag for tag, _ in outer] != [SEQUENCE] or not outer[0][1].startswith(LOADABLE):
        raise ValueError("not the form of a loadable key")
    inner = list(values(outer[0][1]))
    numbers = [value for tag, value in inner if tag in {INTEGER, OCTETS}]
    if len(numbers) != 3:
        raise ValueError("not a parent and two halves of a key")
    parent, public, private = numbers
    if int.from_bytes(parent, "big") >> 32:
        raise ValueError("a parent that is no handle")
    for half in (public, private):
        if int.from_bytes(half[:2], "big") != len(half) - 2:
            raise ValueError("a half of another length than it says")
    # Any number but 0 is true: some write 1, against X.690.
    free = any(tag == EMPTY_AUTH and any(value[2:]) for tag, value in inner)
    return Wrapped(int.from_bytes(parent, "big"), public[2:], private[2:], pin=not free)


def write_wrapped(path: PathLike, wrapped: Wrapped) -> None:
    """Write such a file, with the mode of a key."""
    write_file(path, str(wrapped), mode=0o600)


def values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The values that stand one after the other, each with its tag (X.690, section 8.1)."""
    while der:
        count = der[1] if len(der) > 1 else 0
        start = 2
        if count & 0x80:
            start += count & 0x7F
            count = int.from_bytes(der[2:start], "big") if start <= 4 else len(der)
        if start + count > len(der) or len(der) < 2:
            raise ValueError("DER that ends too early")
        yield der[0], der[start : start + count]
        der = der[start + count :]


def tagged(tag: int, content: bytes) -> bytes:
    """One such value."""
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    return (
        bytes([tag]) + (octets if size < 0x80 else bytes([0x80 | len(octets)]) + octets) + content
    )
