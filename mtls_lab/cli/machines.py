"""The arguments of the commands for two terminals or two machines: certs, serve, ask, tpm.

Here: what may be typed, with examples and exit codes. Not here: reading a number or an address
(values.py), what the commands do (certs.py, serving.py, asking.py, tpm.py), and which TPM a key is
made or used in (sealed.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from mtls_lab.cli.values import PORT, address, days, file, port, seconds

__all__ = ["FOLDER", "add_to"]

#: Where a software TPM is, as in notebook 4; in JupyterLab's terminals it is that notebook's.
FOLDER = Path("tpm")
ASKED = """Exit codes:
  0  the reply is on standard output
  1  the backend answered, with an ERROR
  2  wrong arguments, or files that do not load
  3  no connection
  4  refused, or broken off, in the handshake or after it"""
SERVED = """Exit codes:
  2    wrong arguments, files that do not load, or a port that is taken
  130  Ctrl-C ended it (143: SIGTERM)"""
TPM = """\
The TPM runs in the background, for every terminal, until it is stopped. Its folder is all of it:
whoever copies that has the TPM. So it is for practice; a chip cannot be copied.

Where none runs, ask and certs use the TPM of this machine, /dev/tpmrm0, if it has one. (That
follows the specification; nobody has tried it on a real TPM yet.)

