"""The command `mtls-lab explain` without an error: do the files that are given fit together?

Here: what is wrong with them, as a list. Not here: the look itself (explaining/look.py), and a file
that does not load (diagnosing/own.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mtls_lab.common import FileProblem, Password, columns, json_text, printable
from mtls_lab.diagnosing.causes import sentence
from mtls_lab.diagnosing.own import look_into, of_the_key
from mtls_lab.explaining import Explanation
from mtls_lab.explaining.cards import fold
from mtls_lab.explaining.look import Looked, look_at
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.explaining.wording import outsiders, shown, typed_here
from mtls_lab.pki.bundles import is_pkcs12
from mtls_lab.pki.containers import entries_of, is_container
from mtls_lab.pki.keystores import count_keys, holds_keystore, is_keystore
from mtls_lab.pki.pem import read_crls

__all__ = ["run"]

#: The exit code where something does not fit.
WRONG = 1
#: Of a certificate for one side alone, which side that is, and what it is no use for.
ALONE = {
    "servers": "{cert} is for servers alone: a server refuses it if a client presents it.",
    "clients": "{cert} is for clients alone: a client refuses it if a server presents it.",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that is wrong with files, or worth knowing, and what to do about it."""

    says: str
    fix: str = ""


def run(options: argparse.Namespace, password: Password | None) -> int:
    """Print what is wrong with the files, and return 0, or 1 if there is something."""
    paths = (options.certfile, options.keyfile, options.cafile, options.crlfile)
    names = [shown(path)[0] for path in paths if path]
    found = list(_unloaded(options, password))
    told = " ".join(each.says.lower() for each in found)
    looked = _look(options, password)
    found += [each for each in _misfits(looked) if each.says.lower()[:-1] not in told]
    if options.json:
        listed = [asdict(each) for each in found]
        purposes = sorted(looked.purposes)
        print(json_text({"files": names, "purposes": purposes, "found": listed}, indent=1))
        return WRONG if found else 0
    lines = [f"Files: {', '.join(names)}"]
    if not found:
        lines.append("Nothing wrong was found: they load, fit together, and are in date.")
        alone = ALONE.get("".join(looked.purposes), "")
        lines += [alone.format_map(looked.names)] * bool(alone)
    for number, each in enumerate(found, 1):
        lines.append(f"{number}. {each.says}")
        if each.fix:
            lines.append(f"   Fix: {each.fix}")
    width = columns(sys.stdout)
    for line in lines:
        indent = len("   Fix: ") if line[0] == " " else len("1. ")
        print("\n".join(fold(line, width, indent)) if width else line)
    return WRONG if found else 0


def _unloaded(options: argparse.Namespace, password: Password | None) -> Iterator[Misfit]:
    """Give each file that a program could not load."""
    given = {"cert": options.certfile, "key": options.keyfile, "ca": options.cafile}
    inside = entries_of(given)
    cert, key, ca = (
        None if path is None or what in inside or holds_keystore(path) else path
        for what, path in given.items()
    )
    if cert and not key and not is_pkcs12(cert) and not is_container(cert):  # a chain alone
        yield from _chain_alone(cert)
        cert = None
    problems = list[Explanation]()
    if key and given["cert"] and cert is None:  # what is in that is read by itself
        problems += of_the_key(key, password or "")
        key = None
    holder = given["key"] or given["cert"]
    if not password and holder and is_keystore(holder) and count_keys(holder):  # what locks it
        problems += look_into(None, holder, None).problems
    for each in (*problems, *look_into(ca, cert, key, password or "").problems):
        yield Misfit(typed_here(f"{each.what} {each.why}".strip()), typed_here(each.fix))
    if options.crlfile and not entries_of({"crl": options.crlfile}):
        try:
            read_crls(options.crlfile)
        except FileProblem as problem:
            found, todo = printable(problem.found), printable(problem.todo)
            yield Misfit(
                f"{found}, and it should be {problem.expected}.", f"{todo[:1].upper()}{todo[1:]}."
            )


def _chain_alone(path: Path) -> Iterator[Misfit]:
    for each in look_into(path, None, None).problems:
        what = each.what.replace("be a CA's certificate", "be a certificate")
        if path.name in what:
            yield Misfit(f"{what} {each.why}".strip(), each.fix)
        else:
            name = shown(path)[0]
            says = f"OpenSSL does not read {name} to its end: a block in it is cut off or damaged."
            yield Misfit(says, "Copy the file or write it again.")


def _look(options: argparse.Namespace, password: Password | None) -> Looked:
    files = {
        "cert": options.certfile,
        "key": options.keyfile,
        "ca": options.cafile,
        "crl": options.crlfile,
    }
    return look_at(files, password=password)


def _misfits(looked: Looked) -> Iterator[Misfit]:
    """Give what does not fit between the files that can be read, and with the clock."""
    owner = "backend" if looked.purposes == {"servers"} else ""
    for each in looked.findings(Symptoms(), owner, outsiders):
        if each.fix:  # without one, it is a file that could not be read, which is told above
            yield Misfit(f"{sentence(each.says)}.", typed_here(f"{each.why} {each.fix}".strip()))
