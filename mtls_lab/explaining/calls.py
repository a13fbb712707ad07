"""What the calls before an exception tell, and it leaves out: a file, a variable, the use of TLS.

Here: the arguments and the lines of its traceback. Not here: what it says itself, and the step and
side that an SSLSocket knows (caught.py).
"""

from __future__ import annotations

import ast
import errno
import linecache
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mtls_lab.common import PathLike, printable

__all__ = ["FILE_ERRORS", "attribute", "handed_on", "over_tls", "unopened"]

#: Errors of a file that ssl raises without its name.
FILE_ERRORS = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
#: What is told of a file by its name, for the errors that have it.
NAMED = {
    errno.ENOENT: "named file missing",
    errno.ENOTDIR: "named file missing",
    errno.EISDIR: "named folder",
    errno.EACCES: "named file closed",
}
#: What the functions that hand a file on to ssl call it: ssl's own, urllib3's, httpx's, asyncpg's.
ARGUMENTS = {
    **dict.fromkeys(("certfile", "cert_file", "cert", "sslcert"), "cert"),
    **dict.fromkeys(("keyfile", "key_file", "sslkey"), "key"),
    **dict.fromkeys(("cafile", "ca_certs", "ca_file", "sslrootcert"), "ca"),
}
#: And ssl's own functions, which are written in C: what they were given is in no frame.
LOADING = {"load_cert_chain": ("certfile", "keyfile"), "load_verify_locations": ("cafile",)}
#: What makes one name of several parts, as it is called.
JOINING = {"Path", "pathlib.Path", "os.path.join", "path.join", "join", "str", "os.fspath"}
#: How a call names an environment variable.
VARIABLE = r"environ(?:\[|\.get\()[\"']([A-Z_]{3,40})[\"']"
#: How a key in a TPM or on a token is named, which is no file.
URI = re.compile(r"(?:pkcs11:|handle:0x|engine:)")
URI_IN_CALL = re.compile(rf"load_cert_chain\(.*[\"']{URI.pattern}")
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
    """Return the file that could not be opened: as its error names it, or else as a call does.

    As a state of data/explanations.toml and its words, with the environment variable that named the
    file where the line of a call has one. Of a text that was given for a name nothing is told: it
    may be a key.
    """
    if not isinstance(error, OSError):
        return "", {}
    if error.errno == errno.EINVAL and "load_cert_chain(" in _lines(error):
        return "password not given", {}  # no terminal to ask for it
    name = attribute(error, "filename")
    return _named(error, name) if isinstance(name, str | os.PathLike) else _called(error)


def _named(error: OSError, path: PathLike) -> tuple[str, dict[str, str]]:
    if "-----BEGIN " in os.fspath(path):
        return "text for a name", {}
    if URI.match(os.fspath(path)):
        return "key by uri", {}
    state = NAMED.get(error.errno or 0, "")
    # create_default_context, and urllib3's likewise, open the file of this variable.
    frames = (frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__))
    if any(path == seen.get(name) for seen in frames for name in ("keylogfile", "sslkeylogfile")):
        return "key log", {"file": printable(os.fspath(path))}
    return (state, {"file": printable(os.fspath(path))}) if state else ("", {})


def _called(error: OSError) -> tuple[str, dict[str, str]]:
    if not (isinstance(error, FILE_ERRORS) or error.errno == errno.ENAMETOOLONG):
        return "", {}
    given = [value for _, value in list(_written(error)) or _arguments(error) if value]
    if any("-----BEGIN " in value for value in given):
        return "text for a name", {}
    if any(map(URI.match, _texts(error))) or URI_IN_CALL.search(_lines(error)):
        return "key by uri", {}
    files = [printable(value) for value in given if not _is_file(value)]
    if not files:
        return "", {}
    if variable := re.search(VARIABLE, _lines(error)):
        return "file of the environment", {"file": files[0], "found": variable[1]}
    state = "named folder" if error.errno == errno.EISDIR else "argument missing"
    return state, {"file": files[0]}


