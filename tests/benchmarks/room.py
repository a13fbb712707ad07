"""A room full of people: 1, 10, 100 and 1,000 clients at once, thousands one by one, many starts.

Here: the backend in a process of its own, beside the bare server of bare.py in another; how many
were served, how fast, and what it took. Not here: one exchange (exchange.py), and outcomes
(soak.py). `python -m tests.benchmarks.room` runs this alone.
"""

from __future__ import annotations

import gc
import multiprocessing
import resource
import socket
import ssl
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mtls_lab import Relay, serve
from mtls_lab.net import client_context, server_context
from tests.benchmarks.bare import REPLY, BareServer
from tests.benchmarks.figures import Figure, all_met, seconds
from tests.unit.lab import Lab

#: Clients at a time, and how often each crowd comes.
CROWDS = {1: 400, 10: 60, 100: 12, 1000: 5}
#: Connections one after the other, and backends started and stopped.
SEQUENTIAL, STARTS = 10_000, 500
#: Lines that pass a relay in one go, and bytes.
LINES, BYTES = 200_000, 700_000_000
#: Threads of the process that plays the clients; each has its share of them.
PLAYERS = 16
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Crowd:
    """How one crowd fared: how many got the reply, in how many seconds, and how long one waited.

    The processor's seconds are those of the server.
    """

    served: int
    seconds: float
    p99: float
    processor: float = 0.0


def _server(pipe: Connection, files: tuple[Path, Path, Path], name: str) -> None:
    """Serve until told to end; say what it takes when asked."""
    _many_descriptors()
    ca, *pair = files
    context = server_context(*pair, client_ca=ca)
    with ExitStack() as stack:
        made: Any = serve(context) if name == "ours" else BareServer(context)
        address = stack.enter_context(made).address
        pipe.send(address)
        while (asked := pipe.recv()) != "end":
            pipe.send(time.process_time() if asked == "processor" else _taken())


@dataclass(frozen=True, slots=True)
class Taken:
    """Most memory so far, in MiB, open descriptors, and threads."""

    memory: float
    descriptors: int
    threads: int


def _taken() -> Taken:
    gc.collect()
    descriptors = len(list(Path("/dev/fd").iterdir()))
    return Taken(_most_memory(), descriptors, threading.active_count())


def _most_memory() -> float:
    """Return the most that it has had, in MiB; `ru_maxrss` counts that of its parent as well."""
    with suppress(FileNotFoundError):  # not on Linux
        told = Path("/proc/self/status").read_text("ascii")
        return int(told.partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _many_descriptors() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))


@contextmanager
def server(files: tuple[Path, Path, Path], name: str) -> Iterator[tuple[Any, Connection]]:
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=_server, args=(there, files, name))
    process.start()
    try:
        yield here.recv(), here
    finally:
        here.send("end")
        process.join()


def _take(pipe: Connection) -> Taken:
    pipe.send("what")
    taken: Taken = pipe.recv()
    return taken


def _processor(pipe: Connection) -> float:
    """Return the seconds of a processor that it has used so far."""
    pipe.send("processor")
    used: float = pipe.recv()
    return used


