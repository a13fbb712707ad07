"""What real peers said in runs: a line that one of them has said is told by those runs.

Here: data/peers.json, what of a line is the same in every run, and whether an explanation agrees
with the runs. Not here: how the file is made (tests/interop/peers/table.py), and what a line means
that no run has said (lines.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mtls_lab.common import UnknownName, read_facts
from mtls_lab.explaining.symptoms import Entry, Symptoms
from mtls_lab.explaining.wording import OTHER

__all__ = ["OFTEN", "Runs", "alerts_sent", "names_of", "normalised", "peer_named", "said"]

#: Peers of the runs that write the same on the other side (stunnel, gnutls-serv) or as a bridge
#: (Mosquitto): on these sides, where "" is an unknown one, the runs prove nothing about them.
CLIENTS_TOO = {"stunnel": ("device", ""), "mosquitto": ("device",), "gnutls": ("backend",)}
#: Libraries that a client and a server use alike: an alert that one of them has received is printed
#: by either, and which alert a server sends that was in no run, the runs do not tell.
BOTH_SIDES = {"java", "go", "python", "openssl", "erlang", "rustls"}
Find = Callable[[Symptoms], tuple[Entry, Symptoms]]

#: Of a log, the last lines are looked at, and of a line its beginning.
LINES, LENGTH = 400, 1000
#: A shorter line may be anybody's.
LEAST = 20
#: How often each fault is asked about, most often first.
OFTEN = (
    *("none", "untrusted", "wrong_purpose", "expired", "self_signed", "not_yet_valid"),
    *("unauthorized", "valid"),
)

#: What differs between two runs. One expression: it is compiled at each start.
VARIES = re.compile(
    r"""\x1b\[[0-9;]*m
    | ,\ client:.* | (?<=LOG[0-9])\[[^]]*\] | \[\d[^]]*\] | ^\d{10}:\ | \b\d+\#\d+:(?:\ \*\d+)?
    | "[^"]*" | `[^']*' | (?<=[ (=])'(?![A-Z0-9_]+')[^']*'
    | \bCN\ ?=\ ?[^,"'/;)+]+
    | \b[a-z]+://[^\s"']+ | \b[\w-]+/\d+(?=:\ ) | \.{0,2}/[\w./+-]+
    | \b\d{4}[-/.]\d\d[-/.]\d\d(?:[T ][\d:.,]+)?(?:Z|\ UTC)?
    | \b\d\d-[A-Z][a-z]{2}-\d{4}::[\d:.]+
    | \b(?:[A-Z][a-z]{2}\ )?[A-Z][a-z]{2}\ [ \d]\d\ [\d:]{8}(?:\ [A-Z]{3,4})?(?:\ \d+)?
    | (?:\b\d{1,3}(?:\.\d{1,3}){3}|\blocalhost\b)(?::\d+)?
    | (?:\b[0-9a-fA-F]{2}:){7,}\w+ | \b(?=\w*\d)(?:0x)?[0-9a-fA-F]{8,}\b[-\w]* | \b0x\w+
    | \b\d{4,}\b | (?<=port\ )\d+ | (?<=\.c):\d+ | (?<=\.erl):\d+ | (?<=<)[\d.]+(?=>)
    """,
    re.VERBOSE,
)
#: What begins a line of a log, after that.
BEFORE = "… :"


def normalised(line: str) -> str:
    """Return what of a line is the same in every run: … for times, paths, ports, names, numbers.

    Example:
        >>> normalised("2026/11/26 08:00:00 http: TLS handshake error from 10.0.0.7:4711: EOF")
        'http: TLS handshake error from …: EOF'
    """
    return " ".join(VARIES.sub("…", line[:LENGTH]).lstrip(BEFORE).split())


def said(text: str) -> dict[str, list[str]]:
    """Return for which credentials peers have said the lines of a text, and which peers.

    A credential is one of a client, such as "expired", or of a server: "server expired". Several
    lines of one log narrow it down: what remains is a credential for which each was said. Empty if
    no run has said any of them.

    Example:
        >>> line = "http: TLS handshake error from 10.0.0.7:4711: tls: client didn't "
        >>> said(line + "provide a certificate")
        {'none': ['go'], 'untrusted': ['go'], 'self_signed': ['go']}
        >>> said("nobody ever said that")
        {}
    """
    found: dict[str, set[str]] = {}
    for line in map(normalised, text.splitlines()[-LINES:]):
        if len(line) >= LEAST and (seen := _lines().get(line)):
            both = {name: found[name] & seen[name] for name in seen if name in found}
            both = {name: names for name, names in both.items() if names}
            found = both or {name: set(names) for name, names in seen.items()}
    return {name: sorted(found[name]) for name in sorted(found, key=_often)}


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs in which peers have said a text.

    Attributes:
        faults: what was wrong in them, each with the side whose certificate it was, "client" or
            "server"; what is asked about most often comes first.
    """

    faults: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, text: str) -> Runs:
        """Return those in which peers have said a text."""
        return cls(tuple(_fault(name) for name in said(text) if name != "valid"))

    def names(self) -> list[str]:
        """Return what was wrong, without whose it was."""
        return list(dict.fromkeys(name for name, _ in self.faults))

    def owner(self) -> str:
        """Return whose certificate it was: "device", "backend", or `""` if it was either's."""
        whose = {side for _, side in self.faults}
        return "" if len(whose) > 1 else "device" if whose == {"client"} else "backend"

    def side(self, entry: Entry) -> str:
        """Return which side has the failure of an entry, by whose certificate it was."""
        owner = self.owner()
        return owner if entry["seen_by"] == "refused" else OTHER[owner]

    def agree(self, entry: Entry, side: str) -> bool:
        """Whether an entry of data/explanations.toml, of this side, says the same as the runs."""
        if not self.faults:
            return True
        if not entry.get("known", True):
            return False
        told = entry["seen_by"] != "nobody"  # who refused whom
        if told and side and self.owner() and side != self.side(entry):
            return False
        why = (entry | entry.get(side or self.side(entry), {}))["why"]
        if isinstance(why, list) and len(why) > 1:
            return True  # it says that it cannot tell
        return all(
            entry["name"] in _causes()[name][whose]["told_by"] for name, whose in self.faults
        ) or not any(
            entry["name"] in each["told_by"]
            for fault in _causes().values()
            for each in fault.values()
        )

    def told(self, entry: Entry, seen: Symptoms, find: Find) -> tuple[Entry, Symptoms]:
        """Return an entry that agrees with the runs, and what is known of the failure by them."""
        if seen.side in CLIENTS_TOO.get(seen.by.partition(" ")[0], ()):
            return entry, seen
        # The lines of other connections in a log say nothing of the one that is told.
        of_this = not entry.get("known", True) or bool(said(seen.says))
        if of_this and not self.agree(entry, seen.side):
            entry, seen = find(replace(seen, state=f"said of {self.owner() or 'either'}"))
            return entry | self.retold(), seen
        received = entry["seen_by"] == "refused" and seen.alert
        if received and seen.by.partition(" ")[0] in BOTH_SIDES:
            return entry, seen
        if of_this and self.faults and _of_a_certificate(entry):
            seen = replace(seen, side=seen.side or self.side(entry))
        return entry, seen

    def retold(self) -> dict[str, Any]:
        """Return what the runs say, in place of an entry that does not agree with them."""
        causes = [(name, _causes()[name][whose]) for name, whose in self.faults]
        # Files rule a fault out of the one whose they are: it has to be known who that is.
        faults = [name if self.owner() else "" for name, _ in causes]
        if len(causes) == 1:
            _, told = causes[0]
            why = {"cause": f"{told['cause'][0].upper()}{told['cause'][1:]}.", "fault": faults[0]}
            return {"why": [why], "fix": told["fix"]}
        return {
            "why": [
                {"cause": told["cause"], "check": told["check"], "fault": fault}
                for fault, (_, told) in zip(faults, causes, strict=True)
            ]
        }


