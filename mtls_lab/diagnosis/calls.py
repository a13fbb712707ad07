"""What the calls before an exception tell, and it leaves out: a file, a variable, the use of TLS.

Here: the arguments and the lines of its traceback. Not here: what it says itself, and the step and
side that an SSLSocket knows (caught.py).
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from mtls_lab.files import PathLike
from mtls_lab.text import printable

__all__ = ["FILE_ERRORS", "attribute", "over_tls", "unopened"]

#: Errors of a file that ssl raises without its name.
FILE_ERRORS = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
#: What the functions that hand a file on to ssl call it: ssl's own, urllib3's and others'.
ARGUMENTS = {"cafile", "certfile", "keyfile", "ca_certs", "cert_file", "key_file", "ca_file"}
#: How a call names an environment variable.
VARIABLE = r"environ(?:\[|\.get\()[\"']([A-Z_]{3,40})[\"']"
#: So many of the innermost calls are looked at for the name of a file.
INNERMOST = 4


def attribute(thing: object, name: str) -> object:
    """Return an attribute, or None: it may be a property of any library, which raises."""
    with suppress(Exception):
        return getattr(thing, name, None)
    return None


def over_tls(error: BaseException) -> bool:
    """Return whether a request was made by https, which its error may not say."""
    https = getattr(sys.modules.get("http.client"), "HTTPSConnection", ())
    urls = [attribute(attribute(error, "request"), "url")]
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if isinstance(frame.f_locals.get("self"), https):
            return True
        urls.append(frame.f_locals.get("url"))
    return any(map(_is_https, urls))


def _is_https(url: object) -> bool:
    with suppress(Exception):  # its text is made by code of any library
        known = isinstance(url, str) or type(url).__name__ == "URL"
        return known and str(url).startswith(("https:", "wss:"))
    return False


def unopened(error: BaseException) -> tuple[str, dict[str, str]]:
    """Return the file that could not be opened, where its error leaves the name out.

    As a state of data/explanations.toml and its words, with the environment variable that named the
    file where the line of a call has one. Of a text that was given for a name nothing is told: it
    may be a key.
    """
    too_long = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
    if not (isinstance(error, FILE_ERRORS) or too_long) or attribute(error, "filename"):
        return "", {}
    files = []
    calls = list(traceback.walk_tb(error.__traceback__))[-INNERMOST:]
    for frame, _ in reversed(calls):
        for name in ARGUMENTS.intersection(frame.f_locals):
            value = frame.f_locals[name]
            if isinstance(value, str) and "-----BEGIN " in value:
                return "text for a name", {}
            if isinstance(value, str | os.PathLike) and not _is_file(value):
                files.append(printable(os.fspath(value)))
    if not files:
        return "", {}
    lines = [call.line or "" for call in traceback.extract_tb(error.__traceback__)[-INNERMOST:]]
    if variable := re.search(VARIABLE, "\n".join(lines)):
        return "file of the environment", {"file": files[0], "found": variable[1]}
    folder = isinstance(error, IsADirectoryError)
    return "argument a folder" if folder else "argument missing", {"file": files[0]}


def _is_file(path: PathLike) -> bool:
    with suppress(OSError, ValueError):  # a name that no file can have
        return Path(path).is_file()
    return False
