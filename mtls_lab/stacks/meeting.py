"""One server and one client of two stacks, once for each credential: what each of them says.

Here: the runs, their values, and both sides as cards. Not here: processes (running.py).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.common import Shown, read_facts, scratch_folder
from mtls_lab.drawing import actor, breakable, card, escape, side_by_side
from mtls_lab.net import Relay
from mtls_lab.stacks.laying import copy_file, lay_out
from mtls_lab.stacks.programs import Program, how_to_get
from mtls_lab.stacks.running import (
    NotStarted,
    Server,
    free_port,
    on_ports,
    output_of,
    prepare,
    started,
)
from mtls_lab.stacks.steady import steady

__all__ = ["CREDENTIALS", "Encounter", "Encounters", "meet", "title"]

#: One right credential, and four wrong ones, in the words of data/credentials.toml.
CREDENTIALS = ("valid", "none", "untrusted", "expired", "wrong_purpose")
#: In a client's file, the lines that present its certificate.
PRESENTS = r"client\.(crt|key|p12)"
#: What a server answers to somebody it serves, followed by who that is.
HELLO = "hello"


@dataclass(frozen=True)
class Encounter:
    """What both sides said of one credential.

    Attributes:
        credential: its name.
        client, server: their own words, a line each; empty if they said nothing.
    """

    credential: str
    client: tuple[str, ...]
    server: tuple[str, ...]

    @property
    def served(self) -> bool:
        """Whether the client got its answer."""
        return any(line.startswith(HELLO) for line in self.client)

    @property
    def heard(self) -> str:
        """What the client was told: an alert, in the words of RFC 8446, or "nothing".

        Example:
            >>> Encounter("none", ("tlsv13 alert certificate required",), ()).heard
            'certificate_required'
            >>> Encounter("none", ("Connection reset by peer",), ()).heard
            'nothing'
        """
        words = "\n".join(self.client)
        known = read_facts("stacks")["told"].items()
        return next((name for name, pattern in known if re.search(pattern, words)), "nothing")


@dataclass(frozen=True)
class Encounters(Shown):
    """A server and a client, with each credential; Jupyter shows both sides as cards.

    Attributes:
        server, client: what they are called.
        all: one for each credential.
        instead: why there are none: what is missing, or a server that does not start; or "".
    """

    server: str
    client: str
    all: tuple[Encounter, ...] = ()
    instead: str = ""

    def __getitem__(self, credential: str) -> Encounter:
        """Return what both said of a credential; where nothing was run, why."""
        found = (each for each in self.all if each.credential == credential)
        return next(found, Encounter(credential, (self.instead,), ()))

    def __bool__(self) -> bool:
        return not self.instead

    def __str__(self) -> str:
        if self.instead:
            return self.instead
        width = max(len(self.server), len(self.client)) + 1
        lines = []
        for each in self.all:
            lines.append(f"{title(each.credential)} {'✓' if each.served else '✗'}")
            for name, words in ((self.client, each.client), (self.server, each.server)):
                first, *rest = words or ("(says nothing)",)
                lines.append(f"  {name:<{width}} {first}")
                lines += [f"  {'':<{width}} {line}" for line in rest]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if self.instead:
            return f"<p>{escape(self.instead)}</p>"
        return "".join(_row(self, each) for each in self.all)


def title(credential: str) -> str:
    """Return the name of a credential in a sentence."""
    return credential.replace("_", " ")


def meet(
    server: Program,
    client: Program,
    *,
    behind: Iterable[Program] = (),
    credentials: Iterable[str] = CREDENTIALS,
    leave_out: str = "",
) -> Encounters:
    """Start a server, ask it once with each credential, end it, and return what both said.

    Between them is a relay, for a server that refuses and hangs up while the client still writes
    takes its own alert back (a reset), if the client has not read it yet. The relay has.

    The files of a credential are `device/credentials/NAME.crt` and `.key`; the client finds them
    as `client.crt` and `client.key`. With "none", the lines of its files that name those are left
    out.

    Args:
        server: the program that is asked.
        client: the program that asks.
        behind: programs that the server needs, such as the application behind a proxy.
        credentials: the names of the credentials; one may be a text.
        leave_out: lines of the server's files that match this pattern are left out.

    Raises:
        LabError: a command that prepares one of them has failed.
        FileProblem: a file is not there.
    """
    behind = tuple(behind)
    credentials = (credentials,) if isinstance(credentials, str) else credentials
    every = (*behind, server, client)
    missing = list(dict.fromkeys(name for each in every for name in each.missing()))
    if missing:
        return Encounters(server.name, client.name, instead=how_to_get(missing))
    ports = {each.listens: free_port() for each in every if isinstance(each.listens, int)}
    with scratch_folder() as place:
        (place / "server").mkdir()
        for each in (*behind, server):
            lay_out(each, place / "server", ports, leave_out)
        try:
            with started([*behind, server], place / "server", ports) as running, ExitStack() as on:
                to = dict(ports)
                if isinstance(server.listens, int):
                    target = ("127.0.0.1", ports[server.listens])
                    between = on.enter_context(Relay(target, whole=False))
                    to[server.listens] = between.address[1]
                asked = _Asking(client, running[-1], to, place)
                return Encounters(server.name, client.name, tuple(map(asked.once, credentials)))
        except NotStarted as error:
            words = f"{error.name} does not start: {steady(error.words, [str(place / 'server')])}"
            return Encounters(server.name, client.name, instead=words)


@dataclass
class _Asking:
    """A client, laid out once, and then for each credential."""

    client: Program
    server: Server
    ports: dict[int, int]
    place: Path

    def once(self, credential: str) -> Encounter:
        """Ask with one credential."""
        folder = self._folder(credential)
        command = on_ports(self.client.command, self.ports)
        _, said = output_of(command, folder, more=self.client.environment)
        answer = self._steady(self.server.said())
        words = self.client.words(said.splitlines()) or said.splitlines()[-1:]
        return Encounter(credential, self._steady(words), answer)

    def _folder(self, credential: str) -> Path:
        prepared, folder = self.place / "client", self.place / credential
        if not prepared.exists():
            prepared.mkdir()
            lay_out(self.client, prepared, self.ports)
        shutil.copytree(prepared, folder)
        if credential == "none":
            lay_out(self.client, folder, self.ports, PRESENTS)
            return folder
        for kind in ("crt", "key"):
            copy_file(Path(f"device/credentials/{credential}.{kind}"), folder / f"client.{kind}")
        for command in self.client.before:
            prepare(command, folder)
        return folder

    def _steady(self, lines: list[str]) -> tuple[str, ...]:
        folders = [str(each) for each in sorted(self.place.iterdir()) if each.is_dir()]
        told = (steady(line, folders) for line in lines)
        return tuple(dict.fromkeys(line for line in told if line))


def _row(encounters: Encounters, encounter: Encounter) -> str:
    sign = "✓ served" if encounter.served else "✗ not served"
    name = escape(title(encounter.credential))
    head = f'<p style="margin:8px 0 0;font-weight:600">{name} {sign}</p>'
    sides = side_by_side(
        card(actor("device", encounters.client), _words(encounter.client), good=encounter.served),
        card(actor("backend", encounters.server), _words(encounter.server), good=encounter.served),
    )
    return head + sides


def _words(lines: tuple[str, ...]) -> str:
    if not lines:
        return '<div style="font-style:italic">says nothing</div>'
    style = "overflow-wrap:anywhere;margin:2px 0"
    return "".join(f'<div style="{style}">{breakable(line)}</div>' for line in lines)