def alerts_sent() -> list[dict[str, Any]]:
    """Return each release: its `stack`, its `name`, the alerts of its server by credential."""
    sent: dict[str, dict[str, Any]] = _table()["alerts"]
    return [{"stack": key.partition(" ")[0], **seen} for key, seen in sent.items()]


def names_of(entry: dict[str, Any]) -> tuple[str, str]:
    """Return what one entry of alerts_sent can be asked for by: its stack, and its release."""
    return entry["stack"], entry["name"].lower()


def peer_named(given: str) -> str:
    """Return by which name of `names_of` a stack is meant, whose version may stand behind it.

    A version that was in no run stands for all those of its stack that were.

    Raises:
        UnknownName: there is no such stack.

    Example:
        >>> peer_named("go1.19.8"), peer_named("OpenSSL/1.1.1w"), peer_named("nodejs")
        ('go 1.19', 'openssl', 'node')
    """
    pairs = [names_of(entry) for entry in alerts_sent()]
    name, version = _split(given.lower())
    for stack, release in pairs:
        known, its = _split(release)
        if name in {stack, known} and f"{version}.".startswith(f"{its}."):
            return release
    for stack, release in pairs:
        if name in {stack, _split(release)[0]}:
            return stack
    raise UnknownName("peer", given, sorted({name for pair in pairs for name in pair}))


def _split(given: str) -> tuple[str, str]:
    """The letters of a name, and its version: `node.js 20.20` and `nodejs/v20.20` are one."""
    name, _, version = re.sub(r"[\W_]*v?(?=\d)", "\0", given, count=1).partition("\0")
    return re.sub(r"[\W_]", "", name), version


def _often(credential: str) -> tuple[int, bool]:
    """The place of a credential: a client's and a server's of one fault beside each other."""
    fault = credential.removeprefix("server ")
    return OFTEN.index(fault), fault != credential


@cache
def _lines() -> dict[str, dict[str, set[str]]]:
    """For each line: the credentials for which it was said, and by whom."""
    lines: dict[str, dict[str, set[str]]] = {}
    for stack, sides in _table()["says"].items():
        for line, rows in (pair for told in sides.values() for pair in told.items()):
            for credential in rows if line else ():  # where nothing was said, the line is empty
                lines.setdefault(line, {}).setdefault(credential, set()).add(stack)
    return lines


def _fault(credential: str) -> tuple[str, str]:
    fault = credential.removeprefix("server ")
    return fault, "client" if fault == credential else "server"


def _of_a_certificate(entry: Entry) -> bool:
    """Whether an entry is of a certificate that was refused: the runs tell whose it was."""
    if entry["seen_by"] != "refuser":
        return bool(entry["seen_by"] == "refused")  # an alert, or what stands for one
    why = entry["why"] if isinstance(entry["why"], list) else []
    causes = [cause for cause in why if isinstance(cause, dict)]
    return any("measured" in cause or "fault" in cause for cause in causes) or any(
        entry["name"] in each["told_by"] for fault in _causes().values() for each in fault.values()
    )


@cache
def _causes() -> dict[str, Any]:
    return read_facts("causes")


@cache
def _table() -> dict[str, Any]:
    return read_facts("peers")
