"""Servers that are programs of their own, each as small as its configuration allows.

A server is started by the name of its stack with one `Setup`, and ended when the block ends.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

from mtls_lab.exercises.peers import listening
from mtls_lab.net import hang_up
from mtls_lab.stacks.running import free_port
from tests.interop.peers.running import Running, Setup, program

#: One for each release of PostgreSQL.
INITDB = "/usr/lib/postgresql/*/bin/initdb"
#: Our own programs, each a server and a client.
SOURCES = Path(__file__).parent / "sources"
#: What makes them start soon.
JAVA = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
ERL = [
    "erl",
    "-env",
    "ERL_CRASH_DUMP",
    "/dev/null",
    "-noshell",
    "-boot",
    "no_dot_erlang",
    "+S",
    "1",
]


T = TypeVar("T")
_making = threading.RLock()


def made_once(make: Callable[[], T]) -> Callable[[], T]:
    """Keep what a function makes; several threads that ask at a time wait for the one that does."""
    kept = cache(make)

    def locked() -> T:
        with _making:
            return kept()

    return locked


def openssl(setup: Setup) -> AbstractContextManager[Running]:
    port = free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}"]
    command += ["-quiet"] * ("-www" not in setup.extra)
    command += ["-cert", str(setup.cert), "-key", str(setup.key), *setup.extra.split()]
    if setup.clients != "none":
        flag = {"required": "-Verify", "optional": "-verify"}[setup.clients]
        command += [flag, "4", "-verify_return_error", "-CAfile", str(setup.trusted)]
    if setup.versions:
        command += ["-tls" + setup.versions.replace(".", "_").removesuffix("_0")]
    return program(port, *command, folder=setup.folder, name="openssl")


def nginx(setup: Setup) -> AbstractContextManager[Running]:
    port, folder = free_port(), setup.folder
    ask = {"required": "on", "any": "optional_no_ca", "none": "off"}.get(setup.clients, "optional")
    trust = "" if setup.clients == "none" else f"ssl_client_certificate {setup.trusted};"
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    lines = "location / { return 200 hello; }" * (not setup.extra.startswith("location"))
    lines += setup.extra * (setup.extra != "another name")
    if setup.allowed:
        lines = f'if ($ssl_client_s_dn != "CN={setup.allowed}") {{ return 403; }} {lines}'
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
        f"{trust} ssl_verify_client {ask};\n{lines} }}\n"
        f"{other if setup.extra == 'another name' else ''} }}\n"
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
    log = folder / f"nginx-{port}.err"
    return program(port, *command, folder=folder, name="nginx", log=log)


def haproxy(setup: Setup) -> AbstractContextManager[Running]:
    port, folder = free_port(), setup.folder
    ask = f" ca-file {setup.trusted} verify {setup.clients}" * (setup.clients != "none")
    version = f" ssl-min-ver TLSv{setup.versions} ssl-max-ver TLSv{setup.versions}"
    configuration = folder / f"haproxy-{port}.cfg"
    configuration.write_text(
        "defaults\n mode http\n log stdout format raw local0\n option httplog\n"
        " timeout client 20s\n timeout server 20s\n timeout connect 5s\n"
        f"frontend front\n bind 127.0.0.1:{port} ssl crt {setup.both}{ask}"
        f"{version if setup.versions else ''} {setup.extra}\n"
        + f" http-request deny unless {{ ssl_c_s_dn(cn) -m str {setup.allowed} }}\n"
        * bool(setup.allowed)
        + " http-request return status 200 content-type text/plain string hello\n"
    )
    return program(port, "haproxy", "-db", "-f", configuration, folder=folder, name="haproxy")


@contextmanager
def stunnel(setup: Setup) -> Iterator[Running]:
    port, folder = free_port(), setup.folder
    ask = {"required": "verifyChain = yes", "optional": "requireCert = no", "none": ""}
    trust = f"CAfile = {setup.trusted}\n" * (setup.clients != "none")
    configuration = folder / f"stunnel-{port}.conf"
    with listening(answer) as (_, behind):
        configuration.write_text(
            f"foreground = yes\npid =\nsyslog = no\n[service]\naccept = 127.0.0.1:{port}\n"
            f"connect = 127.0.0.1:{behind}\ncert = {setup.cert}\nkey = {setup.key}\n"
            f"{trust}{ask[setup.clients]}\n{setup.extra}\n"
            + f"checkHost = {setup.allowed}\n"
            * bool(setup.allowed)
        )
        with program(port, "stunnel4", configuration, folder=folder, name="stunnel") as running:
            yield running


def answer(connection: socket.socket) -> None:
    """Serve whoever asks in HTTP, and say nothing to others."""
    while asked := connection.recv(4096):
        if asked.startswith(b"GET"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            hang_up(connection)
            return


def gnutls(setup: Setup) -> AbstractContextManager[Running]:
    port = free_port()
    command = ["gnutls-serv", "--port", str(port), *(setup.extra or "--echo").split()]
    command += ["--x509certfile", str(setup.cert), "--x509keyfile", str(setup.key)]
    if setup.clients == "none":
        command += ["--disable-client-cert"]
    else:
        command += ["--x509cafile", str(setup.trusted), "--verify-client-cert"]
        command += ["--require-client-cert"] * (setup.clients == "required")
    return program(port, *command, folder=setup.folder, name="gnutls")


def mosquitto(setup: Setup) -> AbstractContextManager[Running]:
    port, folder = free_port(), setup.folder
    tls = f"cafile {setup.trusted}\ncertfile {setup.cert}\nkeyfile {setup.key}\n"
    tls += f"require_certificate {'true' if setup.clients == 'required' else 'false'}\n"
    rules = folder / f"mosquitto-{port}.acl"
    if setup.allowed:
        rules.write_text(f"user {setup.allowed}\ntopic readwrite #\n")
        tls += "use_identity_as_username true\n"
    configuration = folder / f"mosquitto-{port}.conf"
    configuration.write_text(
        "user root\n" * (setup.folder.owner() == "root")
        + f"listener {port} 127.0.0.1\n"
        + ("allow_anonymous true\n" if not setup.allowed else f"acl_file {rules}\n")
        + ("" if setup.extra == "plain" else tls + setup.extra)
    )
    return program(port, "mosquitto", "-c", configuration, folder=folder, name="mosquitto")


def node(setup: Setup) -> AbstractContextManager[Running]:
    return ours(setup, "node", "node", str(SOURCES / "peer.js"))


def python(version: str) -> Callable[[Setup], AbstractContextManager[Running]]:
    """Python's ssl in a process of its own."""
    return lambda setup: ours(setup, "python", f"python{version}", str(SOURCES / "peer.py"))


