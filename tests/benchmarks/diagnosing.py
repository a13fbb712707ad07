"""What `diagnose` takes for a healthy server of this machine.

Here: the function, against the handshakes that it makes. Not here: the start of the command
(imports.py).
"""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from mtls_lab import diagnose, serve
from tests.benchmarks.bare import REPLY, BareServer, bare_ask
from tests.benchmarks.figures import Figure, compare, seconds
from tests.unit.lab import Lab

#: The connections of one diagnosis, and the seconds that it may take.
CONNECTIONS, LIMIT = 5, 1.5


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab.create(Path(folder))
        context, (certfile, keyfile) = lab.mtls(), lab.store.files("valid")
        with serve(context, name="measured") as backend, BareServer(context) as bare:

            def ours() -> None:
                assert diagnose(
                    backend,
                    cafile=lab.ca_file,
                    certfile=certfile,
                    keyfile=keyfile,
                    server_hostname="localhost",
                ).ok

            def floor() -> None:
                for _ in range(CONNECTIONS):
                    assert bare_ask(bare.address, lab.device()) == REPLY

            pairs = compare(partial(seconds, ours), partial(seconds, floor), pairs=20)
        took, bare_took = median(pairs.ours), median(pairs.floor)
        met = took <= LIMIT or took <= 3 * bare_took
        details = f"{CONNECTIONS} bare handshakes: {bare_took * 1000:.0f} ms"
        name = "diagnose of a healthy server, seconds"
        yield Figure(name, f"{took:.3f}", f"≤ {LIMIT}", met, details)
