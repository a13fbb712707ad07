"""Exceptions of any library, HTTP answers, and what only the connection itself knows.

Here: what an exception carries, in the shapes of the libraries that people use. Not here: what a
text means (test_lines.py), and what an entry says (test_explanations.py).
"""

import asyncio
import codecs
import http.client
import os
import select
import socket
import ssl
import struct
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtls_lab import ask
from mtls_lab.explaining import explain
from mtls_lab.explaining.caught import MOST
from mtls_lab.net.tls import watch
from mtls_lab.pki import CertificateAuthority, Purpose
from mtls_lab.wire import Exchange, Failure, Side, Stage

#: The entries that are told here, for test_no_entry_is_dead.
TOLD = {
    *("alert_lost", "malformed_certificate", "no_ca_loaded", "served_not_asked"),
    *("file_of_the_environment", "file_byte_order_mark", "session_of_another_context"),
    *("key_log", "wrapped_twice", "key_by_uri"),
    *("not_a_stream", "handshake_not_done"),
    "alert_handshake_failure_at_first_read",
}


class Outer(Exception):
    """An exception of somebody's library."""


@pytest.fixture
def ca() -> CertificateAuthority:
    return CertificateAuthority.create("Lab CA")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def server_context(ca: CertificateAuthority, *, mutual: bool = True) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_server(["localhost", "127.0.0.1"]).load_into(context)
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=pem(ca))
    return context


def client_context(ca: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=pem(ca))


def pem(ca: CertificateAuthority) -> str:
    return ssl.DER_cert_to_PEM_cert(der(ca))


def der(ca: CertificateAuthority) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    return ca.certificate.public_bytes(Encoding.DER)


def once(
    listener: socket.socket, context: ssl.SSLContext, errors: list[Exception]
) -> threading.Thread:
    """Serve one connection, and hang up without waiting for anything."""

    def serve() -> None:
        raw, _ = listener.accept()
        raw.settimeout(10)
        with raw:
            try:
                with context.wrap_socket(raw, server_side=True) as connection:
                    connection.recv(1024)  # what is left unread makes the end a reset
            except OSError as error:
                errors.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def error_of(action: Callable[[], object]) -> BaseException:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is explained
        return error
    raise AssertionError("nothing failed")


@pytest.fixture
def refusal(ca: CertificateAuthority, listener: socket.socket) -> ssl.SSLError:
    """A device that does not trust the backend."""
    thread = once(listener, server_context(ca, mutual=False), [])
    other = client_context(CertificateAuthority.create("Other CA"))

    def call() -> None:
        with (
            socket.create_connection(listener.getsockname(), 10) as raw,
            other.wrap_socket(raw, server_hostname="localhost"),
        ):
            pass

    error = error_of(call)
    thread.join(10)
    assert isinstance(error, ssl.SSLCertVerificationError)
    return error


@pytest.mark.parametrize("server_side", [True, False])
def test_a_context_of_the_other_side(server_side: bool) -> None:  # noqa: FBT001
    """The error is raised while the connection is made: it cannot be asked for its side yet."""
    protocol = ssl.PROTOCOL_TLS_CLIENT if server_side else ssl.PROTOCOL_TLS_SERVER
    made = ssl.SSLContext(protocol)
    made.check_hostname = False
    pipes = ssl.MemoryBIO(), ssl.MemoryBIO()
    error = error_of(lambda: made.wrap_bio(*pipes, server_side=server_side))
    assert explain(error).entry == "wrong_kind_of_context"


# --- Inside another exception


def cause(error: Exception, kind: type[Exception] = Outer) -> BaseException:
    try:
        raise kind("the call failed") from error
    except kind as outer:
        return outer


def context(error: Exception) -> BaseException:
    try:
        try:
            raise error
        except ssl.SSLError:
            raise Outer("while handling it") from Outer("x")
    except Outer as outer:
        outer.__context__, outer.__cause__ = error, None
        outer.__suppress_context__ = False
        return outer


def hidden(error: Exception) -> BaseException:
    try:
        try:
            raise error
        except ssl.SSLError:
            raise Outer("the call failed") from None
    except Outer as outer:
        return outer


def noted(error: Exception) -> BaseException:
    outer = Outer("the call failed")
    outer.add_note(f"while connecting: {error}")
    return outer


def attribute(name: str) -> Callable[[Exception], BaseException]:
    def wrap(error: Exception) -> BaseException:
        outer = Outer("Cannot connect to host localhost")
        setattr(outer, name, error)
        return outer

    return wrap


