"""The table of what each side says, for each pair of peers and each credential: data/peers.json.

`python -m tests.interop.peers.table` runs all of it and writes the file; with names of peers, it
runs the rows of these alone. What a peer was seen to say in an earlier run stays: where two sides
close a connection at a time, it can be the one or the other. Remove the file to forget it. A
release of a stack that sends other alerts than the one before has a line of its own: put it first
in PATH, and run its rows.

Here: which runs there are, and the file. Not here: servers (programs.py), clients (clients.py), and
what is the same in every run (mtls_lab/explaining/peers.py).
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from mtls_lab.common import resource_folder
from mtls_lab.explaining.peers import normalised
from mtls_lab.wire.names import alert_of, normal
from tests.interop.peers import clients, programs
from tests.interop.peers.certificates import make
from tests.interop.peers.clients import CLIENTS, Call
from tests.interop.peers.programs import OURS, STACKS
from tests.interop.peers.running import END, Hung, Running, Setup

FILE = resource_folder("data") / "peers.json"

#: What is presented, by the name of its files (certificates.py); "" is nothing.
CREDENTIALS = {
    "valid": "client",
    "none": "",
    "untrusted": "untrusted",
    "expired": "expired",
    "not_yet_valid": "notyet",
    "wrong_purpose": "purpose",
    "self_signed": "itself",
    "unauthorized": "other",
}
#: What the server presents, where the client judges; "unauthorized" is a name that was not called.
SERVERS = {
    "untrusted": "server-untrusted",
    "expired": "server-expired",
    "not_yet_valid": "server-notyet",
    "wrong_purpose": "server-purpose",
    "self_signed": "server-itself",
    "unauthorized": "server-elsewhere",
}
VERSIONS = ("1.3", "1.2")
#: The versions of Python that are here; what they say differs in single words.
PYTHONS = [each for each in ("3.11", "3.12", "3.13") if programs.runs(f"python{each}")]
#: By whom a row is made whose other side is of no importance.
REFERENCE, *LATER = [f"python{version}" for version in PYTHONS] or ["python3"]

ERLANG = 'io:format("~s", [erlang:system_info(otp_release)]), halt().'

Start = Callable[[Setup], AbstractContextManager[Running]]
STARTS: dict[str, Start] = STACKS | OURS | {f"python{v}": programs.python(v) for v in PYTHONS}
CALLS: dict[str, Callable[[Call], str]] = CLIENTS | {
    f"python{v}": clients.python(v) for v in PYTHONS
}
#: How a stack is called, and the command that tells its version.
RELEASES = {
    "erlang": ("Erlang/OTP", "erl", "-noshell", "-eval", ERLANG),
    "gnutls": ("GnuTLS", "gnutls-serv", "--version"),
    "go": ("Go", "go", "version"),
    "haproxy": ("haproxy", "haproxy", "-v"),
    "java": ("Java", "java", "-version"),
    "nginx": ("nginx", "nginx", "-v"),
    "node": ("Node.js", "node", "--version"),
    "openssl": ("OpenSSL", "openssl", "version"),
    "python": ("Python", REFERENCE, "--version"),
    "stunnel": ("stunnel", "stunnel4", "-version"),
}
#: How a server is told to answer in HTTP, or to say more.
EXTRA = {"openssl": "-www", "gnutls": "--http", "mosquitto": "log_type all\n"}
#: Servers that know nobody's name.
NO_RULE = {"openssl", "gnutls"}
#: Whose connections are told apart in one log, so that one server is enough for many rows.
SHARED = {"node", *OURS, *(f"python{v}" for v in PYTHONS)}
#: Servers that refuse in different ways: every client calls each of them.
ANSWERS = [REFERENCE, "go", "java", "nginx"]
#: Clients that refuse in different ways: they judge every server.
JUDGES = [REFERENCE, "go"]
#: Clients that come back with a session; the others present its certificate with it, or cannot.
RESUMING = [REFERENCE, "openssl"]
#: Protocols of their own: only their own client calls them.
ALONE = ["mosquitto", "postgres"]


@dataclass(frozen=True, order=True)
class Row:
    """One run: who calls whom, whose certificate is in question, and how the call is made."""

    server: str
    client: str
    whose: str
    credential: str
    version: str
    resumed: bool = False

    @property
    def setup(self) -> tuple[str, str, str]:
        """What its server needs: rows that need the same can share one."""
        certificate = SERVERS[self.credential] if self.whose == "server" else "server"
        named = self.server == "postgres" or (
            self.credential == "unauthorized" and self.whose == "client"
        )
        return self.server, certificate, "device-1" if named else ""

    @property
    def key(self) -> str:
        """The credential, as the file has it."""
        return self.credential if self.whose == "client" else f"server {self.credential}"

    def with_whom(self, side: str) -> str:
        """The other side and the version, as the file has it."""
        other = self.server if side == "device" else self.client
        return f"{stack(other)} {self.version}{' resumed' * self.resumed}"


@dataclass(frozen=True)
class Heard:
    """What both sides of a row have printed."""

    row: Row
    device: str
    backend: str

    def lines(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Give each side, its stack, and the lines that it has said."""
        yield "device", stack(self.row.client), lines_of(self.device)
        yield "backend", stack(self.row.server), lines_of(self.backend)