def go(setup: Setup) -> AbstractContextManager[Running]:
    return ours(setup, "go", str(built() / "peer-go"))


def java(setup: Setup) -> AbstractContextManager[Running]:
    return ours(setup, "java", "java", *JAVA, "-cp", str(built()), "Peer")


def erlang(setup: Setup) -> AbstractContextManager[Running]:
    return ours(setup, "erlang", *ERL, "-pa", str(built()), "-run", "mtls_peer", "main")


def ours(setup: Setup, name: str, *command: str) -> AbstractContextManager[Running]:
    """One of our own programs in sources/, which all take the same arguments."""
    port = free_port()
    told = ["serve", str(port), str(setup.cert), str(setup.key), str(setup.trusted)]
    told += [setup.clients, setup.allowed or "none"]
    return program(port, *command, *told, folder=setup.folder, name=name)


@made_once
def built() -> Path:
    """A folder with our programs that are compiled, which is done once."""
    folder = Path(scratch().name)
    commands = (
        ["go", "build", "-o", str(folder / "peer-go"), str(SOURCES / "peer.go")],
        ["javac", "-d", str(folder), str(SOURCES / "Peer.java")],
        ["erlc", "-o", str(folder), str(SOURCES / "mtls_peer.erl")],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
    return folder


@made_once
def scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


@made_once
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


def postgres(setup: Setup) -> AbstractContextManager[Running]:
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
    if setup.allowed:
        options |= {"hba_file": home / "certificates.conf", "ident_file": home / "names.conf"}
        (home / "certificates.conf").write_text("hostssl all all 127.0.0.1/32 cert map=names\n")
        (home / "names.conf").write_text(f"names {setup.allowed} postgres\n")
    told = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
    command = [*unprivileged(), str(postgresql() / "postgres"), "-D", str(home / "data")]
    return program(port, *command, "-p", str(port), *told, folder=home, name="postgres")


#: By the name that faults.toml uses.
STACKS: dict[str, Callable[[Setup], AbstractContextManager[Running]]] = {
    "openssl": openssl,
    "nginx": nginx,
    "haproxy": haproxy,
    "stunnel": stunnel,
    "gnutls": gnutls,
    "mosquitto": mosquitto,
    "node": node,
    "postgres": postgres,
}
#: Stacks whose server is a program of ours; `diagnose` is tried on some of them.
OURS = {"go": go, "java": java, "erlang": erlang}


def missing() -> list[str]:
    """Which of the programs are not installed."""
    commands = {"stunnel": "stunnel4", "gnutls": "gnutls-serv", "postgres": INITDB}
    commands |= {"java": "javac", "erlang": "erlc"}
    names = ((name, commands.get(name, name)) for name in [*STACKS, *OURS, "curl", "mosquitto_pub"])
    return [name for name, command in names if not shutil.which(command) and not installed(command)]


def runs(command: str) -> bool:
    """Whether a program is there and starts: a name on the PATH may be an empty shim."""
    try:
        done = subprocess.run([command, "--version"], capture_output=True, check=False, timeout=60)
    except (FileNotFoundError, PermissionError):  # a folder of the PATH may be somebody else's
        return False
    return done.returncode == 0


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
