"""The device as a process of its own, with an environment of its own.

Here: starting it, what it is told, and both sides of what came of it. Not here: the exchange
itself (device.py), and what an environment is good for (tpm/provider.py).

OpenSSL reads its configuration once in the life of a process. A notebook's has read it long ago,
so what needs another one happens in a new process, as on a device.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from mtls_lab.common import LabError, PathLike, expect_number, expect_text, package_path
from mtls_lab.net.clock import LONGEST, Clock
from mtls_lab.net.contexts import client_context
from mtls_lab.net.device import GRACE, Upstream, ask, expect_upstream
from mtls_lab.net.sockets import Address
from mtls_lab.net.tls import watch
from mtls_lab.wire import Exchange, Failure, Side, Stage

__all__ = ["Presented", "ask_apart", "ask_each_apart"]

#: Seconds for a process to start and to end, beside its exchanges.
START = 20.0
#: Seconds for one exchange. A TPM takes its time, and its clients wait for one another.
TIMEOUT = 15.0
#: Of what a library writes while it fails, as much as belongs into a message.
WRITTEN = 400
#: That process. Nobody looks for garbage in it: a sixth of its time went there, mostly at its end.
_DEVICE = "import gc; gc.disable(); from mtls_lab.net import apart; apart.main(); gc.freeze()"
#: What stands in that process's log before each exchange, for what libraries write during it.
NEXT = "\x1e"  # ASCII's record separator
#: How the TSS writes that it reached no TPM, and its code for that, TSS2_RC_IO_ERROR.
NO_TPM, UNREACHED = "Failed to instantiate TCTI", 0xA000A


@dataclass(frozen=True, slots=True)
class Presented:
    """What a device presents and trusts in one exchange, by the names of its files.

    Attributes:
        certfile, keyfile: its identity; None for none.
        server_ca: the CAs that it checks the backend with; None checks nothing, as a thief does.
        password: the key's, or a TPM's PIN for it.
        version: such as `"TLSv1_2"`; None for any.
        server_hostname: the name that the backend's certificate has to have.
        session_of: the number of the exchange, from 0, whose session it presents; None for none.
        name: what the output calls this device.
    """

    certfile: str | None = None
    keyfile: str | None = None
    server_ca: str | None = None
    password: str | None = None
    version: str | None = None
    server_hostname: str = "localhost"
    session_of: int | None = None
    name: str = ""

    def context(self) -> ssl.SSLContext:
        """Make its context. Raises what loading the files raises."""
        if self.server_ca is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        else:
            secret = self.password or ""
            context = client_context(
                self.server_ca, self.certfile, self.keyfile, password=lambda: secret
            )
        if self.version is not None:
            only = ssl.TLSVersion[self.version]
            context.minimum_version = context.maximum_version = only
        watch(context)
        return context


def ask_apart(
    command: str,
    to: Upstream | Address,
    *,
    certfile: PathLike | None = None,
    keyfile: PathLike | None = None,
    server_ca: PathLike,
    server_hostname: str = "localhost",
    environment: Mapping[str, str] | None = None,
    password: str | None = None,
    version: ssl.TLSVersion | None = None,
    timeout: float = TIMEOUT,
    name: str = "",
) -> Exchange:
    """Be the device in a process of its own: `ask`, with files and an environment for a context.

    Its failures are those of `ask`. The text of one that a TPM caused ends with the TPM's response
    code, which ssl does not have.

    Args:
        command, to, server_hostname, name: as `ask` takes them.
        certfile, keyfile: what the device presents; None for nothing.
        server_ca: the CAs that it checks the backend with.
        environment: what is set for that process beside what is set here.
        password: the key's, or a TPM's PIN for it.
        version: the only TLS version that it speaks; None for any.
        timeout: as `ask` takes it. The process has up to 20 seconds beside it to start and to end.

    Raises:
        LabError: the process did not start, or not end in time; or an argument is of another kind.

    Example:
        >>> from mtls_lab import serve
        >>> with serve() as backend:
        ...     print(ask_apart("GET_SECRET", backend, server_ca="nowhere.pem").device)
        device   setup ✗ FileNotFoundError: ENOENT
    """
    expect_text(command, "the command")
    expect_number(timeout, "timeout", most=LONGEST)
    expect_upstream(to, "ask_apart")
    presented = Presented(
        certfile=None if certfile is None else str(certfile),
        keyfile=None if keyfile is None else str(keyfile),
        server_ca=str(server_ca),
        password=password,
        version=None if version is None else version.name,
        server_hostname=server_hostname,
        name=name,
    )
    (exchange,) = ask_each_apart(command, to, [presented], environment, timeout=timeout)
    return exchange


def ask_each_apart(
    command: str,
    to: Upstream | Address,
    presented: Sequence[Presented],
    environment: Mapping[str, str] | None = None,
    *,
    timeout: float = TIMEOUT,
) -> list[Exchange]:
    """Make several exchanges in one such process, one after the other; see `ask_apart`."""
    clock = Clock(timeout * len(presented))
    address = to if isinstance(to, tuple) else to.address
    told = {
        "command": command,
        "address": address,
        "timeout": timeout,
        "presented": [asdict(each) for each in presented],
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _DEVICE],
            input=json.dumps(told).encode(),
            env={**os.environ, "PYTHONPATH": package_path(), **(environment or {})},
            capture_output=True,
            timeout=START + timeout * len(presented),
            check=False,
        )
    except OSError as error:
        raise LabError(
            f"{sys.executable} does not start ({error.strerror or error})",
            "another process for the device",
            "end other programs, then try again",
        ) from None
    except subprocess.TimeoutExpired:
        raise LabError(
            "a device that has not ended in time",
            "an answer, or an error",
            "see whether the TPM that it needs still runs",
        ) from None
    wrote = done.stderr.decode(errors="replace")
    try:
        exchanges: list[Exchange] = pickle.loads(done.stdout)  # noqa: S301 - our own code wrote it  # nosec B301
    except Exception:  # noqa: BLE001 - what comes of half of it is not documented
        last = (wrote.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise LabError(
            f"a device that broke off ({last[:WRITTEN]})", "an exchange", "try again"
        ) from None
    clock = Clock(max(clock.left, GRACE))
    before, *each_wrote = wrote.split(NEXT)  # a provider that finds no TPM says so once, at first
    return [
        _whole(exchange, to, before + written, clock)
        for exchange, written in zip(exchanges, each_wrote, strict=False)
    ]


def _whole(exchange: Exchange, to: Upstream | Address, wrote: str, clock: Clock) -> Exchange:
    """Add the backend's side, and to a failure the code that the TSS wrote meanwhile."""
    failure = exchange.device.failure
    codes = [int(each, 16) for each in re.findall(r"ErrorCode \((0x[0-9a-fA-F]+)\)", wrote)]
    if failure and not codes and failure.text == "[SSL] PEM lib" and NO_TPM in wrote:
        codes = [UNREACHED]
    if UNREACHED in codes:  # what came after it only follows from it
        codes = [UNREACHED]
    if failure and codes:
        text = f"{failure.text} ({codes[-1]:#x})"
        side = replace(exchange.device, failure=replace(failure, text=text))
        exchange = replace(exchange, device=side)
    if isinstance(to, tuple) or to.elsewhere or exchange.recording is None:
        return exchange
    try:
        return replace(exchange, backend=to.wait_for(exchange.recording.device, clock.left))
    except TimeoutError:
        return replace(exchange, unseen="had not finished in time")


def main() -> None:
    """Be that process: read from standard input what to do, and write what came of it."""
    told = json.load(sys.stdin)
    # A library that OpenSSL loads may write to standard output: that goes to the log.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        host, port = told["address"]
        exchanges: list[Exchange] = []
        for each in told["presented"]:
            presented = Presented(**each)
            os.write(2, NEXT.encode())
            exchanges.append(
                _asked(told["command"], (host, port), presented, told["timeout"], exchanges)
            )
        out.write(pickle.dumps([replace(each, tls=None) for each in exchanges]))


def _asked(
    command: str, to: Address, presented: Presented, timeout: float, before: list[Exchange]
) -> Exchange:
    session = None
    if presented.session_of is not None:
        session = before[presented.session_of].session
        if session is None:
            failure = Failure("LookupError", "NO_SESSION", text="there is no session to present")
            return Exchange(command, Side("device", Stage.SETUP, failure, name=presented.name))
    return ask(
        command,
        to,
        context=presented.context,
        server_hostname=presented.server_hostname,
        session=session,
        timeout=timeout,
        name=presented.name,
    )