def stack(peer: str) -> str:
    """The name of a peer without its version."""
    return re.sub(r"[\d.]+$", "", peer)


# --- Which rows there are


def rows() -> list[Row]:
    """All of them."""
    found = []
    for server, client in sorted(pairs()):
        for credential in CREDENTIALS:
            if not (credential == "unauthorized" and server in NO_RULE):
                found += [Row(server, client, "client", credential, v) for v in VERSIONS]
        if client in RESUMING and server not in ALONE:
            found += [
                Row(server, client, "client", credential, version, resumed=True)
                for credential in CREDENTIALS
                for version in VERSIONS
                if not (credential == "unauthorized" and server in NO_RULE)
            ]
    found += [
        Row(server, client, "server", credential, version)
        for server, client in sorted(judged())
        for credential in SERVERS
        for version in VERSIONS
    ]
    return sorted(found)


def pairs() -> set[tuple[str, str]]:
    """Who calls whom with each credential of a client."""
    return {
        *((server, REFERENCE) for server in web()),
        *((server, client) for server in ANSWERS for client in callers()),
        *((name, name) for name in STARTS if name in CALLS),
    }


def web() -> list[str]:
    """The servers that any client calls."""
    return [name for name in STARTS if name not in {*ALONE, *LATER}]


def callers() -> list[str]:
    """The clients that call any server."""
    return [name for name in CALLS if name not in {*ALONE, *LATER}]


def judged() -> set[tuple[str, str]]:
    """Who calls whom where the server's certificate is wrong."""
    return {
        *((server, client) for server in web() for client in JUDGES),
        *((REFERENCE, client) for client in callers()),
        *((name, name) for name in STARTS if name in CALLS),
    }


# --- Running them


def run(chosen: Iterable[Row], folder: Path) -> Iterator[Heard]:
    """Run rows, those that can share a server in one after the other."""
    groups = [list(group) for _, group in groupby(sorted(chosen, key=_group), key=_group)]
    apart = [each for each in groups if each[0].server in ALONE]  # postgres has one folder
    others = [each for each in groups if each[0].server not in ALONE]
    with ThreadPoolExecutor(3) as pool:
        lanes = pool.map(lambda group: list(_together(group, folder)), others)
        for group in apart:
            yield from _together(group, folder)
        for heard in lanes:
            yield from heard


def _group(row: Row) -> tuple[Any, ...]:
    return (*row.setup, "" if row.server in SHARED else row)


def _together(group: list[Row], folder: Path) -> Iterator[Heard]:
    """Run rows with one server; after one that hangs, which is told, the others with another."""
    name, certificate, allowed = group[0].setup
    setup = Setup(folder, server=certificate, extra=EXTRA.get(name, ""), allowed=allowed)
    left = deque(group)
    while left:
        row = left.popleft()
        try:
            with STARTS[name](setup) as server:
                yield _one(row, server, folder)
                while left:
                    row = left.popleft()
                    yield _one(row, server, folder)
        except Hung as hung:
            sys.stderr.write(f"hung, and left out: {row}: {hung}; {len(left)} more of {name}\n")


def _one(row: Row, server: Running, folder: Path) -> Heard:
    presented = CREDENTIALS[row.credential] if row.whose == "client" else "client"
    call = Call(folder, server.port, presented, row.version, row.resumed)
    device = CALLS[row.client](call)
    shared = row.server in SHARED
    backend = server.heard(1 + row.resumed) if shared else server.last_words()
    return Heard(row, device, backend)


#: Words of which a line has one that tells of a failure. The others are reports, pages and dumps.
TELLING = re.compile(
    r"alert|authori[sz]|bad |broken|certificate|closed|code|denied|disconnect|eof|err|expire|fail"
    r"|fatal|forbidden|hang|lost|no |not |refuse|reject|reset|trust|unable|unknown|verif|wrong",
    re.IGNORECASE,
)
#: What has one by chance, and tells what the other side has shown or asked for.
REPORTED = re.compile(
    r"-----|PSK|Session-ID|SRP|pin-sha256|subject |Cipher|CA names| [0-9a-f]{2} [0-9a-f]{2} "
)


def lines_of(text: str) -> tuple[str, ...]:
    """What is told in a text, each line once."""
    lines = (
        line
        for line in text.splitlines()
        if TELLING.search(line) and not REPORTED.search(line) and line != END.strip()
    )
    return tuple(dict.fromkeys(filter(None, map(normalised, lines))))


# --- The file


