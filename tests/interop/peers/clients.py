"""Clients that are programs of their own: what each says when its call fails, and when it does not.

A client is called by the name of its stack with one `Call`.
"""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.interop.peers import running
from tests.interop.peers.programs import ERL, JAVA, SOURCES, built

REQUEST = "GET / HTTP/1.0\r\n\r\n"


@dataclass(frozen=True)
class Call:
    """How a client calls.

    Attributes:
        folder: where the certificates are, see certificates.py.
        port: of the server, on localhost.
        client: the name of its certificate, "" for none.
        version: "1.3" or "1.2".
        resumed: whether it first calls with a right certificate, and comes back with its session.
    """

    folder: Path
    port: int
    client: str
    version: str
    resumed: bool = False

    @property
    def ca(self) -> str:
        return str(self.folder / "ca.pem")

    @property
    def pair(self) -> list[str]:
        """The files of its certificate and key; of none, no files."""
        return [str(self.folder / f"{self.client}.{end}") for end in ("crt", "key") if self.client]

    def options(self, *names: str) -> list[str]:
        """The files of its certificate and key, each behind its option."""
        return [word for two in zip(names, self.pair, strict=False) for word in two]


def said(call: Call, *command: str, stdin: str = "") -> str:
    """Run a client, and return what it prints.

    Raises:
        Hung: it does not end.
    """
    try:
        done = subprocess.run(
            command,
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=running.LONG,
            cwd=call.folder,
            env=os.environ | {"HOME": str(call.folder)},
        )
    except subprocess.TimeoutExpired:
        raise running.Hung(f"{Path(command[0]).name} does not end") from None
    return done.stdout.decode("utf-8", "replace")


def openssl(call: Call) -> str:
    """With a session, which it takes from a first call with a right certificate."""
    told = ""
    session = call.folder / f"session-{call.port}.pem"
    if call.resumed:
        right = replace(call, client="client", resumed=False)
        told = s_client(right, "-sess_out", str(session))
    return told + s_client(call, *(["-sess_in", str(session)] if session.exists() else []))


def s_client(call: Call, *more: str) -> str:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{call.port}"]
    command += ["-servername", "localhost", "-verify_hostname", "localhost"]
    command += ["-CAfile", call.ca, "-verify_return_error", "-ign_eof"]
    command += [f"-tls{call.version.replace('.', '_')}", *call.options("-cert", "-key")]
    return said(call, *command, *more, stdin=REQUEST)


def curl(call: Call) -> str:
    command = ["curl", "-sS", "--http1.1", "--cacert", call.ca, *call.options("--cert", "--key")]
    command += [f"--tlsv{call.version}", "--tls-max", call.version]
    return said(call, *command, f"https://localhost:{call.port}/")


def gnutls(call: Call) -> str:
    command = ["gnutls-cli", "--port", str(call.port), "--x509cafile", call.ca]
    command += call.options("--x509certfile", "--x509keyfile")
    command += ["--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{call.version}", "localhost"]
    return said(call, *command, stdin=REQUEST)


def mosquitto(call: Call) -> str:
    command = ["mosquitto_pub", "-h", "localhost", "-p", str(call.port), "--cafile", call.ca]
    command += ["--tls-version", f"tlsv{call.version}", *call.options("--cert", "--key")]
    return said(call, *command, "-V", "5", "-q", "1", "-t", "topic", "-m", "message")


def postgres(call: Call) -> str:
    parts = {"host": "localhost", "hostaddr": "127.0.0.1", "port": str(call.port)}
    parts |= {"user": "postgres", "dbname": "postgres", "sslmode": "verify-full"}
    parts |= {"sslrootcert": call.ca}
    parts |= {f"ssl_{end}_protocol_version": f"TLSv{call.version}" for end in ("min", "max")}
    parts |= dict(zip(("sslcert", "sslkey"), call.pair, strict=False))
    told = " ".join(f"{key}={value}" for key, value in parts.items())
    return said(call, "psql", told, "-tAc", "select 1")


def ours(call: Call, *command: str) -> str:
    """One of our own programs in sources/, which all take the same arguments."""
    none = ["none", "none"]
    told = ["call", str(call.port), *(call.pair or none), call.ca, call.version]
    if call.resumed:
        told[2:4] = [str(call.folder / "client.crt"), str(call.folder / "client.key")]
        told += call.pair or none
    return said(call, *command, *told)


#: By the name of its stack. Python is a stack for each version that is here.
CLIENTS: dict[str, Callable[[Call], str]] = {
    "openssl": openssl,
    "curl": curl,
    "gnutls": gnutls,
    "mosquitto": mosquitto,
    "postgres": postgres,
    "node": lambda call: ours(call, "node", str(SOURCES / "peer.js")),
    "go": lambda call: ours(call, str(built() / "peer-go")),
    "java": lambda call: ours(call, "java", *JAVA, "-cp", str(built()), "Peer"),
    "erlang": lambda call: ours(call, *ERL, "-pa", str(built()), "-run", "mtls_peer", "main"),
}


def python(version: str) -> Callable[[Call], str]:
    return lambda call: ours(call, f"python{version}", str(SOURCES / "peer.py"))
