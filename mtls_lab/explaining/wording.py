"""The names that go into the sentences, and the sentences for whoever is not in the course.

Here: data/words.toml, what stands for each `{name}` of an entry, and foreign words made the same on
every run and machine. Not here: the sentences (data/explanations.toml), and which of them are told
(symptoms.py, explanation.py).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mtls_lab.common import PathLike, printable, read_facts, typed
from mtls_lab.explaining.symptoms import Entry, Symptoms

__all__ = [
    "OTHER",
    "elsewhere",
    "names_for",
    "outsiders",
    "shown",
    "side_named",
    "steady",
    "typed_here",
    "worded",
]

OTHER = {"device": "backend", "backend": "device", "": ""}
#: Each side's own files as the notebooks name them, and what its certificate has to be for.
OWN = {
    "device": {"cert": "device/client.crt", "key": "device/client.key", "purpose": "clientAuth"},
    "backend": {"cert": "backend/server.crt", "key": "backend/server.key", "purpose": "serverAuth"},
    "": {"cert": "the certificate", "key": "its key", "purpose": "clientAuth or serverAuth"},
}
PURPOSE = {"device": "sslclient", "backend": "sslserver"}
#: The file of CAs that each side trusts, and the call that loads it.
TRUST = {
    "device": {"ca": "device/server_ca.pem", "load": "create_default_context(cafile=…)"},
    "backend": {"ca": "backend/client_ca.pem", "load": "load_verify_locations"},
    "": {"ca": "the CA file", "load": "create_default_context or load_verify_locations"},
}
#: The files in the sentences, the longest names first, and whose they are.
FILES = {
    "device/client.crt": ("device", "cert"),
    "device/client.key": ("device", "key"),
    "backend/server.crt": ("backend", "cert"),
    "backend/server.key": ("backend", "key"),
    "device/server_ca.pem": ("device", "ca"),
    "backend/client_ca.pem": ("backend", "ca"),
}


def side_named(side: str, *, course: bool) -> str:
    """Return what a side is called: "device" and "backend" in the course, else client and server.

    Example:
        >>> side_named("device", course=False)
        'client'
    """
    return side if course else _words()["sides"].get(side, side)


def worded(text: str, entry: Entry, seen: Symptoms, *, course: bool) -> str:
    """Return a sentence of the data files, before its names are filled in, for its reader.

    Args:
        text: the sentence.
        entry: which it is of.
        seen: the failure: whose words they are, and on which side it was seen.
        course: whether the reader is in the course; then it stays as it is.
    """
    if course:
        return text
    any_: dict[str, str] = _words()["stacks"]["any"]
    told = entry.get("seen_by", "nobody")
    # A pair is the client's, if anybody refused; all other words are those of who decided. A page
    # was written by the server, whoever shows it.
    page = seen.state.startswith("http:")
    his = {"pair": (told == "nobody" or seen.side != "backend") and not page}
    words = {
        name: _of_stack(seen, name).get(name, said) if his.get(name, told != "refused") else said
        for name, said in any_.items()
    }
    return _outside(text, tuple(words.items()))


def outsiders(text: str) -> str:
    """Return a sentence for somebody who is not in the course, whatever their program is.

    Example:
        >>> outsiders("the device's context, loaded by load_verify_locations")
        "the client's configuration"
    """
    return worded(text, {}, Symptoms(), course=False)


def typed_here(text: str, audience: str = "options") -> str:
    """Return a sentence for whoever types a command of this package: its options, no calls.

    Args:
        text: the sentence.
        audience: "options", or "again" for the command explain.

    Example:
        >>> typed_here("backend/server.crt, loaded by load_cert_chain")
        'backend/server.crt'
    """
    text = _rewritten(text, audience)
    for name in re.findall(r"<(serve|certs|explain|diagnose)>", text):
        text = text.replace(f"<{name}>", typed(name))
    return text


def _rewritten(text: str, audience: str) -> str:
    for rule in _words()[audience]:
        if "said" in rule:
            text = text.replace(rule["said"], rule["instead"])
        elif rule["near"] in text:
            text = re.sub(rule["pattern"], rule["instead"], text)
    return text


@lru_cache(maxsize=1024)
def _outside(text: str, words: tuple[tuple[str, str], ...]) -> str:
    text = _rewritten(text, "outside")
    for name, said in words:
        text = text.replace(f"<{name}>", said)
        text = text.replace(f"<{name} in brackets>", f" ({said})" if said else "")
    for path, (side, name) in FILES.items():
        text = text.replace(path, _words()["files"][side][name])
    for side, name in _words()["sides"].items():
        text = re.sub(rf"\b{side}\b(?!:/)", name, text)  # a TPM is at device:/dev/tpm0
        text = re.sub(rf"\b{side.capitalize()}\b", name.capitalize(), text)
    return text


def _command(text: str) -> str:
    for path, (_, name) in FILES.items():
        text = text.replace(path, _words()["files"]["shell"][name])
    return text


def names_for(
    entry: Entry, seen: Symptoms, given: Mapping[str, PathLike | None], *, course: bool
) -> tuple[dict[str, str], dict[str, str], str]:
    """Return what stands for each `{name}` in an entry's sentences and command, and the command.

    Args:
        entry: what is told.
        seen: the failure.
        given: the paths by `cert`, `key`, `ca` and `crl`.
        course: whether the reader is in the course.
    """
    side = seen.side
    seer = f"the {side_named(side, course=course)}" if side else "the side that shows this error"
    other = f"the {side_named(OTHER[side], course=course)}" if side else "the other side"
    if seen.relayed and not side:
        seer, other = other, seer
    told = entry["seen_by"] == "refused"
    refuser, refused = (other, seer) if told else (seer, other)
    # Where nobody refused, it is about the side's own files.
    owner = OTHER[side] if entry["seen_by"] == "refuser" else side
    truster = OTHER[side] if told else side
    files = OWN[owner] | TRUST[truster]
    shell = dict(files) | {"purpose": PURPOSE[owner]} if side else {}
    command = entry.get("command", "")
    if not course:
        whose = _words()["files"]
        files |= {name: whose[owner][name] for name in ("cert", "key")} | {
            "ca": whose[truster]["ca"]
        }
        shell |= whose["shell"]
        command = _command(command)
    for name, path in given.items():
        if path is not None:
            files[name], shell[name] = shown(path, course=course)
    names = {"seer": seer, "other": other, "refuser": refuser, "refused": refused}
    names |= {name.capitalize(): text[0].upper() + text[1:] for name, text in names.items()}
    host = re.search(r"not valid for ('.*')", seen.failure.verify_message)
    client = side_named("device", course=course)
    nobody = f"a {client} without a certificate" if side else f"the {client}"
    asked = f"{printable(host[1])}, which" if host else "the host that"
    names |= files | {
        "host": f"{asked} the {client} asked for",
        "raw": steady(str(seen.failure)),
        "text": steady(seen.failure.text),
        "verify": printable(seen.failure.verify_message),
        "peer": printable(seen.peer) or nobody,
        "reply": printable(seen.reply),
        "version": seen.version,
    }
    lab = re.match(r"(?s)Found:    (.*)\nExpected: (.*)\nTo do:    (.*)", seen.failure.text)
    parts = lab.groups() if lab else ("", "", "")
    names |= zip(("found", "expected", "todo"), map(steady, parts), strict=True)
    names |= seen.words
    tls = _of_stack(seen, "tls").get("tls", "")
    names |= {"tls": f" ({tls})" if tls else "", "unused": names.get("file", files["ca"])}
    names["Todo"] = names["todo"][:1].upper() + names["todo"][1:]
    shell["file"] = names.pop("in shell", "")
    return names, shell, command


def elsewhere(entry: Entry, at_hand: set[str]) -> str:
    """Return the cause that is left where files rule out every other: other files are in use."""
    kind = "both" if {"cert", "ca"} <= at_hand else "cert"
    said: str = _words()["elsewhere"]["files" if entry["seen_by"] == "nobody" else kind]
    return said


def _of_stack(seen: Symptoms, key: str) -> dict[str, str]:
    """The words of the program that wrote the line, or of its library, if either has this one."""
    stacks = _words()["stacks"]
    found = (stacks[name] for name in seen.by.split() if key in stacks.get(name, {}))
    return next(found, {})


@cache
def _words() -> dict[str, Any]:
    return read_facts("words")


# --- Words that are the same everywhere

#: What differs between two runs or two machines, and what stands in its place.
VARIES = (
    (re.compile(r"(?<![\w.:/])(?:[A-Za-z]:\\|/)(?:[^\s\\/:,;]+[\\/])+([^\s\\/:,;]+)"), r"…/\1"),
    (re.compile(r"\('[^']*', \d+[^)]*\)"), "an address"),
    (re.compile(r"\bport \d+"), "the port"),
    (re.compile(r"(?<=\d):\d{1,5}\b"), ""),
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x…"),
)


def shown(path: PathLike, *, course: bool = True) -> tuple[str, str]:
    """Return a path for a sentence, without what is this machine's own, and for a shell.

    Args:
        path: the path.
        course: whether it is in the course, where all know in which folder they are.

    Example:
        >>> shown("/srv/app/tls/client.crt", course=False)
        ('…/tls/client.crt', '/srv/app/tls/client.crt')
    """
    path = Path(path)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    text = path.as_posix()
    if path.is_absolute() and course:
        text = "/".join(path.parts[-2:])
    elif path.is_absolute() and len(path.parts) > 3:
        text = f"…/{'/'.join(path.parts[-2:])}"
    return printable(text), shlex.quote(printable(path.as_posix()))


def steady(text: str) -> str:
    """Make one line that is the same on every run and on every machine."""
    for pattern, instead in VARIES:
        text = pattern.sub(instead, text)
    return printable(text.replace("\n", "; "))