def _texts(error: BaseException) -> Iterator[str]:
    """The texts in the variables of the innermost calls, whatever these are called."""
    for frame, _ in list(traceback.walk_tb(error.__traceback__))[-INNERMOST:]:
        for value in frame.f_locals.values():
            parts = value if isinstance(value, tuple) else (value,)
            yield from (part for part in parts if isinstance(part, str))


def _lines(error: BaseException) -> str:
    """The lines of the innermost calls, where their source is at hand."""
    calls = traceback.extract_tb(error.__traceback__)[-INNERMOST:]
    return "\n".join(call.line or "" for call in calls)


def handed_on(error: BaseException) -> dict[str, str]:
    """Return the files that the calls handed on to ssl, by `cert`, `key` and `ca`.

    Of a text that was given for a name, nothing.
    """
    given = list(_written(error))
    if not all(value for _, value in given) or not given:
        given = [(name, value) for name, value in _arguments(error) if _is_file(value)]
    return {ARGUMENTS[name]: value for name, value in reversed(given) if "-----BEGIN " not in value}


def _arguments(error: BaseException) -> Iterator[tuple[str, str]]:
    """Give the names of files in the innermost calls, by that of the argument."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))[-INNERMOST:]):
        for name in ARGUMENTS:
            value = frame.f_locals.get(name)
            given: Iterable[tuple[str, object]] = [(name, value)]
            if isinstance(value, tuple):  # of requests and httpx
                given = zip(("certfile", "keyfile"), value, strict=False)
            for argument, path in given:
                if isinstance(path, str | os.PathLike):
                    yield argument, os.fspath(path)


def _written(error: BaseException) -> Iterator[tuple[str, str]]:
    """Give the names of files in the innermost call as it is written, by that of the argument.

    What a function calls its own arguments may be something else: the `client` of client.crt. Of a
    name that cannot be told, an empty text.
    """
    with suppress(Exception):  # no source, or another one by now; or code of any library
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        call = traceback.extract_tb(error.__traceback__)[-1]
        lines = linecache.getlines(call.filename)[(call.lineno or 0) - 1 : call.end_lineno]
        *before, last = [line.encode() for line in lines]  # columns count bytes
        source = b"".join([*before, last[: call.end_colno]])[call.colno or 0 :].decode()
        made = ast.parse(source, mode="eval").body
        if not isinstance(made, ast.Call) or not isinstance(made.func, ast.Attribute):
            return
        names = LOADING.get(made.func.attr, ())
        given = [*zip(names, made.args, strict=False)]
        given += [(each.arg or names[0], each.value) for each in made.keywords if names]
        for name, node in given:
            value: object = ""
            with suppress(Exception):  # the next one may be known
                value = _value(node, frame.f_globals | frame.f_locals)
            several = value if isinstance(value, tuple | list) else (value,)
            for argument, file in zip((name, *names[1:]), several, strict=False):
                if isinstance(file, str | os.PathLike) and argument in ARGUMENTS:
                    yield argument, os.fspath(file)


def _value(node: ast.AST, names: dict[str, Any]) -> Any:
    """What a name of a file is, as far as that is seen without calling anything.

    Raises LookupError if it is not.
    """
    found: Any
    match node:
        case ast.Constant():
            found = node.value
        case ast.Name():
            found = names[node.id]
        case ast.Starred() | ast.keyword() | ast.FormattedValue(conversion=-1, format_spec=None):
            found = _value(node.value, names)
        case ast.JoinedStr():
            found = "".join(str(_value(part, names)) for part in node.values)
        case ast.BinOp(op=ast.Div()):
            found = Path(_value(node.left, names), _value(node.right, names))
        case ast.BinOp(op=ast.Add()):
            found = f"{_value(node.left, names)}{_value(node.right, names)}"
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str() as form)):
            found = form % _value(node.right, names)
        case ast.Call(func=ast.Attribute(value=folder, attr="joinpath"), args=args):
            found = Path(*(_value(part, names) for part in (folder, *args)))
        case ast.Call(args=args) if ast.unparse(node.func) in JOINING:
            found = str(Path(*(_value(part, names) for part in args)))
        case _:
            raise LookupError
    return found


def _is_file(path: PathLike) -> bool:
    with suppress(OSError, ValueError):  # a name that no file can have
        return Path(path).is_file()
    return False
