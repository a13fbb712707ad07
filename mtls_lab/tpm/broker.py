"""The door to a TPM: clients come to a socket, one command at a time goes in.

Here: threads and time-outs, in the protocol of the TSS's TCTI `swtpm` (plain commands on
one socket, control messages on the one beside it). Not here: whose handle is whose (manager.py),
the TPM's process (software.py).

That TCTI connects anew for each command. So a client is a process, which the kernel names for each
connection, and what it had loaded is flushed once it has ended, killed or not. Whatever it sends
ends its own connection and no other. A TPM that does not answer in time counts as gone: everybody
is hung up on at once, for a TSS waits for ever.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mtls_lab.common import PathLike
from mtls_lab.net.sockets import NO_ROOM, PAUSE
from mtls_lab.tpm.caller import exactly, message, process_of
from mtls_lab.tpm.manager import Asked, Manager

__all__ = ["Broker"]

#: Seconds for a thread whose sockets are shut down to end.
GRACE = 2.0
#: Commands that the log remembers: some hundred handshakes.
REMEMBERED = 4096
#: A person's machine has a handful of clients; each costs a thread.
MOST_CLIENTS = 64
#: The control messages of swtpm that a TSS sends: PTM_SET_LOCALITY with five bytes, PTM_CANCEL.
CONTROLS = {5: 1, 9: 0}


class Broker:
    """Listens at `path` and at `path`.ctrl, and hands the commands of all clients to one TPM.

    Args:
        path: where to listen: a socket in a folder that nobody else may enter.
        tpm: a connected socket to the TPM.
        timeout: seconds for one command.

    Attributes:
        log: what the TPM was asked, oldest first; bounded.
        gone: why the TPM does not answer any more; empty while it does.

    Raises:
        OSError: the TPM does not answer, or the path cannot be listened on.
    """

    def __init__(self, path: PathLike, tpm: socket.socket, *, timeout: float) -> None:
        self.log: deque[Asked] = deque(maxlen=REMEMBERED)
        self.gone = ""
        self._tpm, self._one = tpm, threading.Lock()
        tpm.settimeout(timeout)
        self._clients: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._listeners: list[socket.socket] = []
        self._members, self._numbers = threading.Lock(), itertools.count(1)
        self._processes: dict[int, tuple[int, str]] = {}
        self._open, self._closed = True, threading.Event()
        self._manager = Manager(self._send, self.log.append)
        try:
            for door, serve in (("", self._serve), (".ctrl", self._control)):
                self._listen(os.fspath(path) + door, serve)
        except BaseException:
            self.close()
            raise

    def ask(self, command: bytes) -> bytes:
        """Ask the TPM something of the lab's own. Raises OSError: it does not answer."""
        with self._one:
            return self._manager.ask(command)

    def farewell(self, command: bytes, timeout: float) -> None:
        """Ask it a last thing, unless it is busy or silent for longer than `timeout` seconds.

        Nobody asks it anything after that: swtpm does not end while it answers somebody who has
        hung up.
        """
        if self._one.acquire(timeout=timeout):
            try:
                self._tpm.settimeout(timeout)
                with suppress(OSError):
                    self._manager.ask(command)
                self.gone = self.gone or "it was stopped"
            finally:
                self._one.release()

    def close(self) -> None:
        """Hang up on everybody; no thread is left. Twice does no harm."""
        self._hang_up()
        with self._members:  # one that is only being started cannot be waited for
            threads = list(self._threads)
        for thread in threads:
            thread.join(GRACE)

    def _hang_up(self) -> None:
        self._closed.set()
        with self._members:
            self._open = False
            everybody = [self._tpm, *self._clients, *self._listeners]
        for each in everybody:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # whoever waits for it goes on, and closes it

    # --- Clients

    def _listen(self, path: str, serve: Callable[[socket.socket], None]) -> None:
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(path)
            listener.listen(MOST_CLIENTS)
            self._listeners.append(listener)
            if not self._start(self._accept, listener, serve):
                raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        except OSError:
            listener.close()
            raise

    def _start(self, work: Callable[..., None], *arguments: Any) -> bool:
        """Do it in a thread; return whether the system had room for one."""
        thread = threading.Thread(target=self._run, args=(work, *arguments), daemon=True)
        with self._members:
            try:
                thread.start()
            except RuntimeError:
                return False
            self._threads.add(thread)
        return True

    def _run(self, work: Callable[..., None], *arguments: Any) -> None:
        try:
            with suppress(OSError, ValueError):
                work(*arguments)
        finally:
            with self._members:
                self._threads.discard(threading.current_thread())

    def _accept(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        with listener:
            while not self._closed.is_set():
                try:
                    client, _ = listener.accept()
                except OSError as error:
                    if error.errno not in NO_ROOM:
                        return  # it was shut down
                    self._closed.wait(PAUSE)
                    continue
                with self._members:
                    welcome = self._open and len(self._clients) < MOST_CLIENTS
                    if welcome:
                        self._clients.add(client)
                if welcome and self._start(self._until_it_ends, serve, client):
                    continue
                with self._members:
                    self._clients.discard(client)
                client.close()

    def _until_it_ends(self, serve: Callable[[socket.socket], None], client: socket.socket) -> None:
        try:
            with client:
                serve(client)
        finally:
            with self._members:
                self._clients.discard(client)

    def _serve(self, client: socket.socket) -> None:
        process = process_of(client)
        # Each conversation of the lab itself, whose process does not end, is a client.
        own = next(self._numbers) if process == os.getpid() else 0
        try:
            while command := message(client):
                with self._one:
                    self._drop_the_ended()
                    response = self._manager.run(own or self._number_of(process), command)
                client.sendall(response)
        finally:
            if own:
                with self._one, suppress(OSError):
                    self._manager.drop(own)

    def _number_of(self, process: int) -> int:
        """Return the number of a process, from its first command until it has ended."""
        if process not in self._processes:
            self._processes[process] = next(self._numbers), _began(process)
        return self._processes[process][0]

    def _drop_the_ended(self) -> None:
        """Flush what ended processes left behind."""
        for process, (number, began) in list(self._processes.items()):
            if _began(process) != began:
                del self._processes[process]
                self._manager.drop(number)

    def _control(self, client: socket.socket) -> None:
        while head := exactly(client, 4):
            (kind,) = struct.unpack(">I", head)
            if kind not in CONTROLS or len(exactly(client, CONTROLS[kind])) < CONTROLS[kind]:
                return
            client.sendall(struct.pack(">I", 0))

    # --- The TPM

    def _send(self, command: bytes) -> bytes:
        """Run one command. Raises OSError, now and from then on, if the TPM does not answer."""
        if self.gone:
            raise ConnectionError(self.gone)
        try:
            self._tpm.sendall(command)
            response = message(self._tpm)
        except TimeoutError:
            return self._lost("it did not answer in time")
        except (OSError, ValueError) as error:
            return self._lost(str(error))
        return response or self._lost("its process has ended")

    def _lost(self, why: str) -> bytes:
        self.gone = why
        self._hang_up()  # a later command would get the answer of this one
        raise ConnectionError(why)


def _began(process: int) -> str:
    """Return when a process began, which tells it from a later one with its number; "" if ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state == "Z" else rest[18]  # proc(5): field 22
