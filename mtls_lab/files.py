"""Files that the lab writes: each appears whole, or not at all.

Here: the one way in which a file is written or grows, private folders, and the message where
that fails. Not here: what is in a file (pki/pem.py, learner/), and where the project's own files
are (facts.py).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtls_lab.errors import FileProblem

__all__ = ["PathLike", "private_folder", "write_file", "writing"]

PathLike = str | os.PathLike[str]


def write_file(path: PathLike, content: str | bytes, *, mode: int | None = None) -> Path:
    """Write a file in one step, so that a reader finds the old content or the new, and return it.

    A link is replaced, not followed. On a full disk, the old file stays and nothing else does.

    Args:
        path: the file.
        content: bytes, or text that is written as UTF-8.
        mode: who may open it, from its first byte on; default: whoever may open the old one.

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
    new = os.path.join(folder, f".{name}.{os.getpid()}.new")  # noqa: PTH118
    data = content.encode("utf-8") if isinstance(content, str) else content
    with writing(path):
        descriptor = _create(new, _mode(path) if mode is None else mode)
        try:
            try:
                if os.write(descriptor, data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(descriptor)
            os.replace(new, path)  # noqa: PTH105
        except OSError:
            with suppress(OSError):
                os.unlink(new)  # noqa: PTH108
            raise
    return Path(path)


def _mode(path: PathLike) -> int:
    try:
        return os.stat(path).st_mode & 0o777  # noqa: PTH116
    except OSError:
        return 0o666


def _create(path: str, mode: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags, mode)
    except FileExistsError:  # left by a process that was killed, perhaps with another mode
        os.unlink(path)  # noqa: PTH108
        return os.open(path, flags, mode)


def private_folder(folder: PathLike) -> Path:
    """Make a folder that only its owner may open (mode 0700) and return it.

    One that is there already stays as it is: it may be a person's own. Raises FileProblem.
    """
    folder = Path(folder)
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
        raise FileProblem(
            f"{os.fspath(path)} cannot be written ({error.strerror or error})",
            "a folder that you may write to, with space left",
            "choose another folder, or change its permissions",
        ) from None
