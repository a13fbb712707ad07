"""Servers that are programs of their own, each as small as its configuration allows.

A server is started by the name of its stack with one `Setup`, and ended when the block ends.
"""

import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mtls_lab.net import Acceptor

#: Seconds until a program listens; no test waits for it unless the machine stands still.
LONG = 60.0
#: One for each release of PostgreSQL.
INITDB = "/usr/lib/postgresql/*/bin/initdb"


@dataclass(frozen=True)
class Setup:
    """How a server is configured.

    Attributes:
        folder: where the certificates are, see certificates.py.
        server: the name of its certificate.
        clients: "required", "optional" or "none".
        ca: the file of CAs that it trusts for its clients.
        versions: "" for all, or "1.2", "1.3", "1.0" for this one alone.
        extra: what else the stack is to be told.
    """

    folder: Path
    server: str = "server"
    clients: str = "required"
    ca: str = "ca.pem"
    versions: str = ""
    extra: str = ""

    @property
    def cert(self) -> Path:
        return self.folder / f"{self.server}.crt"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.server}.key"

    @property
    def both(self) -> Path:
        return self.folder / f"{self.server}.pem"

    @property
    def trusted(self) -> Path:
        return self.folder / self.ca


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def program(port: int, *command: str | Path, folder: Path, name: str) -> Iterator[int]:
    """Run a server until the block ends, and begin it when the kernel has its port listening.

    Most of these programs have no other sign. Nothing connects: a server that serves one client
    after the other would take that for the first.
    """
    log = folder / f"{name}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,  # which stays open: at its end, some programs stop
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        deadline = time.monotonic() + LONG
        while not listens(port):
            assert process.poll() is None, f"{command[0]} ended: {log.read_text('utf-8')[-2000:]}"
            assert time.monotonic() < deadline, f"{command[0]} does not listen"
            select.select([], [], [], 0.01)
        yield port
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listens(port: int) -> bool:
    """Whether some socket listens on this port (proc_net_tcp(5): state 0A)."""
    text = "".join(Path(f"/proc/net/{table}").read_text("ascii") for table in ("tcp", "tcp6"))
    return re.search(rf"(?m)^ *\d+: [0-9A-F]+:{port:04X} [0-9A-F:]+ 0A ", text) is not None


def openssl(setup: Setup) -> AbstractContextManager[int]:
    port = free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet"]
    command += ["-cert", str(setup.cert), "-key", str(setup.key), *setup.extra.split()]
    if setup.clients != "none":
        flag = {"required": "-Verify", "optional": "-verify"}[setup.clients]
        command += [flag, "4", "-verify_return_error", "-CAfile", str(setup.trusted)]
    if setup.versions:
        command += ["-tls" + setup.versions.replace(".", "_").removesuffix("_0")]
    return program(port, *command, folder=setup.folder, name="openssl")


def nginx(setup: Setup) -> AbstractContextManager[int]:
    port, folder = free_port(), setup.folder
    ask = {"required": "on", "optional": "optional", "none": "off"}[setup.clients]
    trust = "" if setup.clients == "none" else f"ssl_client_certificate {setup.trusted};"
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    lines = "location / { return 200 hello; }"
    pair = f"ssl_certificate {setup.cert}; ssl_certificate_key {setup.key};"
    pair += " ssl_protocols TLSv1.2 TLSv1.3;"  # the default of older releases has no TLS 1.3
    other = f"server {{ listen 127.0.0.1:{port} ssl default_server; {pair} {lines}\n"
    other += f"ssl_client_certificate {setup.trusted}; ssl_verify_client on; }}"
    configuration = folder / f"nginx-{port}.conf"
    configuration.write_text(
        f"daemon off; master_process off; pid {folder}/nginx-{port}.pid;\n"
        f"error_log {folder}/nginx-{port}.err info; events {{}}\n"
        f"http {{ access_log off; {paths}\n"
        f"server {{ listen 127.0.0.1:{port} ssl; server_name localhost; {pair}\n"
        f"{trust} ssl_verify_client {ask};\n{lines} }}\n{other if setup.extra else ''} }}\n"
    )
    command: list[str | Path] = [
        "nginx",
        "-e",
        folder / f"nginx-{port}.err",
        "-p",
        folder,
        "-c",
        configuration,
    ]
    return program(port, *command, folder=folder, name="nginx")


def haproxy(setup: Setup) -> AbstractContextManager[int]:
    port, folder = free_port(), setup.folder
    ask = f" ca-file {setup.trusted} verify {setup.clients}" * (setup.clients != "none")
    version = f" ssl-min-ver TLSv{setup.versions} ssl-max-ver TLSv{setup.versions}"
    configuration = folder / f"haproxy-{port}.cfg"
    configuration.write_text(
        "defaults\n mode http\n timeout client 20s\n timeout server 20s\n timeout connect 5s\n"
        f"frontend front\n bind 127.0.0.1:{port} ssl crt {setup.both}{ask}"
        f"{version if setup.versions else ''} {setup.extra}\n"
        " http-request return status 200 content-type text/plain string hello\n"
    )
    return program(port, "haproxy", "-db", "-f", configuration, folder=folder, name="haproxy")


