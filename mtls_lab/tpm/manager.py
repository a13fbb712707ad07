"""A small resource manager: many clients share the few places that a TPM has for loaded objects.

Here: who owns what, and which object is swapped out when the TPM is full, through one function
that takes a command to the TPM. Not here: sockets and threads (broker.py), bytes (commands.py).

A client sees handles of its own. An object stays in the TPM until the TPM says that it has no room
left: then the one that was not needed for longest is saved, encrypted by the TPM, and loaded again
when its owner names it. What a client leaves behind is flushed by `drop`.
"""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mtls_lab.tpm import commands
from mtls_lab.tpm.codes import ResponseCode, command_name, decode
from mtls_lab.tpm.measured import AUTH_UNAVAILABLE, by_policy

__all__ = ["Asked", "Manager"]

#: Takes one command to the TPM and returns its response. Raises OSError: the TPM is gone.
Send = Callable[[bytes], bytes]

#: Part 2, 6.6.3 and 6.12: no room for an object, an unknown handle, the kinds of capabilities.
OBJECT_MEMORY, BAD_HANDLE, BAD_SIZE, BAD_COMMAND = 0x902, 0x18B, 0x142, 0x143
HANDLES, COMMANDS = 1, 2
#: Objects of one client: what is swapped out is kept here.
MOST = 256
#: The first of all handles of objects that pass.
TRANSIENT = 0x80000000


@dataclass(frozen=True, slots=True)
class Asked:
    """One command that the TPM was asked, and what it said.

    Attributes:
        client: the number of the process it came from; 0 for the resource manager itself.
        name: the command, such as `Sign`.
        answer: the response code.
        seconds: what the TPM needed.
    """

    client: int
    name: str
    answer: ResponseCode
    seconds: float = field(compare=False)

    def __str__(self) -> str:
        said = "ok" if self.answer.ok else str(self.answer)
        return f"{self.name:<26} {said}"


@dataclass(eq=False, slots=True)
class _Object:
    """A loaded object: where it is in the TPM now, or how it was saved."""

    owner: int
    real: int | None
    saved: bytes = b""
    used: int = 0


