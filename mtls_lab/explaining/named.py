"""The file that a line names, where the operating system would not open it.

Here: how programs write the name beside the system's reason. Not here: what else a line means
(lines.py), and files that can be looked into (look.py).
"""

from __future__ import annotations

import re

from mtls_lab.common import printable

__all__ = ["file_named", "system_reason", "unopened"]

#: The operating system's words, and the state that they are.
REASONS = {
    "does not exist or is empty": "named file missing or empty",
    "failed to load incomplete ": "named file missing or empty",
    "is empty`": "named file missing or empty",
    "does not exist or does not contain": "",
    "could not open file or uri for loading": "named file not opened",
    "does not exist or is not readable": "named file not opened",
    "cannot find certificate file: ": "named file missing",
    "cannot find private key file: ": "named file missing",
    "cannot find ca file: ": "named file missing",
    "no such file or directory": "named file missing",
    "but not private key file": "named file missing",
    "not found (errcode": "named file missing",
    "does not exist": "named file missing",
    "doesn't exist": "named file missing",
    "invalid path": "named file missing",
    "permission denied": "named file closed",
    "is a directory": "named folder",
    "eisdir": "named folder",
    "{error,enoent}": "named file missing",
    "{error,eacces}": "named file closed",
    "{:error, :enoent}": "named file missing",
    "{:error, :eacces}": "named file closed",
    "nosuchfileexception": "named file missing",
    "is not a valid keystore": "named file missing",
    "could not find key file": "named file not opened",
    "could not find certificate file": "named file not opened",
    "could not be accessed": "named file not opened",
    "pr_file_not_found_error": "named file missing",
    "for reading (-5950": "named file missing",
    "failed to open cert": "named file not opened",
    "was not found": "named file missing",
}
#: OpenSSL's queue, which some programs print on the lines after the one with the name.
QUEUE = (
    r"(?:system library:(?:file_open|bio_new_file)?:|failed: )"
    r"(no such file or directory|permission denied)"
)
#: The name of the errno, where a line has the system's reason and no name of a file.
ERRNO = {
    "no such file or directory": "ENOENT",
    "permission denied": "EACCES",
    "is a directory": "EISDIR",
}
# Texts, for few lines are about a file: `re` compiles them when one is, and keeps them.
#: How the name is written, each group by a program or a library of its name.
NAMES = (
    r"certificate from (?P<curl>[^\s,]{1,300}), OpenSSL error"
    r"|\bopen '(?P<node>[^'\n]{1,300})'"
    r"|\b(?:open|read) (?!stream: )(?P<go>[^\s:']{1,300}): "
    r"|\[Errno \d{1,3}\] [\w ]{1,40}: '(?P<python>[^'\n]{1,300})'"
    r"|[Ii]nvalid path: (?P<requests>[^\s`]{1,300})"
    r"|incomplete (?:certificate|private key) from (?:path: )?(?P<envoy>[^\s`:]{1,300})"
    r"|error `file (?P<empty>[^\s`]{1,300}) is empty`"
    r"|\bfopen\('?(?P<openssl>[^',)\n]{1,300})"
    r"|(?:NoSuchFile|FileNotFound)Exception: (?P<java>[^\s(]{1,300})"
    r"|\{options,\{\w{1,20},\"(?P<erlang>[^\"\n]{1,300})\""
    r"|\{:options, \{:\w{1,20}, (?:~c)?[\"'](?P<elixir>[^\"'\n]{1,300})[\"']"
    r"|could not find (?:key|certificate) file: (?P<netty>[^\s(]{1,300})"
    r"|[Ff]ile does not exist: (?P<keytool>\S{1,300})"
    r"|(?P<jetty>/\S{1,300}) is not a valid keystore"
    r"|[Ff]ile ['\"](?P<quoted>[^'\"\n]{1,300})['\"] does not exist"
    r"|cannot find (?:certificate|private key|CA) file: (?P<coturn>\S{1,300})"
    r"|(?P<inspircd>/\S{1,300}) does not exist or is not readable"
    r"|File Open failed: (?P<nss>[^\s:]{1,300})"
    r"|wallet file (?P<oracle>\S{1,300}) was not found"
    r"|[Ff]ailed to open cert (?P<wget>\S{1,300}): \("
    r"|file or uri for loading [\w ]{1,60} from (?P<tool>\S{1,300})"
)
#: What else may be one: a word in quotes with a slash or a dot, or a path before the reason.
QUOTED = (
    r"[\"'`(]([^\s\"'`(),]{0,200}[/.][^\s\"'`(),]{1,100})[\"'`)]"
    r"|(?:^|[\s:])(/[^\s:,;]{1,300})(?=: (?:No such file|Permission denied|error:8))"
)
#: How programs write it that leave out the reason.
UNUSED = (
    r"setting certificate file: (?P<curl>\S{1,300})|trust anchors from file: (?P<newer>\S{1,300})"
    r"|\bCAfile: (?P<older>\S{1,300})|certificate file (?P<jdbc>/\S{1,300}?)\.?$"
    r"|CA certificates from (?P<ca>/\S{1,300}?)[.:]?(?:\s|$)"
)


def file_named(line: str, around: str) -> tuple[str, str]:
    """Return the state of a file and its name; both are empty where a line has not both.

    Args:
        line: what a program wrote.
        around: the same with the lines before and after it, on which curl writes a name.

    Example:
        >>> file_named("open client.crt: no such file or directory", "")
        ('named file missing', 'client.crt')
        >>> file_named("no such file or directory", "")
        ('', '')
    """
    small = line.lower()
    state = next((state for words, state in REASONS.items() if words in small), "")
    match = (re.search(NAMES, line) or _quoted(line)) if state else None
    if match is None:
        found = re.search(QUEUE, around.lower())
        match = (_quoted(line) or _quoted(around)) if found else None
        state = REASONS[found[1]] if found and match else state
    if match is None:
        state, match = "named file not usable", re.search(UNUSED, around, re.MULTILINE)
    if match is None or match[0].endswith("none"):
        return "", ""
    if any(group and group.startswith("-----BEGIN") for group in match.groups()):
        return "text for a name", ""
    return state, printable(next(filter(None, match.groups())))


def unopened(line: str) -> str:
    """Return what a line calls a file that was not opened: its name, or what is in it.

    Example:
        >>> unopened("cannot open 'my.crt'"), unopened("cannot open the private key")
        ('my.crt', 'the file of its key')
    """
    path = re.search(r"(?:^|[\s[(:])(/[^\s,;:\])]{1,300})", line)
    if match := _quoted(line) or path:
        return printable(next(filter(None, match.groups())))
    return f"the file of its {'key' if 'key' in line.lower() else 'certificate'}"


def _quoted(text: str) -> re.Match[str] | None:
    """The last name in quotes, one with a slash before one without: that may be a host."""
    found = list(re.finditer(QUOTED, text, re.MULTILINE))
    return max(found, key=lambda match: ("/" in match[0], match.start()), default=None)


def system_reason(line: str) -> str:
    """Return the name of the errno whose words are in a line, if it is about a file.

    Example:
        >>> system_reason("SSL_use_certificate_file failed: No such file or directory")
        'ENOENT'
    """
    small = line.lower()
    return next((name for words, name in ERRNO.items() if words in small), "")
