"""What one exchange over mutual TLS costs, and how many handshakes the backend manages.

Here: both figures, against the bare server and client of bare.py, and what it costs a backend to
resume no sessions. Not here: wrong credentials
(soak.py).
"""

import ssl
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from mtls_lab import ask, serve, watch
from mtls_lab.net import client_context, server_context
from mtls_lab.wire import Session
from tests.benchmarks.bare import REPLY, BareServer, bare_ask
from tests.benchmarks.figures import Figure, compare, seconds
from tests.unit.lab import Lab

#: Exchanges in a measurement: several, for the end of one connection overlaps with the next.
BATCH = 5
#: Clients at a time, as threads of one process, and the connections that each of them makes.
CLIENTS, CONNECTIONS = 4, 10


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab.create(Path(folder))
        context, certificate = lab.mtls(), lab.store.files("valid")
        assert certificate is not None
        with serve(context, name="measured") as backend, BareServer(context) as bare:
            device = lab.device()

            def ours() -> None:
                for _ in range(BATCH):
                    assert ask("GET_SECRET", backend, context=device).ok

            def floor() -> None:
                for _ in range(BATCH):
                    assert bare_ask(bare.address, device) == REPLY

            pairs = compare(partial(seconds, ours), partial(seconds, floor), pairs=200)
            yield pairs.at_most(1.15, "an exchange over mTLS : bare ssl")

            seen, noted = lab.device(), lab.mtls()
            watch(seen, noted)
            with serve(noted, name="noted") as watched:

                def recorded() -> None:
                    for _ in range(BATCH):
                        assert ask("GET_SECRET", watched, context=seen).handshake.messages

                pairs = compare(partial(seconds, recorded), partial(seconds, ours), pairs=100)
                yield pairs.at_most(1.25, "an exchange with messages and secrets : without")

            with serve(server_context(*lab.server_files, client_ca=lab.ca_file), name="two") as two:
                session = ask("GET_SECRET", two, context=device).session

                def exchanges(session: Session | None) -> None:
                    for _ in range(BATCH):
                        exchange = ask("GET_SECRET", two, context=device, session=session)
                        assert exchange.device.reused is (session is not None)

                pairs = compare(
                    partial(seconds, partial(exchanges, session)),
                    partial(seconds, partial(exchanges, None)),
                    pairs=100,
                )
                yield pairs.at_most(1.0, "an exchange resumed : in full")

            with ProcessPoolExecutor(1, get_context("spawn")) as process:

                def time_of(address: tuple[str, int]) -> float:
                    return process.submit(load, address, lab.ca_file, *certificate).result()

                pairs = compare(
                    partial(time_of, backend.address), partial(time_of, bare.address), pairs=100
                )
            yield pairs.rate_at_least(0.9, "handshakes per second : bare loop")


def load(address: tuple[str, int], ca: Path, certfile: Path, keyfile: Path) -> float:
    """The seconds that all clients need. Runs in a process of its own, beside the server's.

    Each handshake is followed by one line: in TLS 1.3 only a reply proves that the server has
    finished it as well.
    """
    context = client_context(ca, certfile, keyfile)
    with ThreadPoolExecutor(CLIENTS) as threads:

        def everyone() -> None:
            for client in [threads.submit(one_client, address, context) for _ in range(CLIENTS)]:
                client.result()

        return seconds(everyone)


def one_client(address: tuple[str, int], context: ssl.SSLContext) -> None:
    for _ in range(CONNECTIONS):
        assert bare_ask(address, context) == REPLY
