"""Files of the lab and of others: each is written whole or not at all, and read with limits.

Here: the one way in which a file is read, written or grows, private folders, and the message
where that fails. Not here: folders for a moment (scratch.py), what is in a file (pki/pem.py,
learner/), and where the project's own files are (facts.py).

A file that somebody else may have put there is foreign: it may be a pipe, a device, a link to
somewhere else, or a gigabyte long. Nothing here waits for it, follows a link to write, or reads
more than it was told.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mtls_lab.common.errors import FileProblem, why_of

__all__ = [
    "Password",
    "PathLike",
    "append_line",
    "irregular",
    "missing",
    "private_folder",
    "read_file",
    "read_json",
    "write_file",
    "writing",
]

PathLike = str | os.PathLike[str]
#: What opens files, or several, of which each has its own.
Password = str | bytes | Sequence[str]

#: A notebook with all its outputs has some 300 kB; what is beyond this is somebody's mistake.
MOST = 32 << 20

_BINARY = getattr(os, "O_BINARY", 0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def read_file(path: PathLike, *, most: int = MOST) -> bytes:
    """Return what a regular file holds; never wait for one that is none.

    A link is followed: reading through it changes nothing.

    Args:
        path: the file.
        most: how many bytes it may have.

    Raises:
        OSError: it cannot be opened or read: FileNotFoundError, IsADirectoryError, …
        ValueError: it is a pipe or a device, it is larger, or its name cannot be one.

    Example:
        >>> read_file(os.devnull)
        Traceback (most recent call last):
        ValueError: not a regular file
    """
    descriptor = os.open(path, os.O_RDONLY | _AT_ONCE | _BINARY)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise ValueError("not a regular file")
        parts, left = [], most + 1
        while left and (part := os.read(descriptor, left)):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(descriptor)
    if not left:
        limit = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most:,} bytes"
        raise ValueError(f"larger than {limit}")
    return b"".join(parts)


def read_json(path: PathLike, *, most: int = MOST) -> Any:
    """Return what a file of JSON holds.

    Raises:
        OSError: it cannot be opened or read.
        ValueError: as for `read_file`; it is not JSON in UTF-8, or nested too deep to be read.
    """
    try:
        return json.loads(read_file(path, most=most).decode("utf-8-sig"))  # as Notepad saves it
    except RecursionError:
        raise ValueError("nested too deep") from None


def write_file(
    path: PathLike, content: str | bytes, *, mode: int | None = None, lasting: bool = False
) -> Path:
    """Write a file in one step, so that a reader finds the old content or the new, and return it.

    A link is replaced, not followed. On a full disk, the old file stays and nothing else does.

    Args:
        path: the file.
        content: bytes, or text that is written as UTF-8.
        mode: who may open it, from its first byte on; default: whoever may open the old one.
        lasting: return when it would outlive a power cut.

    Raises:
        FileProblem: it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_file(Path(folder, "hint.txt"), "look at the CA").read_text()
        'look at the CA'
    """
    # With the calls of `os`: pathlib and a buffer would double the time of a small file.
    folder, name = os.path.split(path)
    new = os.path.join(folder, f".{name}.{os.getpid()}-{os.urandom(4).hex()}.new")  # noqa: PTH118
    data = content.encode("utf-8") if isinstance(content, str) else content
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
    with writing(path):
        old = _mode(path) if mode is None else None
        descriptor = os.open(new, flags, next(m for m in (mode, old, 0o666) if m is not None))
        try:
            try:
                _write(descriptor, data)
                if lasting:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if old is not None:
                with suppress(OSError):  # a file system without modes
                    os.chmod(new, old)  # noqa: PTH101 - the umask may have taken some of it
            os.replace(new, path)  # noqa: PTH105
        except OSError:
            with suppress(OSError):
                os.unlink(new)  # noqa: PTH108
            raise
    return path if isinstance(path, Path) else Path(path)


def _mode(path: PathLike) -> int | None:
    with suppress(OSError):
        return os.stat(path).st_mode & 0o777  # noqa: PTH116
    return None


def _write(descriptor: int, data: bytes) -> None:
    if os.write(descriptor, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def append_line(path: PathLike, line: str) -> None:
    """Add a line to a text file, which is made if it is not there.

    A last line that was torn, by a full disk or a power cut, stays a line: it never swallows this
    one. If there is no room for the whole line, none of it is kept.

    Raises:
        FileProblem: it cannot be written, is a link, or is not a regular file.
    """
    data = line.encode("utf-8") + b"\n"
    with writing(path), _alone(path) as descriptor:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        os.lseek(descriptor, max(end - 1, 0), os.SEEK_SET)
        if end and os.read(descriptor, 1) != b"\n":
            data = b"\n" + data
        try:
            _write(descriptor, data)
        except OSError:
            os.ftruncate(descriptor, end)
            raise


@contextmanager
def _alone(path: PathLike) -> Iterator[int]:
    """Open a regular file to add to it, while no other process of the lab does, where that exists.

    Closing it ends the lock.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _AT_ONCE | _NO_LINK | _BINARY
    descriptor = os.open(path, flags, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        with suppress(ImportError, OSError):  # Windows has no fcntl, and a file system no locks
            from fcntl import LOCK_EX, flock  # noqa: PLC0415

            flock(descriptor, LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def private_folder(folder: PathLike) -> Path:
    """Make a folder that only its owner may open (mode 0700) and return it.

    One that is there already stays as it is: it may be a person's own. Raises FileProblem.
    """
    if not isinstance(folder, Path):
        folder = Path(folder)
    if not os.path.isdir(folder):  # noqa: PTH112 - to ask costs a tenth of being told by mkdir
        with writing(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def writing(path: PathLike) -> Iterator[None]:
    """Turn an OSError of the block into the message that this path cannot be written.

    Raises:
        FileProblem: the block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        name = os.fspath(path)
        if error.errno == errno.ELOOP or (error.errno == errno.EINVAL and _kind(name)):
            raise FileProblem(
                f"{name} is {_kind(name) or 'a link'}",
                "a file of the lab's own",
                "move it away, and try again",
            ) from None
        expected, todo = _WANTED.get(error.errno or 0, _WANTED[errno.EACCES])
        raise FileProblem(f"{name} cannot be written ({why_of(error)})", expected, todo) from None


#: What is expected, and what to do, by the reason for which nothing is written.
_WRITABLE = "a folder that you may write to"
_TAKEN = (_WRITABLE, "choose another folder, or move away what is in its place")
_FULL = ("space left on the disk", "make room, then try again")
_WANTED = {
    errno.EACCES: (_WRITABLE, "choose another folder, or change its permissions"),
    errno.EROFS: (_WRITABLE, "choose another folder: nothing on this disk can be changed"),
    errno.ENOENT: ("a folder that is there", "make it, or choose another folder"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FULL),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR, errno.EISDIR), _TAKEN),
    errno.ENAMETOOLONG: ("a name that this disk takes", "choose a shorter name"),
}


def _kind(path: str) -> str:
    """What a path is that should be a regular file or a folder, or an empty text."""
    kind = "a link" if os.path.islink(path) else irregular(path)  # noqa: PTH114
    return "" if kind == "a folder" else kind


def missing(path: PathLike) -> str:
    """Return what to say of a file that is not there; an empty text of one that is.

    Example:
        >>> missing("no such file"), missing(os.curdir)
        ('is not there', '')
    """
    try:
        os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        with suppress(OSError):  # it is no link
            return f"is a link to {os.readlink(path)}, which is not there"  # noqa: PTH115
        return "is not there"
    except (OSError, ValueError) as error:
        looped = isinstance(error, OSError) and error.errno == errno.ELOOP
        return "is a link that leads back to itself" if looped else ""
    return ""


def irregular(path: PathLike) -> str:
    """Return what is there in the place of a regular file; an empty text for one, or for nothing.

    Example:
        >>> irregular(os.devnull), irregular(os.curdir), irregular("no such file")
        ('a device', 'a folder', '')
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except (OSError, ValueError):
        return "a link that leads nowhere" if os.path.islink(path) else ""  # noqa: PTH114
    kinds = {
        stat.S_IFREG: "",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")