class WithoutArguments(Exception):
    """One of a library whose `args` fails."""

    @property
    def args(self) -> Any:  # type: ignore[override]
        raise RuntimeError("not loaded")


class Slotted:
    __slots__ = ("error", "traceback")

    def __init__(self, error: Exception) -> None:
        self.error = error


class Proxy:
    """As Django's SimpleLazyObject and Werkzeug's LocalProxy: each question goes to another."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"{name}: no connection to the database")


def without_arguments(error: Exception) -> BaseException:
    outer = WithoutArguments("x")
    outer.__cause__ = error
    return outer


def failed(error: Exception) -> Future[None]:
    future = Future[None]()
    future.set_exception(error)
    return future


async def as_task(error: Exception) -> asyncio.Task[None]:
    async def fail() -> None:
        raise error

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    return task


WRAPPED: dict[str, Callable[[Exception], BaseException]] = {
    "cause, as httpx and redis": cause,
    "context": context,
    "argument, as requests and urllib3": lambda error: Outer(Outer("Max retries", error)),
    "argument in a tuple": lambda error: Outer(("connection broken", error)),
    "reason, as urllib and MaxRetryError": attribute("reason"),
    "os_error, as aiohttp": attribute("os_error"),
    "orig, as SQLAlchemy": attribute("orig"),
    "inner_exception, as azure-core": attribute("inner_exception"),
    "errors, as elastic-transport": lambda error: attribute("errors")((error,)),  # type: ignore[arg-type]
    "hidden, as raise … from None": hidden,
    "a note": noted,
    "made again from its text": lambda error: ssl.SSLError(1, str(error)),
    "made again with its class": lambda error: ssl.SSLCertVerificationError(1, str(error)),
    "a group, as anyio": lambda error: ExceptionGroup("tasks", [ValueError("x"), error]),
    "text only, as psycopg": lambda error: Outer(f"connection failed: {error}"),
    "urllib": urllib.error.URLError,
    "a future, as tenacity after a pickle": lambda error: Outer(failed(error)),
    "exc_info in an attribute, as retrying": lambda error: attribute("last_attempt")(
        SimpleNamespace(value=(type(error), error, None))  # type: ignore[arg-type]
    ),
    "by host, as cassandra-driver and paramiko": lambda error: Outer({"db1": error}),
    "whose args fail": without_arguments,
    "beside a proxy that has nothing to stand for": lambda error: attribute("orig")(
        [Proxy(), error]  # type: ignore[arg-type]
    ),
}

#: What holds an exception, and is none.
HOLDS: dict[str, Callable[[Exception], object]] = {
    "a future": failed,
    "a task": lambda error: asyncio.run(as_task(error)),
    "sys.exc_info()": lambda error: (type(error), error, error.__traceback__),
    "what asyncio.gather returns": lambda error: ["fine", error, 7],
    "an Outcome of trio, which has slots": Slotted,
    "a Failure of Twisted": lambda error: SimpleNamespace(value=error, type=type(error)),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=list(WRAPPED))
def test_what_another_exception_carries(
    refusal: ssl.SSLError, wrap: Callable[[Exception], BaseException]
) -> None:
    alone, told = explain(refusal), explain(wrap(refusal))
    assert alone.entry == "unknown_issuer"
    assert told.entry == "unknown_issuer"
    assert told.says or isinstance(wrap(refusal), ssl.SSLError)
    assert str(alone) in {str(alone), str(told)}


@pytest.mark.parametrize("hold", HOLDS.values(), ids=list(HOLDS))
def test_what_holds_an_exception(
    refusal: ssl.SSLError, hold: Callable[[Exception], object]
) -> None:
    assert explain(hold(refusal)) == explain(refusal)


def test_a_future_that_is_not_done_is_not_waited_for() -> None:
    with pytest.raises(TypeError, match="not a Future"):
        explain(Future())


def test_what_is_hidden_counts_only_where_nothing_else_is_known(refusal: ssl.SSLError) -> None:
    """The first way failed, and the second one is what the program is told of."""
    missing = FileNotFoundError(2, "No such file or directory", "client.crt")
    missing.__context__, missing.__suppress_context__ = refusal, True
    assert explain(missing).entry == explain(FileNotFoundError(*missing.args, "client.crt")).entry


@pytest.mark.parametrize("text", [False, True], ids=["bytes", "text"])
def test_a_program_that_failed(tmp_path: Path, ca: CertificateAuthority, *, text: bool) -> None:
    """What it wrote, in the exception of subprocess and in its result."""
    certificate, _ = (
        CertificateAuthority.create("Other CA").issue_client("device").save(tmp_path, "c")
    )
    (tmp_path / "ca.pem").write_text(pem(ca))
    command = ["openssl", "verify", "-CAfile", str(tmp_path / "ca.pem"), str(certificate)]
    run = partial(subprocess.run, command, capture_output=True, text=text)
    told = explain(run(check=False))
    assert told.entry == "unknown_issuer"
    assert "error 20 at 0 depth" in told.says
    assert explain(error_of(lambda: run(check=True))) == told


def test_an_error_that_is_derived_from_that_of_ssl(refusal: ssl.SSLError) -> None:
    """ldap3 2.9 makes a class of its own from the class of the error, and keeps the text alone."""
    derived = type("LDAPSocketOpenError", (Outer, type(refusal)), {})
    told = explain(derived(f"socket ssl wrapping error: {refusal}"))
    assert told.entry == "unknown_issuer"


def test_a_reason_that_only_the_words_of_a_line_are_known_for() -> None:
    """nginx 1.22.1 with ssl_dhparam of 1024 bits: Python has the reason, programs its words."""
    error = ssl.SSLError(1, "[SSL: DH_KEY_TOO_SMALL] dh key too small (_ssl.c:1006)")
    error.reason = "DH_KEY_TOO_SMALL"
    assert explain(error).entry == explain("error:0A00018A:SSL routines::dh key too small").entry
    assert explain(error).known


def test_the_variable_that_names_a_missing_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python says of the file only that it is not there; httpx 0.28 takes its name from here."""
    monkeypatch.setenv("SSL_CERT_FILE", "old/bundle.pem")
    error = error_of(lambda: ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]))
    told = explain(error)
    assert told.entry == "file_of_the_environment"
    assert "SSL_CERT_FILE names old/bundle.pem" in told.what


