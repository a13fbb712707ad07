"""The file that a line names, where the operating system would not open it.

Here: how programs write the name beside the system's reason. Not here: what else a line means
(lines.py), and files that can be looked into (look.py).
"""

from __future__ import annotations

import re

from mtls_lab.text import printable

__all__ = ["file_named"]

#: The operating system's words, and the state that they are.
REASONS = {
    "no such file or directory": "named file missing",
    "does not exist": "named file missing",
    "invalid path": "named file missing",
    "permission denied": "named file closed",
    "{error,enoent}": "named file missing",
    "{error,eacces}": "named file closed",
    "{:error, :enoent}": "named file missing",
    "{:error, :eacces}": "named file closed",
    "nosuchfileexception": "named file missing",
    "could not find key file": "named file not opened",
    "could not find certificate file": "named file not opened",
}
#: How the name is written: curl, Go, Node.js, Python, libpq, requests, Java, Netty.
NAMES = re.compile(
    r"certificate from (?P<curl>[^\s,]{1,300}), OpenSSL error"
    r"|\bopen '(?P<node>[^'\n]{1,300})'"
    r"|\bopen (?P<go>[^\s:']{1,300}): "
    r"|\[Errno \d{1,3}\] [\w ]{1,40}: '(?P<python>[^'\n]{1,300})'"
    r"|file \"(?P<libpq>[^\"\n]{1,300})\" does not exist"
    r"|invalid path: (?P<requests>\S{1,300})"
    r"|\bfopen\('?(?P<openssl>[^',)\n]{1,300})"
    r"|(?:NoSuchFile|FileNotFound)Exception: (?P<java>[^\s(]{1,300})"
    r"|\{options,\{\w{1,20},\"(?P<erlang>[^\"\n]{1,300})\""
    r"|\{:options, \{:\w{1,20}, (?:~c)?[\"'](?P<elixir>[^\"'\n]{1,300})[\"']"
    r"|could not find (?:key|certificate) file: (?P<netty>[^\s(]{1,300})"
    r"|Keystore file does not exist: (?P<keytool>\S{1,300})"
    r"|[Ff]ile ['\"](?P<quoted>[^'\"\n]{1,300})['\"] does not exist"
)
#: How programs write it that leave out the reason.
UNUSED = re.compile(
    r"certificate file: (?P<curl>\S{1,300})|trust anchors from file: (?P<newer>\S{1,300})"
    r"|\bCAfile: (?P<older>\S{1,300})|certificate file (?P<jdbc>/\S{1,300}?)\.?$"
    r"|CA certificates from (?P<envoy>/\S{1,300}?)[.:]?(?:\s|$)",
    re.MULTILINE,
)


def file_named(line: str, around: str = "") -> tuple[str, str]:
    """Return the state of a file and its name; both are empty where a line has not both.

    Args:
        line: what a program wrote.
        around: the same with the lines before and after it, on which curl writes a name.

    Example:
        >>> file_named("open client.crt: no such file or directory")
        ('named file missing', 'client.crt')
        >>> file_named("no such file or directory")
        ('', '')
    """
    small = line.lower()
    state = next((state for words, state in REASONS.items() if words in small), "")
    match = NAMES.search(line) if state else None
    if match is None:
        state, match = "named file not usable", UNUSED.search(around or line)
    if match is None or match[0].endswith("none"):
        return "", ""
    return state, printable(next(filter(None, match.groups())))