def table(heard: list[Heard], before: dict[str, Any]) -> dict[str, Any]:
    """Return the file's content: what was heard, and what was seen before."""
    healthy = _healthy(heard)
    says: dict[str, Any] = defaultdict(lambda: {"device": {}, "backend": {}})
    for each in heard:
        for side, peer, lines in each.lines():
            told = [line for line in lines if shape(line) not in healthy[peer, side]]
            for line in told or [""]:
                rows_of = says[peer][side].setdefault(line, {})
                rows_of.setdefault(each.row.key, set()).add(each.row.with_whom(side))
    for name, sides in before.get("says", {}).items():
        for side, lines in sides.items():
            for line, seen in lines.items():
                for key, who in seen.items():
                    says[name][side].setdefault(line, {}).setdefault(key, set()).update(
                        who.split(", ")
                    )
    return {
        "alerts": _alerts(heard, before.get("alerts", {})),
        "says": {
            name: {
                side: {
                    line: {key: ", ".join(sorted(who)) for key, who in sorted(lines[line].items())}
                    for line in sorted(lines)
                }
                for side, lines in sides.items()
                if lines
            }
            for name, sides in sorted(says.items())
        },
    }


def _healthy(heard: list[Heard]) -> dict[tuple[str, str], set[str]]:
    """The shapes of lines that each peer says when nothing is wrong, too."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in heard:
        if each.row.credential == "valid":
            for side, peer, lines in each.lines():
                found[peer, side].update(map(shape, lines))
    return found


def shape(line: str) -> str:
    """A line without its numbers, which count bytes, milliseconds or connections."""
    return re.sub(r"\d+|…", "0", line)


def _alerts(heard: list[Heard], before: dict[str, Any]) -> dict[str, Any]:
    """What each server sends, as Python's clients hear it: they present what they have."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for each in heard:
        row = each.row
        wrong = row.whose == "client" and row.credential != "valid"
        if wrong and stack(row.client) == stack(REFERENCE) and not row.resumed:
            found[stack(row.server)][row.credential].add(sent(each.device))
    names = {name: release(name) for name in found}
    for name in [name for name in found if name in before and before[name]["name"] != names[name]]:
        seen, another = found.pop(name), f"{name} {names[name].rpartition(' ')[2]}"
        if _told(seen) != _told(before[name]):
            found[another], names[another] = seen, names[name]
    for name, seen in before.items():
        names[name] = seen["name"]
        for credential in CREDENTIALS:
            found[name][credential].update(seen.get(credential, ()))
    return {
        name: {"name": names[name]} | {key: sorted(seen[key]) for key in CREDENTIALS if seen[key]}
        for name, seen in sorted(found.items())
    }


def _told(seen: Mapping[str, Any]) -> dict[str, set[str]]:
    """The alerts alone: whether a peer closes before its alert is read differs from run to run."""
    return {key: set(seen.get(key, ())) - {"closed"} for key in CREDENTIALS}


def release(name: str) -> str:
    """A stack with the version that is here."""
    called, *command = RELEASES[name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    version = re.search(r"\d+(?:\.\d+)?", done.stdout + done.stderr)
    assert version, (command, done)
    return f"{called} {version[0].removesuffix('.0')}"


def sent(told: str) -> str:
    """What a server has sent: an alert, an answer, or nothing that could be read."""
    for line in told.splitlines():
        reason = re.search(r"\[SSL: (\w+)\]", line)
        if reason and (alert := alert_of(normal(reason[1]))):
            return alert
        if answer := re.match(r"HTTP/1\.\d (\d)", line):
            return "served" if answer[1] == "2" else "refused in HTTP"
    return "closed"


def written(content: dict[str, Any]) -> str:
    """The file as JSON, in which each line that was said has a line."""

    def block(told: dict[str, Any], depth: int) -> str:
        if depth == 0:
            return json.dumps(told, ensure_ascii=False)
        inner = (
            f"{json.dumps(k, ensure_ascii=False)}: {block(v, depth - 1)}" for k, v in told.items()
        )
        return "{\n" + ",\n".join(inner) + "\n}"

    parts = {"alerts": block(content["alerts"], 1), "says": block(content["says"], 3)}
    return "{\n" + ",\n".join(f'"{name}": {part}' for name, part in parts.items()) + "\n}\n"


def main(words: list[str]) -> int:
    """Run the rows and write the file; return how many of them hung."""
    start = time.monotonic()
    chosen = [row for row in rows() if not words or {row.server, row.client} & set(words)]
    with tempfile.TemporaryDirectory() as name:
        folder = make(Path(name))
        heard = list(run(chosen, folder))
    before = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    FILE.write_text(written(table(heard, before)), encoding="utf-8")
    sys.stdout.write(f"{len(heard)} of {len(chosen)} rows in {time.monotonic() - start:.0f} s\n")
    return len(chosen) - len(heard)


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