def test_a_file_that_libpq_s_names_for_it_hand_on(tmp_path: Path) -> None:
    """As asyncpg does: its own error names the file, the one of ssl within it does not."""

    def connect(sslrootcert: Path) -> None:
        device().load_verify_locations(sslrootcert)

    told = explain(error_of(lambda: connect(tmp_path / "root.crt")))
    assert told.entry == "argument_missing"
    assert "root.crt" in told.what


def test_a_key_log_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a text, only its traceback could tell; of the exception, the calls do."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "gone" / "keys.log"))
    error = error_of(ssl.create_default_context)
    monkeypatch.delenv("SSLKEYLOGFILE")
    told = explain(error)
    assert told.entry == "key_log"
    assert "keys.log" in told.what
    assert "SSLKEYLOGFILE" in told.where


@pytest.mark.parametrize(
    "damage", [lambda body: body[:-40], lambda body: "A" * 40 + body[40:]], ids=["cut", "changed"]
)
def test_a_certificate_behind_the_first_is_damaged(
    tmp_path: Path, ca: CertificateAuthority, damage: Callable[[str], str]
) -> None:
    """OpenSSL gives a reason for what follows the leaf, and none for the leaf itself."""
    files = ca.issue_client("device").save(tmp_path, "client")
    first, *body, last = pem(ca).splitlines()
    second = f"{first}\n{damage(''.join(body))}\n{last}\n"
    files[0].write_text(files[0].read_text("utf-8") + second, "utf-8")
    error = error_of(lambda: ssl.create_default_context().load_cert_chain(*files))
    told = explain(error, certfile=files[0], keyfile=files[1])
    assert told.entry == "file_other"
    assert "client.crt holds a damaged certificate" in told.what


def calls_nobody(_: ssl.SSLContext) -> None:
    """This error has no name in it either, and ssl was handed nothing."""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect("no.sock")


NOWHERE = Path("no where")
BOTH = (NOWHERE / "own.crt", NOWHERE / "own.key")


