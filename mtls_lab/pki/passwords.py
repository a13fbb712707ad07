"""Files that a password opens, and what opening them costs.

Here: whether a file lets its password be hashed without end, before anybody tries one. Not here:
opening it (pem.py, bundles.py), and what else a file is by its bytes (kinds.py).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mtls_lab.common import FileProblem, Password, PathLike
from mtls_lab.pki.kinds import read_bounded

__all__ = ["each_of", "expect_openable", "in_bytes", "is_costly", "not_opened"]

#: An encrypted key in PKCS #8.
_ENCRYPTED = re.compile(
    rb"-----BEGIN ENCRYPTED PRIVATE KEY-----([A-Za-z0-9+/=\s]{1,65536})-----END"
)
#: DER of PBKDF2, and of the older algorithms of PKCS #12 and PKCS #5.
_HASHED = (
    bytes.fromhex("06092a864886f70d01050c"),
    *(bytes.fromhex("060a2a864886f70d010c01") + bytes([kind]) for kind in range(1, 7)),
    *(bytes.fromhex("06092a864886f70d0105") + bytes([kind]) for kind in (3, 6, 10, 11)),
)
#: Passwords of keys are hashed some thousand times, of a careful program a million times.
MOST_OFTEN = 4_000_000


def each_of(password: Password | None) -> Sequence[str | bytes]:
    """Return what to try a file with.

    Example:
        >>> each_of("one"), each_of(["one", "two"]), each_of(None)
        (('one',), ('one', 'two'), ())
    """
    return (password,) if isinstance(password, str | bytes) else tuple(password or ())


def in_bytes(password: str | bytes) -> bytes:
    """Return a password as a file was locked with it; `ssl` takes a text and bytes as well."""
    return password.encode("utf-8") if isinstance(password, str) else password


def not_opened(what: str, given: Sequence[bytes], expected: str, todo: str) -> FileProblem:
    """Return what is said of a file under a password where none was given, or another one.

    Args:
        what: the file, with its password, as a sentence that goes on.
        given: the passwords that were tried, if any.
        expected: which password opens it.
        todo: what to do where another one was given.

    Example:
        >>> print(not_opened("my.p12 has a password", (), "its password", "check it").found)
        my.p12 has a password, and none was given
    """
    if not any(given):
        return FileProblem(f"{what}, and none was given", expected, "give it (password=…)")
    return FileProblem(f"{what}, and the one that was given does not open it", expected, todo)


def expect_openable(path: PathLike) -> None:
    """Raise FileProblem where a file lets its password be hashed without end."""
    if is_costly(read_bounded(Path(path), "a file")):
        raise FileProblem(
            f"{path} cannot be opened in time: its password is hashed too often",
            "a key or a PKCS #12 file as programs write it",
            "write it again with another program",
        )


def is_costly(data: bytes) -> bool:
    """Whether a file, PEM or DER, says that its password is hashed more often than anybody does.

    How often is for the file to say: each of these algorithms is followed by a SEQUENCE of a salt
    and that number (RFC 8018, appendix A; RFC 7292, appendices A and C), and so is a MAC.
    """
    der = data
    if match := _ENCRYPTED.search(data):
        with suppress(binascii.Error):
            der = base64.b64decode(match[1])
    counts = [match for oid in _HASHED for match in re.finditer(re.escape(oid), der)]
    places = [each.end() + 2 for each in counts]
    places += [at for at in range(max(0, len(der) - 64), len(der)) if der[at : at + 1] == b"\x04"]
    return any(_number_after_salt(der, at) > MOST_OFTEN for at in places[:100])


def _number_after_salt(der: bytes, at: int) -> int:
    """The INTEGER after the OCTET STRING that begins here; 0 if there is none."""
    if der[at : at + 1] != b"\x04" or len(der) < at + 4 or der[at + 1] > 0x7F:
        return 0
    at += 2 + der[at + 1]
    size = der[at + 1] if len(der) > at + 2 and der[at] == 0x02 else 0
    return int.from_bytes(der[at + 2 : at + 2 + size], "big") if 0 < size < 9 else 0