def crowd(address: tuple[str, int], context: ssl.SSLContext, clients: int) -> Crowd:
    """Let so many clients connect, and none of them leave before all have the reply."""
    share = [clients // PLAYERS + (n < clients % PLAYERS) for n in range(min(PLAYERS, clients))]
    waits: list[float] = []
    all_served = threading.Barrier(len(share))

    def play(count: int) -> None:
        with ExitStack() as stack:
            for _ in range(count):
                begin = time.perf_counter()
                try:
                    raw = stack.enter_context(socket.create_connection(address, timeout=60))
                    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    tls = stack.enter_context(context.wrap_socket(raw, server_hostname="localhost"))
                    tls.sendall(b"GET_SECRET\n")
                    if tls.recv(4096) == REPLY:
                        waits.append(time.perf_counter() - begin)
                except OSError:
                    continue
            all_served.wait()

    players = [threading.Thread(target=play, args=(count,)) for count in share]
    begin = time.perf_counter()
    for player in players:
        player.start()
    for player in players:
        player.join()
    took = time.perf_counter() - begin
    worst = sorted(waits)[max(len(waits) * 99 // 100 - 1, 0)] if waits else float("nan")
    return Crowd(len(waits), took, worst)


def figures() -> Iterator[Figure]:
    _many_descriptors()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab.create(Path(folder))
        own = lab.store.files("valid")
        assert own is not None
        context = client_context(lab.ca_file, *own)
        files = (lab.ca_file, *lab.server_files)
        with server(files, "ours") as ours, server(files, "bare") as bare:
            for clients, times in CROWDS.items():
                yield _compared(f"{clients:,} clients at once", ours, bare, context, clients, times)
            yield _one_by_one(ours, bare, context)
        yield _starts(files)
    yield _relayed()
    yield _remembered()


def _compared(
    name: str,
    ours: tuple[Any, Connection],
    bare: tuple[Any, Connection],
    context: ssl.SSLContext,
    clients: int,
    times: int,
) -> Figure:
    """Both in turn; who goes first alternates.

    What counts is the processor's time of the servers: with the clients beside them on the same
    cores, that of a clock says as much about those.
    """
    ends = {"ours": ours, "bare": bare}
    seen: dict[str, list[Crowd]] = {"ours": [], "bare": []}
    for number in range(times + 1):
        for end in sorted(ends, reverse=bool(number % 2)):
            address, pipe = ends[end]
            before = _processor(pipe)
            came = crowd(address, context, clients)
            used = _processor(pipe) - before
            if number:  # the first of each does not count
                seen[end].append(replace(came, processor=used))
    pairs = list(zip(seen["bare"], seen["ours"], strict=True))
    ratios = [floor.processor / own.processor for floor, own in pairs]
    low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive")
    clock = statistics.median(floor.seconds / own.seconds for floor, own in pairs)
    served = min(each.served for each in seen["ours"])
    taken = {end: _take(pipe) for end, (_, pipe) in ends.items()}
    rates = [clients / statistics.median(c.seconds for c in seen[end]) for end in ends]
    waits = [1000 * statistics.median(c.p99 for c in seen[end]) for end in ends]
    memory = [taken[end].memory for end in ends]
    cost = [1000 * statistics.median(c.processor for c in seen[end]) / clients for end in ends]
    details = (
        f"{served:,} served; processor {cost[0]:.2f} : {cost[1]:.2f} ms each, half of {times} in "
        f"{low:.2f} to {high:.2f}; by the clock {clock:.2f}, "
        f"{rates[0]:.0f} : {rates[1]:.0f} a second, "
        f"99 % within {waits[0]:.0f} : {waits[1]:.0f} ms; "
        f"most memory {memory[0]:.0f} : {memory[1]:.0f} MiB"
    )
    return Figure(name, f"{ratio:.3f}", "≥ 0.90", ratio >= 0.9 and served == clients, details)


def _more(before: Taken, after: Taken) -> tuple[int, int]:
    return after.descriptors - before.descriptors, after.threads - before.threads


def _one_by_one(
    ours: tuple[Any, Connection], bare: tuple[Any, Connection], context: ssl.SSLContext
) -> Figure:
    before = _take(ours[1])
    begun = [_processor(pipe) for _, pipe in (ours, bare)]
    served = 0
    for _ in range(SEQUENTIAL // 100):
        for address, times in ((ours[0], 100), (bare[0], 50)):
            came = sum(crowd(address, context, 1).served for _ in range(times))
            served += came * (address is ours[0])
    used = [_processor(pipe) - begin for (_, pipe), begin in zip((ours, bare), begun, strict=True)]
    after = _take(ours[1])
    ratio = 2 * used[1] / used[0]
    grown, more = after.memory - before.memory, _more(before, after)
    details = f"{served:,} served; {grown:.1f} MiB, {more[0]} descriptors, {more[1]} threads more"
    met = ratio >= 0.9 and served == SEQUENTIAL and more == (0, 0) and grown < 8
    return Figure(f"{SEQUENTIAL:,} one by one", f"{ratio:.3f}", "≥ 0.90", met, details)


def _starts(files: tuple[Path, Path, Path]) -> Figure:
    ca, *pair = files
    context = server_context(*pair, client_ca=ca)

    def start_and_stop(number: int) -> None:
        for _ in range(number):
            serve(context, name="started").stop()

    start_and_stop(20)
    before = _taken()
    took = seconds(lambda: start_and_stop(STARTS))
    after = _taken()
    more = _more(before, after)
    grown = after.memory - before.memory
    details = f"{1000 * took / STARTS:.2f} ms each, {grown:.1f} MiB more"
    left = f"{more[0]} {more[1]}"
    return Figure(
        f"{STARTS} starts: descriptors, threads left", left, "0 0", more == (0, 0), details
    )


def _relayed() -> Figure:
    """Let empty lines pass a relay, and the backend's answers back: processor time of both ends."""

    def passing(address: tuple[str, int]) -> float:
        begin = time.process_time()
        with socket.create_connection(address) as client:
            sending = threading.Thread(target=client.sendall, args=(b"\n" * LINES,))
            sending.start()
            left = LINES
            while left:
                left -= client.recv(65536).count(b"\n")
            sending.join()
        return time.process_time() - begin

    with serve() as backend, Relay(backend) as relay:
        direct, relayed = passing(backend.address), passing(relay.address)
        kept = len(relay.chunks)
    details = f"{relayed:.2f} : {direct:.2f} s of processor, {kept:,} chunks kept"
    ratio = relayed / direct
    return Figure(f"{LINES:,} lines, relayed", f"{ratio:.2f}", "≤ 1.50", ratio <= 1.5, details)


def _remembered() -> Figure:
    """Let many bytes pass a relay, in a process whose memory holds nothing else."""
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=_pass_bytes, args=(there,))
    process.start()
    passed, grown = here.recv()
    process.join()
    met = passed == BYTES and grown <= 64
    name = f"{BYTES // 1_000_000} MB, relayed: MiB more"
    return Figure(name, f"{grown:.0f}", "≤ 64", met, f"{passed:,} bytes arrived")


def _pass_bytes(pipe: Connection) -> None:
    arrived = 0
    with socket.create_server(("127.0.0.1", 0)) as sink, Relay(sink.getsockname()) as relay:
        before = _taken()
        with socket.create_connection(relay.address) as client, sink.accept()[0] as end:

            def send() -> None:
                piece = bytes(1_000_000)
                for _ in range(BYTES // len(piece)):
                    client.sendall(piece)
                client.shutdown(socket.SHUT_WR)

            sending = threading.Thread(target=send)
            sending.start()
            while got := len(end.recv(1 << 20)):
                arrived += got
            sending.join()
        grown = _taken().memory - before.memory
    pipe.send((arrived, grown))


if __name__ == "__main__":
    raise SystemExit(not all_met(figures()))