@pytest.mark.parametrize("name", ["missing.pem", "folder", "file/under.pem"])
def test_a_file_that_its_error_names(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    path = tmp_path / name
    told = explain(error_of(path.read_text))
    assert told.entry == ("named_folder" if name == "folder" else "named_file_missing")
    assert str(path) in told.what
    assert told.where == str(path)
    # ssl leaves the name out: then the arguments of the call have it.
    nameless = explain(error_of(lambda: ssl.create_default_context(cafile=path)))
    assert nameless.entry == ("named_folder" if name == "folder" else "argument_missing")
    assert nameless.where == str(path)


@pytest.mark.parametrize(
    ("load", "file"),
    [
        (lambda own: own.load_cert_chain("no.crt", "no.key"), "no.crt"),
        (lambda own: own.load_cert_chain(certfile=f"no/{own.verify_mode}.crt"), ""),
        (lambda own: own.load_verify_locations(cafile=str(NOWHERE / "ca.pem")), "no where/ca.pem"),
        (lambda own: own.load_verify_locations(f"{NOWHERE}/ca.pem"), "no where/ca.pem"),
        (lambda own: own.load_cert_chain(*BOTH), "no where/own.crt"),
        (calls_nobody, ""),
        (lambda own: own.load_cert_chain(NOWHERE.with_name("own.crt")), ""),
        (lambda own: own.load_cert_chain(NOWHERE.joinpath("own.crt")), "no where/own.crt"),
        (lambda own: own.load_cert_chain(os.path.join(NOWHERE, "a" + ".crt")), "no where/a.crt"),  # noqa: PTH118
        (lambda own: own.load_cert_chain("no where/%s.crt" % "b"), "no where/b.crt"),  # noqa: UP031
    ],
)
def test_a_file_that_the_line_of_the_call_names(
    load: Callable[[ssl.SSLContext], object], file: str
) -> None:
    """In C there are no arguments to look at. What would have to be called is not."""
    error = error_of(lambda: load(ssl.create_default_context()))
    assert isinstance(error, FileNotFoundError)
    error.filename = None  # Python 3.15 has some of the names
    told = explain(error)
    assert (told.entry, file in told.where) == (
        "argument_missing" if file else "no_such_file",
        True,
    )


def test_what_a_function_calls_its_arguments_is_not_what_ssl_was_handed(
    tmp_path: Path, ca: CertificateAuthority
) -> None:
    """The `cert` here is the beginning of a name."""
    _, key = ca.issue_client("device").save(tmp_path, "client")
    key.write_text("age-encryption.org/v1\n")

    def load(cert: str, suffix: Callable[[], str] = lambda: ".key") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(tmp_path / f"{cert}.crt", str(tmp_path / cert) + suffix())
        return context

    told = explain(error_of(lambda: load("client")))
    assert told.entry == "pem_lib"
    key.unlink()
    error = error_of(lambda: load("client"))
    assert isinstance(error, FileNotFoundError)
    error.filename = None  # Python 3.15 has it
    assert explain(error).entry == "no_such_file"


def test_a_closed_file_that_its_error_names() -> None:
    told = explain(PermissionError(13, "Permission denied", "/etc/ssl/private/server.key"))
    assert told.entry == "named_file_closed"
    assert "/etc/ssl/private/server.key" in told.what


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_files_of_a_call_are_looked_into(
    tmp_path: Path, ca: CertificateAuthority, *, wrapped: bool
) -> None:
    """As httpx has them, and urllib3 below requests: nobody has to name them again."""
    certificate, key = ca.issue_client("device").save(tmp_path, "client")

    def client(cert: tuple[Path, Path]) -> None:
        try:
            device().load_cert_chain(*cert)
        except ssl.SSLError as error:
            if wrapped:
                raise Outer("no client") from error
            raise

    told = explain(error_of(lambda: client((key, certificate))))
    assert told.entry == "file_swapped"
    assert "client.key holds a private key" in told.what
    other = ca.issue_client("other").save(tmp_path, "other")
    assert explain(error_of(lambda: client((certificate, other[1])))).entry == "key_mismatch"


def shut_after_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        there, _ = server.accept()
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        there.close()
        with client:
            select.select([client], [], [], 10)
            client.shutdown(socket.SHUT_RDWR)


def without_blocking() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        tls = device().wrap_socket(ours, server_hostname="localhost", do_handshake_on_connect=False)
        with tls:
            tls.do_handshake()


def with_the_socket_that_was_wrapped() -> None:
    ours, theirs = socket.socketpair()
    context = device()
    with (
        ours,
        theirs,
        context.wrap_socket(ours, server_hostname="localhost", do_handshake_on_connect=False),
    ):
        ours.send(b"GET_SECRET")


def before_the_handshake() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        tls = device().wrap_socket(ours, server_hostname="localhost", do_handshake_on_connect=False)
        with tls:
            tls.getpeercert()


def device() -> ssl.SSLContext:
    return ssl.create_default_context()


def wrap_with(name: str) -> None:
    device().wrap_socket(socket.socket(), server_hostname=name)


MISUSES: dict[str, Callable[[], object]] = {
    "ca_is_none": lambda: device().load_verify_locations(os.environ.get("NO_SUCH_VARIABLE")),
    "path_wanted": lambda: device().load_cert_chain(None),  # type: ignore[arg-type]
    "cadata_form": lambda: device().load_verify_locations(cadata=b"-----BEGIN CERTIFICATE-----"),
    "cadata_form, empty": lambda: device().load_verify_locations(cadata=""),
    "host_without_a_name": lambda: wrap_with(".example.com"),
    "host_without_a_name, long": lambda: wrap_with("a" * 64),
    "not_a_stream": lambda: device().wrap_socket(
        socket.socket(type=socket.SOCK_DGRAM), server_hostname="localhost"
    ),
    "non_blocking": without_blocking,
    "socket_gone": with_the_socket_that_was_wrapped,
    "socket_not_connected": shut_after_reset,
    "handshake_not_done": before_the_handshake,
    "address_not_here": lambda: socket.create_server(("192.0.2.1", 0)),
}


@pytest.mark.parametrize("misuse", MISUSES)
@pytest.mark.filterwarnings("ignore:unclosed")
def test_what_ssl_and_sockets_say_of_a_wrong_call(misuse: str) -> None:
    told = explain(error_of(MISUSES[misuse]))
    assert told.entry == misuse.partition(",")[0]
    assert told.who.startswith("Nobody")


def test_a_host_that_openssl_4_does_not_take() -> None:
    """It leaves no reason: what Python says then is all that there is."""
    error = ssl.SSLError(0, "unknown error (0x0) (_ssl.c:899)")
    if ssl.OPENSSL_VERSION_INFO >= (4,):
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(ssl.SSLError) as caught:
            device().wrap_socket(ours, server_hostname="api.example.")
        assert str(caught.value).startswith("unknown error (0x0)")
        error = caught.value
    assert explain(error).entry == "host_refused"


def test_the_text_of_a_key_for_a_name_is_not_shown() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
    told = explain(error_of(lambda: Path(key).read_text()))
    assert told.entry == "text_for_a_name"
    assert "c2VjcmV0" not in str(told)


def test_what_a_library_calls_its_options(refusal: ssl.SSLError) -> None:
    """httpx 0.28.1 returns from create_ssl_context before it loads cert=, if verify= is a path."""
    required = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] certificate required")
    required.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    outer = type("ReadError", (Outer,), {"__module__": "httpx"})
    told = explain(cause(required, outer))
    assert "httpx 0.28 leaves cert= out" in told.why
    assert "httpx" not in explain(cause(required)).why
    assert explain(cause(refusal, outer)).entry == "unknown_issuer"


