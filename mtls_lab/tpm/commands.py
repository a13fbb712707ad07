"""The bytes of TPM 2.0 commands and responses: heads, handles, and the few that the lab sends.

Here: bytes in, values out (TPM 2.0 Library specification, Part 1, 18; Part 3). Not here: what to
do with them (manager.py), sockets (broker.py), what a number means (codes.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = [
    "CAPABILITY",
    "FLUSH",
    "HEAD",
    "MOST",
    "PASSWORD",
    "SESSIONS",
    "Attributes",
    "body",
    "code_of",
    "command",
    "context_load",
    "context_save",
    "flush",
    "get_capability",
    "kind_of_handle",
    "lock_reset",
    "lock_rules",
    "properties_of",
    "reply",
    "shutdown",
    "size_of",
    "values_of",
]

HEAD = 10
#: A TPM takes and gives 4096 bytes at most (TPM_PT_MAX_COMMAND_SIZE of swtpm).
MOST = 4096
NO_SESSIONS, SESSIONS = 0x8001, 0x8002
#: Part 2, 6.5.2.
LOCK_RESET, LOCK_RULES, SHUTDOWN = 0x139, 0x13A, 0x145
CONTEXT_LOAD, CONTEXT_SAVE, FLUSH, CAPABILITY = 0x161, 0x162, 0x165, 0x17A
#: Part 2, 7.4: who may reset the count of wrong PINs; and no session, but a password.
LOCKOUT, PASSWORD = 0x4000000A, 0x40000009
#: An authorization by an empty password: no nonce, no attributes, no bytes.
_EMPTY_PASSWORD = struct.pack(">IHBH", PASSWORD, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a TPM says of one of its commands (TPMA_CC, Part 2, 8.9)."""

    code: int
    handles: int
    gives_handle: bool
    flushes: bool

    @classmethod
    def of(cls, bits: int) -> Attributes:
        """Read the 32 bits."""
        return cls(bits & 0xFFFF, bits >> 25 & 7, bool(bits >> 28 & 1), bool(bits >> 24 & 1))


def command(code: int, parameters: bytes = b"", *, tag: int = NO_SESSIONS) -> bytes:
    """Return a command: a head, and what follows it.

    Example:
        >>> command(0x17B, b"\\0\\x08").hex()
        '80010000000c0000017b0008'
    """
    return struct.pack(">HII", tag, HEAD + len(parameters), code) + parameters


def reply(code: int = 0, parameters: bytes = b"") -> bytes:
    """Return a response without sessions."""
    return command(code, parameters)


def size_of(head: bytes) -> int:
    """Return how long the message is that begins so. Raises ValueError: no TPM says that."""
    tag, size = struct.unpack_from(">HI", head)
    if tag not in {NO_SESSIONS, SESSIONS} or not HEAD <= size <= MOST:
        raise ValueError(f"no head of a TPM message: {head[:HEAD].hex()}")
    return int(size)


def code_of(message: bytes) -> int:
    """Return the command code of a command, or the response code of a response."""
    return int(struct.unpack_from(">I", message, 6)[0])


def body(message: bytes) -> bytes:
    """Return what follows the head."""
    return message[HEAD:]


def kind_of_handle(handle: int) -> str:
    """Return `"object"` or `"session"`, which pass; `""` for what a TPM always has."""
    return {0x80: "object", 0x02: "session", 0x03: "session"}.get(handle >> 24, "")


def shutdown() -> bytes:
    """TPM2_Shutdown(CLEAR): without it, the TPM counts the end as one more wrong PIN."""
    return command(SHUTDOWN, struct.pack(">H", 0))


def context_save(handle: int) -> bytes:
    """TPM2_ContextSave."""
    return command(CONTEXT_SAVE, struct.pack(">I", handle))


def context_load(context: bytes) -> bytes:
    """TPM2_ContextLoad."""
    return command(CONTEXT_LOAD, context)


def flush(handle: int) -> bytes:
    """TPM2_FlushContext."""
    return command(FLUSH, struct.pack(">I", handle))


def get_capability(capability: int, first: int, count: int) -> bytes:
    """TPM2_GetCapability."""
    return command(CAPABILITY, struct.pack(">III", capability, first, count))


def values_of(response: bytes) -> list[int]:
    """Return the list of numbers in a response to GetCapability."""
    return [int(each[0]) for each in _items(response, ">I")]


def properties_of(response: bytes) -> dict[int, int]:
    """Return the properties in a response to GetCapability."""
    return {int(number): int(value) for number, value in _items(response, ">II")}


def _items(response: bytes, pattern: str) -> Iterator[tuple[Any, ...]]:
    (count,) = struct.unpack_from(">I", response, HEAD + 5)
    size = struct.calcsize(pattern)
    return (struct.unpack_from(pattern, response, HEAD + 9 + size * n) for n in range(count))


def lock_reset() -> bytes:
    """TPM2_DictionaryAttackLockReset, with the empty password of a new TPM."""
    return _as_lockout(LOCK_RESET)


def lock_rules(tries: int, recovery: int) -> bytes:
    """TPM2_DictionaryAttackParameters: how many wrong PINs, and seconds until one is forgotten."""
    return _as_lockout(LOCK_RULES, struct.pack(">III", tries, recovery, recovery))


def _as_lockout(code: int, parameters: bytes = b"") -> bytes:
    area = struct.pack(">II", LOCKOUT, len(_EMPTY_PASSWORD)) + _EMPTY_PASSWORD
    return command(code, area + parameters, tag=SESSIONS)