class Manager:
    """The objects and sessions of all clients; one command at a time.

    Args:
        send: takes a command to the TPM.
        note: told of each command.

    Raises:
        OSError: the TPM does not answer, or says no. So does every method.
    """

    def __init__(self, send: Send, note: Callable[[Asked], object]) -> None:
        self._send, self._note = send, note
        self._objects: dict[int, _Object] = {}
        self._sessions: dict[int, int] = {}
        self._numbers, self._clock = itertools.count(TRANSIENT), itertools.count(1)
        response = self._do(0, commands.get_capability(COMMANDS, 0x11F, 512))
        if code := commands.code_of(response):  # on a full disk, a new one answers nothing else
            raise OSError(f"the TPM says {code:#x}")
        found = commands.values_of(response)
        self._commands = {a.code: a for a in (commands.Attributes.of(bits) for bits in found)}

    def run(self, client: int, command: bytes) -> bytes:
        """Run one command of a client and return the response that it may see."""
        code = commands.code_of(command)
        if code == commands.FLUSH and len(command) == commands.HEAD + 4:
            return self._flush(client, command)
        if code == commands.CAPABILITY and command[10:18] == struct.pack(">II", HANDLES, TRANSIENT):
            return self._handles_of(client)
        about = self._commands.get(code)
        if about is None:
            return commands.reply(BAD_COMMAND)
        try:
            named = struct.unpack_from(f">{about.handles}I", command, commands.HEAD)
            mine = {handle: self._of(client, handle) for handle in named if _passes(handle)}
        except struct.error:
            return commands.reply(BAD_SIZE)
        except KeyError:
            return commands.reply(BAD_HANDLE)
        response = self._translated(client, command, named, mine)
        done = commands.code_of(response) == 0
        if done and about.flushes:
            for handle in mine:
                del self._objects[handle]
        return self._own(client, response) if done and about.gives_handle else response

    def _translated(
        self, client: int, command: bytes, named: Sequence[int], mine: dict[int, _Object]
    ) -> bytes:
        """Run a command with the TPM's own handles in the place of those that the client named."""
        keep = set(mine.values())
        for each in mine.values():
            self._bring_in(each, keep)
        real = [mine[handle].real if handle in mine else handle for handle in named]
        handles = struct.pack(f">{len(real)}I", *real)
        rest = command[commands.HEAD + len(handles) :]
        command = command[: commands.HEAD] + handles + rest
        response = self._with_room(client, command, keep, quiet=(AUTH_UNAVAILABLE,))
        if commands.code_of(response) == AUTH_UNAVAILABLE:
            response = self._under_policy(client, command, keep) or response
        return response

    def drop(self, client: int) -> None:
        """Flush what a client leaves behind."""
        for handle in [h for h, owner in self._sessions.items() if owner == client]:
            del self._sessions[handle]
            self._do(0, commands.flush(handle))
        for handle in [h for h, each in self._objects.items() if each.owner == client]:
            each = self._objects.pop(handle)
            if each.real is not None:
                self._do(0, commands.flush(each.real))

    def ask(self, command: bytes) -> bytes:
        """Run a command of the lab's own, which names no object."""
        return self._do(0, command)

    # --- Room in the TPM

    def _under_policy(self, client: int, command: bytes, keep: set[_Object]) -> bytes | None:
        """Prove the policy of a key for a client that cannot; None where that is not the matter."""
        done = by_policy(lambda each: self._with_room(client, each, keep), command)
        if done is None:
            name = command_name(commands.code_of(command))
            self._note(Asked(client, name, decode(AUTH_UNAVAILABLE), 0.0))
        return done

    def _with_room(
        self, client: int, command: bytes, keep: set[_Object], quiet: tuple[int, ...] = ()
    ) -> bytes:
        """Run a command; where the TPM has no room, swap out what is not needed and try again."""
        while True:
            response = self._do(client, command, quiet=(OBJECT_MEMORY, *quiet))
            if commands.code_of(response) != OBJECT_MEMORY or not self._swap_out(keep):
                return response

    def _bring_in(self, each: _Object, keep: set[_Object]) -> None:
        each.used = next(self._clock)
        if each.real is None:
            response = self._with_room(0, commands.context_load(each.saved), keep)
            if commands.code_of(response) == 0:
                (each.real,) = struct.unpack_from(">I", response, commands.HEAD)
            else:
                each.real = TRANSIENT + 0xFFFFFF  # the TPM will say that there is none

    def _swap_out(self, keep: set[_Object]) -> bool:
        inside = [e for e in self._objects.values() if e.real is not None and e not in keep]
        for each in sorted(inside, key=lambda each: each.used):
            response = self._do(0, commands.context_save(each.real or 0))
            if commands.code_of(response) == 0:
                each.saved = commands.body(response)
                self._do(0, commands.flush(each.real or 0))
                each.real = None
                return True
        return False

    # --- Handles

    def _own(self, client: int, response: bytes) -> bytes:
        """Give a client the handle of what it has just loaded."""
        (real,) = struct.unpack_from(">I", response, commands.HEAD)
        kind = commands.kind_of_handle(real)
        if kind == "session":
            self._sessions[real] = client
        if kind != "object":
            return response
        if sum(each.owner == client for each in self._objects.values()) >= MOST:
            self._do(0, commands.flush(real))
            return commands.reply(OBJECT_MEMORY)
        handle = next(h for h in self._numbers if h not in self._objects)
        self._objects[handle] = _Object(client, real, used=next(self._clock))
        return response[:10] + struct.pack(">I", handle) + response[14:]

    def _of(self, client: int, handle: int) -> _Object:
        """Return a client's object. Raises KeyError: it has none of this handle."""
        each = self._objects[handle]
        if each.owner != client:
            raise KeyError(handle)
        return each

    def _flush(self, client: int, command: bytes) -> bytes:
        (handle,) = struct.unpack_from(">I", command, commands.HEAD)
        if not _passes(handle):
            self._sessions.pop(handle, None)
            return self._do(client, command)
        try:
            each = self._of(client, handle)
        except KeyError:
            return commands.reply(BAD_HANDLE)
        del self._objects[handle]
        if each.real is None:
            self._note(Asked(client, command_name(commands.FLUSH), decode(0), 0.0))
            return commands.reply()
        return self._do(client, commands.flush(each.real))

    def _handles_of(self, client: int) -> bytes:
        mine = [handle for handle, each in self._objects.items() if each.owner == client]
        listed = struct.pack(f">BII{len(mine)}I", 0, HANDLES, len(mine), *mine)
        return commands.reply(parameters=listed)

    # --- The TPM

    def _do(self, client: int, command: bytes, quiet: tuple[int, ...] = ()) -> bytes:
        began = time.perf_counter()
        response = self._send(command)
        code = commands.code_of(response)
        if code not in quiet:
            name = command_name(commands.code_of(command))
            self._note(Asked(client, name, decode(code), time.perf_counter() - began))
        return response


def _passes(handle: int) -> bool:
    """Whether it is the handle of an object that was loaded, and not one that a TPM always has."""
    return commands.kind_of_handle(handle) == "object"