Exit codes:
  0  done, or there was nothing to do; status: a TPM answers
  1  status: no TPM answers
  2  wrong arguments, no swtpm, or a folder or TPM with which it cannot be done"""

Add = Callable[..., argparse.ArgumentParser]


def add_to(add: Add) -> None:
    """Add the four commands to a parser, with `add` of parser.py."""
    _certs(add)
    _serve(add)
    _ask(add)
    _tpm(add)


def _certs(add: Add) -> None:
    certs = add(
        "certs",
        "make the tutorial's certificates and keys for two machines; nothing is overwritten",
        "certs pki",
        "certs pki --server-name backend.example --server-name 192.0.2.7 --days 30",
        "certs pki --intermediate --separate-device-ca --uri spiffe://lab.example/device/7",
        "certs pki --p12 --password-file secret.txt",
        "certs pki --tpm --pin",
    )
    certs.add_argument("folder", metavar="FOLDER", type=Path, help="where to make them")
    certs.add_argument("--days", type=days, default=90, help="how long they last (default: 90)")
    certs.add_argument(
        "--server-name",
        metavar="NAME",
        action="append",
        help="a host name or IP address under which the backend is called; may be repeated "
        "(default: localhost and 127.0.0.1)",
    )
    certs.add_argument(
        "--client-name",
        metavar="CN",
        default="trusted-client",
        help="the device's common name (default: trusted-client)",
    )
    certs.add_argument("--uri", help="a URI for the device's subjectAltName, as SPIFFE has it")
    certs.add_argument(
        "--separate-device-ca",
        action="store_true",
        help="one CA for the backend and another one for devices",
    )
    certs.add_argument(
        "--intermediate",
        action="store_true",
        help="an intermediate CA signs; the .crt files then hold the chain, leaf first",
    )
    certs.add_argument(
        "--p12",
        action="store_true",
        help="also make PKCS #12 files, for Java and browsers; asks for their password",
    )
    certs.add_argument(
        "--tpm",
        action="store_true",
        help="let a TPM make the device's key: client.key holds it wrapped, for that TPM alone",
    )
    certs.add_argument(
        "--pin",
        action="store_true",
        help="with --tpm: a PIN, which the TPM wants at each use of that key; asks for it",
    )
    _tpm_folder(certs, "with --tpm: where the software TPM runs")
    told = "the password of the PKCS #12 files, or the PIN, is the first line of FILE"
    file(certs, "--password-file", told)
    _json(certs)


def _serve(add: Add) -> None:
    serve = add(
        "serve",
        "be the tutorial's backend, until Ctrl-C, and log who connects and who is refused",
        "serve pki",
        "serve pki --host 0.0.0.0 --port 5000 --allow trusted-client",
        "serve --certfile server.crt --keyfile server.key --client-ca client_ca.pem --tls13-only",
        "serve --plain --port 5000",
        notes=SERVED,
    )
    _place(serve, "backend", "server.crt, server.key and client_ca.pem")
    file(serve, "--client-ca", "the CAs of the devices (default: client_ca.pem)")
    file(serve, "--crl", "their revocation list")
    serve.add_argument(
        "--allow",
        metavar="CN",
        action="append",
        help="serve devices with this common name only; may be repeated (default: every device "
        "that the CA has signed)",
    )
    _less(serve, "--tls", "ask for no client certificate: TLS, as in Part 2")
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        help="where to listen; 0.0.0.0 is every IPv4 address of this machine "
        "(default: 127.0.0.1, which only this machine reaches)",
    )
    serve.add_argument(
        "--port", type=port, default=0, help="the port (default: any free one; the tutorial's: "
        f"{PORT})",
    )  # fmt: skip
    _json(serve, "one JSON object a line, for a program")


def _ask(add: Add) -> None:
    ask = add(
        "ask",
        "be the tutorial's device: send one command to a backend and print the reply",
        "ask localhost:5000 --folder pki",
        "ask PING localhost:5000 --folder pki --tls13-only",
        "ask 192.0.2.7:5000 --certfile client.crt --keyfile client.key --server-ca server_ca.pem",
        "ask 192.0.2.7:5000 --certfile client.p12 --password-file word.txt",
        "ask --plain localhost:5000",
        notes=ASKED,
    )
    ask.add_argument(
        "line",
        metavar="COMMAND",
        nargs="?",
        default="GET_SECRET",
        help="GET_SECRET, PING or HELP (default: GET_SECRET)",
    )
    ask.add_argument(
        "address",
        metavar="HOST[:PORT]",
        type=address,
        help=f"the backend (default port: {PORT}); an IPv6 address in brackets",
    )
    _place(ask, "device", "client.crt, client.key and server_ca.pem", option=True)
    file(ask, "--server-ca", "the CAs of the backend (default: server_ca.pem)")
    ask.add_argument(
        "--server-name",
        metavar="NAME",
        help="the name that the backend's certificate has to have (default: HOST)",
    )
    _less(ask, "--no-certificate", "present no client certificate: TLS, as in Part 2")
    ask.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=5.0,
        help="for the whole exchange (default: 5)",
    )
    _tpm_folder(ask, "for a key in a TPM: where the software TPM runs")
    _json(ask)


def _place(
    parser: argparse.ArgumentParser, machine: str, files: str, *, option: bool = False
) -> None:
    """Where the files of one machine are: in a folder, under their names or others."""
    told = f"where {files} are, or the folder of `certs` (default: this folder)"
    if option:
        parser.add_argument("--folder", metavar="FOLDER", type=Path, default=Path(), help=told)
    else:
        parser.add_argument(
            "folder", metavar="FOLDER", type=Path, nargs="?", default=Path(), help=told
        )
    parser.set_defaults(machine=machine)
    file(parser, "--certfile", "another certificate: PEM, or .p12 or .jks with its key")
    file(parser, "--keyfile", "its key; not for a .p12 or .jks, which holds it")
    told = "the password of the key or the .p12, or the PIN, is the first line of FILE"
    file(parser, "--password-file", told)


def _less(parser: argparse.ArgumentParser, name: str, told: str) -> None:
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--plain", action="store_true", help="no TLS at all: TCP, as in Part 1")
    kinds.add_argument(name, action="store_true", dest="one_sided", help=told)
    parser.add_argument("--tls13-only", action="store_true", help="nothing older than TLS 1.3")


def _tpm(add: Add) -> None:
    command = add(
        "tpm",
        "start, stop or look at the software TPM in which keys can be kept (Linux)",
        *("tpm start", "tpm status --json", "tpm stop", "tpm unlock"),
        notes=TPM,
    )
    command.add_argument(
        "action",
        choices=("start", "stop", "status", "unlock"),
        help="unlock: make it forget the wrong PINs that have locked it",
    )
    command.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=Path,
        default=FOLDER,
        help=f"where its state is (default: ./{FOLDER})",
    )
    _json(command)


def _json(parser: argparse.ArgumentParser, told: str = "one JSON object, for a program") -> None:
    parser.add_argument("--json", action="store_true", help=told)


def _tpm_folder(parser: argparse.ArgumentParser, told: str) -> None:
    """Add the option that names the folder of a running TPM."""
    parser.add_argument(
        "--tpm-folder",
        metavar="FOLDER",
        type=Path,
        help=f"{told} (default: what TPM2OPENSSL_TCTI names, the one that runs in ./{FOLDER}, or "
        "that of this machine)",
    )