def test_a_session_of_another_context(ca: CertificateAuthority, listener: socket.socket) -> None:
    thread = once(listener, server_context(ca, mutual=False), [])
    context, other = client_context(ca), client_context(ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # which has a session when it is connected
    with (
        socket.create_connection(listener.getsockname()[:2]) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        pipes, session = (ssl.MemoryBIO(), ssl.MemoryBIO()), tls.session
        error = error_of(
            lambda: other.wrap_bio(*pipes, server_hostname="localhost", session=session)
        )
    thread.join(10)
    assert explain(error).entry == "session_of_another_context"
    assert explain(f"ValueError: {error}").entry == "session_of_another_context"


def test_the_text_of_a_file_for_its_name(ca: CertificateAuthority) -> None:
    """It may be a key: nothing of it is told."""
    error = error_of(lambda: ssl.create_default_context(cafile=pem(ca)))
    told = explain(error)
    assert told.entry == "text_for_a_name"
    assert "MII" not in str(told)


def test_what_ssl_says_without_a_reason() -> None:
    """Its words alone tell it: Python has them from no queue of OpenSSL."""
    error = error_of(lambda: ssl.create_default_context(cadata="device/server_ca.pem"))
    assert explain(error).entry == "cadata_form"
    assert explain("No cipher can be selected.").entry == "tls_name_unknown"


def test_who_hung_up_on_https_heard_tls(ca: CertificateAuthority, listener: socket.socket) -> None:
    """uvicorn 0.54 closes without an alert where a certificate is missing: asyncio aborts."""
    thread = once(listener, server_context(ca, mutual=False), [])
    port = listener.getsockname()[1]
    calling = http.client.HTTPSConnection("localhost", port, context=client_context(ca))
    calling.request("GET", "/")
    error = error_of(calling.getresponse)
    calling.close()
    thread.join(10)
    assert explain(error).entry == "closed_after_handshake"
    assert explain(f"{type(error).__name__}: {error}").entry == "closed_without_reply"


def test_a_byte_order_mark_before_the_certificate(
    tmp_path: Path, ca: CertificateAuthority, listener: socket.socket
) -> None:
    """Go 1.19 finds no PEM behind it (encoding/pem); OpenSSL 3 skips it."""
    files = ca.issue_client("device").save(tmp_path, "client")
    files[0].write_bytes(codecs.BOM_UTF8 + files[0].read_bytes())
    line = "tls: failed to find any PEM data in certificate input"
    told = explain(line, certfile=files[0], keyfile=files[1])
    assert told.entry == "file_byte_order_mark"
    assert "client.crt begins with a byte order mark" in told.what
    client_context(ca).load_cert_chain(*files)
    # Nor is it blamed for what failed elsewhere.
    nobody = f"connect to 127.0.0.1:{listener.getsockname()[1]}: connection refused"
    assert explain(nobody, certfile=files[0], keyfile=files[1]).entry == "nobody_listens"


def test_what_is_behind_another_failure_does_not_hide_it(refusal: ssl.SSLError) -> None:
    """The connection was closed after the refusal: the refusal is the cause."""
    reset = ConnectionResetError(104, "Connection reset by peer")
    reset.__context__ = refusal
    assert explain(reset).entry == "unknown_issuer"
    assert explain(ConnectionResetError(104, "Connection reset by peer")).entry == "reset"


def test_urllib_for_real(ca: CertificateAuthority, listener: socket.socket) -> None:
    thread = once(listener, server_context(ca), [])
    url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
    opened = error_of(lambda: urllib.request.urlopen(url, context=client_context(ca), timeout=10))
    thread.join(10)
    told = explain(opened)
    assert told.known
    assert "certificate" in told.why


def test_a_cycle_and_a_crowd_end() -> None:
    one, two = Outer("one"), Outer("two")
    one.__context__, two.__context__ = two, one
    one.args = (one, two)
    assert explain(one).entry == "unknown"
    crowd = Outer("last")
    for number in range(10 * MOST):
        crowd = Outer(number, crowd)
    assert not explain(crowd).known


class Hostile(Exception):
    """Code of a library that fails where it is looked at."""

    @property
    def reason(self) -> object:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")


def test_an_exception_that_fails_itself() -> None:
    assert not explain(Hostile()).known
    assert not explain(Outer(Hostile())).known


@settings(max_examples=50, deadline=None)
@given(st.recursive(st.text(max_size=30) | st.integers() | st.none(), st.lists, max_leaves=8))
def test_any_arguments(argument: Any) -> None:
    told = str(explain(Outer(argument)))
    assert all(character.isprintable() or character == "\n" for character in told)


# --- What only the connection knows


def test_a_backend_that_trusts_nobody(ca: CertificateAuthority, listener: socket.socket) -> None:
    errors: list[Exception] = []
    context = server_context(ca, mutual=False)
    context.verify_mode = ssl.CERT_REQUIRED
    thread = once(listener, context, errors)
    device = client_context(ca)
    ca.issue_client("trusted-client").load_into(device)
    with (
        suppress(OSError),
        socket.create_connection(listener.getsockname(), 10) as raw,
        device.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        connection.recv(1)
    thread.join(10)
    told = explain(errors[0])
    assert told.entry == "no_ca_loaded"
    assert told.who == "The backend refused the device."


def test_a_key_that_is_no_file(tmp_path: Path, ca: CertificateAuthority) -> None:
    """Python's ssl opens a file of this name, and leaves the name out of its error."""
    (tmp_path / "my.crt").write_text(pem(ca))

    def load(mine: Path, secret: str) -> None:
        ssl.create_default_context().load_cert_chain(mine, secret)

    by_name = error_of(lambda: load(tmp_path / "my.crt", "handle:0x81000001"))
    written = error_of(
        lambda: ssl.create_default_context().load_cert_chain(tmp_path / "my.crt", "pkcs11:token=t")
    )
    assert explain(by_name).entry == explain(written).entry == "key_by_uri"


def test_a_socket_that_has_tls_already(ca: CertificateAuthority, listener: socket.socket) -> None:
    thread = once(listener, server_context(ca, mutual=False), [])
    device = client_context(ca)

    def twice() -> None:
        with (
            socket.create_connection(listener.getsockname(), 10) as raw,
            device.wrap_socket(raw, server_hostname="localhost") as connection,
        ):
            device.wrap_socket(connection, server_hostname="localhost")

    told = explain(error_of(twice))
    thread.join(10)
    assert told.entry == "wrapped_twice"
    assert told.who.startswith("Nobody was refused: the device began a second handshake")


def test_closing_after_a_failure_hides_no_refusal() -> None:
    """As anyio does: unwrap() on the way out of a block that the refusal has ended."""
    closing = ssl.SSLError(1, "[SSL: SHUTDOWN_WHILE_IN_INIT] shutdown while in init")
    closing.reason = "SHUTDOWN_WHILE_IN_INIT"
    refused = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] certificate required")
    refused.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    closing.__context__ = refused
    assert explain(closing).entry == "alert_certificate_required"


def test_an_alert_that_was_lost(ca: CertificateAuthority, listener: socket.socket) -> None:
    """A TLS 1.3 device that writes after it was refused, and the backend is gone."""
    errors: list[Exception] = []
    thread = once(listener, server_context(ca), errors)

    def write() -> None:
        device = client_context(ca)
        with (
            socket.create_connection(listener.getsockname(), 10) as raw,
            device.wrap_socket(raw, server_hostname="localhost") as connection,
        ):
            thread.join(10)
            for _ in range(100):  # the first one may still be taken by the system
                connection.sendall(b"x" * 10_000)

    told = explain(error_of(write))
    assert isinstance(errors[0], ssl.SSLError)
    assert told.entry == "alert_lost"
    assert "refused the device's certificate" in told.causes[0]


def test_a_backend_that_did_not_ask() -> None:
    """Seen in the messages of a handshake that was watched, at a backend that is elsewhere."""
    ca = CertificateAuthority.create("Lab CA")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            raw, _ = server.accept()
            with raw, server_context(ca, mutual=False).wrap_socket(raw, server_side=True) as talk:
                talk.recv(100)
                talk.sendall(b"OK\n")
                talk.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        device = client_context(ca)
        watch(device)
        exchange = ask("PING", server.getsockname(), context=device)
        thread.join(10)
    told = explain(exchange)
    assert told.entry == "served_not_asked"
    assert "SNI" in told.why


def test_a_code_for_what_is_malformed() -> None:
    text = "verify error:num=41:invalid or inconsistent certificate extension"
    assert explain(text).entry == "malformed_certificate"


# --- HTTP answers

PAGES = {
    "nginx, none": (
        400,
        "<center>No required SSL certificate was sent</center>",
        "http_no_certificate",
    ),
    "nginx, bad": (400, "<center>The SSL certificate error</center>", "http_bad_certificate"),
    "nginx, plain": (400, "The plain HTTP request was sent to HTTPS port", "http_plain"),
    "400": (400, "Bad Request", "http_bad_request"),
    "401": (401, "", "http_forbidden"),
    "403": (403, "RBAC: access denied", "http_forbidden"),
    "421": (421, "Misdirected Request", "http_misdirected"),
    "495": (495, "", "http_bad_certificate"),
    "496": (496, "", "http_no_certificate"),
    "IIS": (403, "403.7 - Client certificate required", "http_no_certificate"),
}


@pytest.mark.parametrize(("status", "page", "entry"), PAGES.values(), ids=list(PAGES))
def test_an_http_answer(status: int, page: str, entry: str) -> None:
    answer = SimpleNamespace(status_code=status, text=page, headers={"server": "nginx"})
    assert explain(answer).entry == entry
    raised = Outer(f"{status} Client Error for url: https://localhost/")
    raised.response = answer  # type: ignore[attr-defined]
    assert explain(raised).entry == entry


def test_an_answer_of_http_in_an_exchange() -> None:
    reply = ("HTTP/1.1 400 Bad Request",)
    side = Side("device", Stage.APPLICATION, None, "TLSv1.3", "CN=localhost", reply)
    told = explain(Exchange("GET / HTTP/1.0", side))
    assert told.entry == "http_bad_request"
    assert "Nobody was refused" not in told.who


@pytest.mark.parametrize(
    ("title", "entry"),
    [
        ("400 No required SSL certificate was sent", "http_no_certificate"),
        ("400 The SSL certificate error", "http_bad_certificate"),
        ("403 Forbidden", "http_forbidden"),
        ("Welcome", "served_elsewhere"),
    ],
)
def test_a_page_without_a_status_line_in_an_exchange(title: str, entry: str) -> None:
    """nginx 1.22.1 answers a bare GET / in HTTP/0.9, with the page alone."""
    page = (
        "<html>",
        f"<head><title>{title}</title></head>",
        "<hr><center>nginx</center>",
        "</html>",
    )
    side = Side("device", Stage.APPLICATION, None, "TLSv1.3", "CN=localhost", page)
    told = explain(Exchange("GET /", side))
    assert told.entry == entry
    assert ("Nobody was refused" in told.who) == (title == "Welcome")


def test_an_urllib_answer() -> None:
    error = urllib.error.HTTPError("https://localhost/", 403, "Forbidden", {}, None)  # type: ignore[arg-type]
    with error:
        assert explain(error).entry == "http_forbidden"


def test_the_page_of_an_urllib_answer_is_looked_at_and_left() -> None:
    page = b"<title>400 No required SSL certificate was sent</title>"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as raw:
                raw.recv(4096)
                head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(page)}\r\n\r\n"
                raw.sendall(head.encode() + page)

        thread = threading.Thread(target=answer)
        thread.start()
        error = error_of(
            lambda: urllib.request.urlopen(f"http://127.0.0.1:{server.getsockname()[1]}/")
        )
    thread.join(10)
    assert explain(error).entry == "http_no_certificate"
    assert isinstance(error, urllib.error.HTTPError)
    with error:
        assert error.read() == page


def test_a_page_in_bytes() -> None:
    """As websockets keeps it."""
    raised = Outer("server rejected WebSocket connection: HTTP 400")
    page = b"<title>400 No required SSL certificate was sent</title>"
    raised.response = SimpleNamespace(  # type: ignore[attr-defined]
        status_code=400, body=page, headers={"Server": "nginx"}
    )
    assert explain(raised).entry == "http_no_certificate"


def test_a_handshake_failure_after_the_handshake() -> None:
    """In TLS 1.3 it cannot be about ciphers: Erlang/OTP 25 sends it for a wrong purpose."""
    alert = Failure("SSLError", "SSLV3_ALERT_HANDSHAKE_FAILURE")
    late = Exchange("PING", Side("device", Stage.FIRST_READ, alert, "TLSv1.3", "CN=localhost"))
    early = Exchange("PING", Side("device", Stage.HANDSHAKE, alert))
    assert explain(late).entry == "alert_handshake_failure_at_first_read"
    assert "clientAuth" in explain(late).causes[0]
    assert explain(early).entry == "alert_handshake_failure"


@pytest.mark.parametrize("names", [["localhost"], []])
def test_the_purpose_of_a_servers_own_certificate_is_right(
    tmp_path: Path, ca: CertificateAuthority, names: list[str]
) -> None:
    """Whoever runs the server may give its files; one that names no host is a client's."""
    identity = ca.issue("device", Purpose.SERVER, names=names)
    certfile, keyfile = identity.save(tmp_path, "my")
    alert = Failure("SSLError", "SSLV3_ALERT_HANDSHAKE_FAILURE")
    early = Exchange("PING", Side("device", Stage.HANDSHAKE, alert))
    told = explain(early, certfile=certfile, keyfile=keyfile)
    assert ("In these files" in told.why) == (not names)


def read_a_name(certificate: Any) -> Any:
    peercert = certificate
    return peercert["subject"]


@pytest.mark.parametrize("certificate", [None, {}])
def test_a_certificate_that_is_not_there(certificate: Any) -> None:
    told = explain(error_of(lambda: read_a_name(certificate)))
    assert told.entry == "peer_certificate_missing"


def test_the_certificate_of_a_proxy(refusal: ssl.SSLError) -> None:
    class ProxyError(Outer):
        """As urllib3 and requests call it."""

    assert (
        explain(Outer(ProxyError("Unable to connect to proxy", refusal))).entry
        == "certificate_of_the_proxy"
    )


def test_a_purpose_in_words(tmp_path: Path, ca: CertificateAuthority) -> None:
    """An alert with the files beside it: the files decide."""
    identity = ca.issue("server", Purpose.SERVER)
    certfile, keyfile = identity.save(tmp_path, "server")
    told = explain(
        "remote error: tls: bad certificate", peer="go", certfile=certfile, keyfile=keyfile
    )
    assert told.entry == "alert_bad_certificate"


@pytest.mark.parametrize(("server_side", "who"), [(True, "backend"), (False, "device")])
def test_a_context_for_clients_in_a_server(server_side: bool, who: str) -> None:  # noqa: FBT001
    """Both raise the same; the call that raised knows which side it was for."""
    one, other = socket.socketpair()
    with one, other, pytest.raises(ValueError, match="check_hostname") as caught:
        ssl.create_default_context().wrap_socket(one, server_side=server_side)
    told = explain(caught.value)
    assert told.who == f"Nobody was refused: the {who} stopped before anything was sent."
    assert ("Purpose.CLIENT_AUTH" in told.fix) is server_side
    assert not told.causes
    text = explain(f"ValueError: {caught.value}")
    assert len(text.causes) == 2
    assert "stopped" not in text.who