@contextmanager
def stunnel(setup: Setup) -> Iterator[int]:
    port, folder = free_port(), setup.folder
    ask = {"required": "verifyChain = yes", "optional": "requireCert = no", "none": ""}
    trust = f"CAfile = {setup.trusted}\n" * (setup.clients != "none")
    behind = Acceptor(lambda connection, _: drain(connection), "127.0.0.1", 0, "behind stunnel")
    configuration = folder / f"stunnel-{port}.conf"
    configuration.write_text(
        f"foreground = yes\npid =\nsyslog = no\n[service]\naccept = 127.0.0.1:{port}\n"
        f"connect = 127.0.0.1:{behind.address[1]}\ncert = {setup.cert}\nkey = {setup.key}\n"
        f"{trust}{ask[setup.clients]}\n{setup.extra}\n"
    )
    try:
        with program(port, "stunnel4", configuration, folder=folder, name="stunnel") as listening:
            yield listening
    finally:
        behind.stop()


def drain(connection: socket.socket) -> None:
    """Read to the end, and say nothing."""
    while connection.recv(4096):
        pass


def gnutls(setup: Setup) -> AbstractContextManager[int]:
    port = free_port()
    command = ["gnutls-serv", "--echo", "--port", str(port), *setup.extra.split()]
    command += ["--x509certfile", str(setup.cert), "--x509keyfile", str(setup.key)]
    if setup.clients == "none":
        command += ["--disable-client-cert"]
    else:
        command += ["--x509cafile", str(setup.trusted), "--verify-client-cert"]
        command += ["--require-client-cert"] * (setup.clients == "required")
    return program(port, *command, folder=setup.folder, name="gnutls")


def mosquitto(setup: Setup) -> AbstractContextManager[int]:
    port, folder = free_port(), setup.folder
    tls = f"cafile {setup.trusted}\ncertfile {setup.cert}\nkeyfile {setup.key}\n"
    tls += f"require_certificate {'true' if setup.clients == 'required' else 'false'}\n"
    configuration = folder / f"mosquitto-{port}.conf"
    configuration.write_text(
        "user root\n" * (setup.folder.owner() == "root")
        + f"listener {port} 127.0.0.1\nallow_anonymous true\n"
        + ("" if setup.extra == "plain" else tls + setup.extra)
    )
    return program(port, "mosquitto", "-c", configuration, folder=folder, name="mosquitto")


NODE = """
const [fs, tls] = [require("fs"), require("tls")];
const [port, key, cert, ca, ask] = process.argv.slice(2);
const read = (name) => fs.readFileSync(name);
const options = { key: read(key), cert: read(cert), ca: read(ca), requestCert: ask !== "none" };
options.rejectUnauthorized = ask === "required";
const server = tls.createServer(options, (socket) => { socket.on("error", () => {}); });
server.on("tlsClientError", () => {});
server.listen(Number(port), "127.0.0.1");
"""


def node(setup: Setup) -> AbstractContextManager[int]:
    port = free_port()
    script = setup.folder / f"server-{port}.js"
    script.write_text(NODE)
    command: list[str | Path] = [
        "node",
        script,
        str(port),
        setup.key,
        setup.cert,
        setup.trusted,
        setup.clients,
    ]
    return program(port, *command, folder=setup.folder, name="node")


@cache
def cluster() -> tempfile.TemporaryDirectory[str]:
    """The files of a PostgreSQL, made once: that takes longer than everything else here."""
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    if unprivileged():
        shutil.chown(folder.name, "postgres")
    command = [*unprivileged(), str(postgresql() / "initdb"), "-D", f"{folder.name}/data"]
    subprocess.run(
        [*command, "--no-sync"], cwd=folder.name, check=True, capture_output=True, timeout=300
    )
    return folder


def unprivileged() -> list[str]:
    """What starts a program as another user than root, as which PostgreSQL does not run."""
    names = ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    return ["setpriv", *names] if os.geteuid() == 0 else []


def postgresql() -> Path:
    """The folder of its programs, which Debian does not put on the PATH."""
    return max(Path("/").glob(INITDB.lstrip("/"))).parent


def postgres(setup: Setup) -> AbstractContextManager[int]:
    port, home = free_port(), Path(cluster().name)
    for source in (setup.cert, setup.key, setup.trusted):
        copied = Path(shutil.copy(source, home))
        if unprivileged():
            shutil.chown(copied, "postgres")
    (home / setup.key.name).chmod(0o600)
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": home, "fsync": "off"}
    if setup.extra != "off":
        options |= {"ssl": "on", "ssl_cert_file": home / setup.cert.name}
        options |= {"ssl_key_file": home / setup.key.name}
    if setup.clients != "none":
        options |= {"ssl_ca_file": home / setup.trusted.name}
    told = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
    command = [*unprivileged(), str(postgresql() / "postgres"), "-D", str(home / "data")]
    return program(port, *command, "-p", str(port), *told, folder=home, name="postgres")


#: By the name that faults.toml uses.
STACKS: dict[str, Callable[[Setup], AbstractContextManager[int]]] = {
    "openssl": openssl,
    "nginx": nginx,
    "haproxy": haproxy,
    "stunnel": stunnel,
    "gnutls": gnutls,
    "mosquitto": mosquitto,
    "node": node,
    "postgres": postgres,
}


def missing() -> list[str]:
    """Which of the programs are not installed."""
    commands = {"stunnel": "stunnel4", "gnutls": "gnutls-serv", "postgres": INITDB}
    names = ((name, commands.get(name, name)) for name in STACKS)
    return [name for name, command in names if not shutil.which(command) and not installed(command)]


def with_servers() -> None:
    """Look for programs where Debian has its servers, too: an ordinary user's PATH leaves that out.

    For this process and those that it starts.
    """
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    more = [each for each in ("/usr/sbin", "/sbin") if each not in path]
    os.environ["PATH"] = os.pathsep.join([*path, *more])


def installed(pattern: str) -> bool:
    """Whether a program is there that Debian does not put on the PATH."""
    return any(Path("/").glob(pattern.lstrip("/")))
