"""What a client showed in one connection: what it offered, what it sent, what became of it.

Here: from the messages of a server's side to lines. Not here: accepting it (listening.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mtls_lab.common import Password, PathLike, Shown, printable
from mtls_lab.diagnosing.attempts import Served, first
from mtls_lab.diagnosing.causes import listed, quoted
from mtls_lab.diagnosing.faults import Sent
from mtls_lab.diagnosing.value import NO, NOTE, OPEN, YES, Line, as_lines
from mtls_lab.drawing import card, escape, side_by_side
from mtls_lab.explaining import Explanation, explain
from mtls_lab.pki.names import covers, hosts_of, is_address
from mtls_lab.pki.rules import extensions_of
from mtls_lab.wire import Direction, Failure, Field, Message, Side, Stage

__all__ = ["Client"]


@dataclass(frozen=True, slots=True)
class Client(Shown):
    """One client.

    Attributes:
        address: where it called from, as `HOST:PORT`.
        ok: whether it was accepted.
        lines: what it offered, what it sent, and what a strict server makes of it.
    """

    address: str
    ok: bool
    lines: tuple[Line, ...]

    def _repr_html_(self) -> str:
        return side_by_side(
            card(f"<b>{escape(self.address)}</b>", as_lines(self.lines), good=self.ok)
        )

    def __str__(self) -> str:
        return "\n".join([self.address, *map(str, self.lines)])

    @classmethod
    def of(
        cls,
        address: str,
        messages: tuple[Message, ...],
        failure: Failure | None,
        *,
        version: str = "",
        said: bytes = b"",
        client_ca: PathLike | None = None,
        password: Password = "",
        asked: bool = True,
    ) -> Client:
        """Read what it showed.

        Args:
            address: where it called from.
            messages: those of the connection, from the server's side.
            failure: how it failed there, if it did.
            version: what was agreed.
            said: what it sent after the handshake, or in the clear.
            client_ca: the CAs that it is verified with.
            password: of that file, if it is PKCS #12.
            asked: whether it was asked for a certificate.
        """
        lines = [
            *_offered(messages, said),
            *_sent(messages, failure, (client_ca, password), asked=asked),
            *_end(messages, failure, version, said),
            *_named(messages, failure),
        ]
        return cls(address, failure is None and bool(version), tuple(lines))


def _offered(messages: tuple[Message, ...], said: bytes) -> Iterator[Line]:
    hello = first(messages, "ClientHello", Direction.TO_BACKEND)
    fields = hello.fields if hello else None
    if fields is None:
        what = quoted(said) if said else "nothing"
        yield Line("TLS", NO, f"no ClientHello; it says {what}")
        return
    newer = fields.find("supported_versions")
    versions = _values(newer, "version") if newer else []
    oldest = fields.find("legacy_version")
    yield Line("versions", OPEN, listed(versions or [_plain(oldest)]))
    yield Line("suites", OPEN, listed(_values(fields, "cipher_suite")))
    signatures = fields.find("signature_algorithms")
    yield Line("signatures", OPEN, listed(_values(signatures, "SignatureScheme")) or "not said")
    yield Line("SNI", OPEN, printable(_called(messages)) or "none")
    alpn = fields.find("application_layer_protocol_negotiation")
    if alpn:
        yield Line("ALPN", OPEN, listed(_values(alpn, "name")))


def _values(field: Field | None, name: str) -> list[str]:
    if field is None:
        return []
    found = (_plain(each) for each in field.walk() if each.name == name)
    return [value for value in found if value and not value.startswith("GREASE")]


def _plain(field: Field | None) -> str:
    return field.value.split(" (0x")[0] if field else ""


def _sent(
    messages: tuple[Message, ...],
    failure: Failure | None,
    cas: tuple[PathLike | None, Password],
    *,
    asked: bool,
) -> Iterator[Line]:
    message = first(messages, "Certificate", Direction.TO_BACKEND)
    if not asked:
        yield Line("certificate", OPEN, "not asked for")
    elif message is None:
        yield Line("certificate", OPEN, "it did not get that far")
    elif message.empty:
        text = "none: it has none, or none that fits; a strict server refuses that"
        yield Line("certificate", NO, text)
    else:
        served = Served.of(message)
        bad = failure is not None and failure.verify_code is not None
        yield Line("certificate", NO if bad else YES, served.path)
        yield from _judged(Sent(served, "client", *cas), failure if bad else None)


def _judged(sent: Sent, failure: Failure | None) -> Iterator[Line]:
    """Why a strict server refuses this chain."""
    if failure is None:
        found = [each for each in [sent.strictly()] if each]
    else:
        yield Line("verify", NO, f"{failure.verify_message} (verify code {failure.verify_code})")
        named = sent.explains(failure.verify_code)
        found = [*([named] if named else []), *sent.besides(failure.verify_code)]
    for each in found:
        yield Line("why", NO if failure else NOTE, each.says)
        if each.fix:
            yield Line("fix", OPEN, each.fix)


def _end(
    messages: tuple[Message, ...], failure: Failure | None, version: str, said: bytes
) -> Iterator[Line]:
    fatal = [m.alert for m in messages if m.fatal and m.direction is Direction.TO_BACKEND]
    if fatal:
        told = _of_server(failure or Failure("SSLEOFError"))
        yield Line("it refuses", NO, f"alert {fatal[-1]}: {told.what}")
    elif failure and failure.verify_code is None and messages:
        yield Line("handshake", NO, _of_server(failure).what)
    elif version:
        yield Line("accepted", YES, f"{version}; it says {quoted(said)}")


def _named(messages: tuple[Message, ...], failure: Failure | None) -> Iterator[Line]:
    """Say where the client calls a name that is not in the certificate that it gets."""
    called = _called(messages)
    mine = Served.of(first(messages, "Certificate", Direction.TO_DEVICE))
    hosts = hosts_of(extensions_of(mine.chain[0])) if mine.chain else []
    if failure and not called and mine.chain and not any(is_address(str(host)) for host in hosts):
        text = "it calls no name, perhaps an address, and the certificate here is for"
        yield Line("name", NO, f"{text} {listed(mine.names) or 'no name'}")
    if called and mine.chain and not any(covers(str(host), called) for host in hosts):
        names = listed(mine.names) or "no name"
        text = f"it calls {printable(called)}, and the certificate here is for {names}"
        yield Line("name", NO if failure else NOTE, text)


def _called(messages: tuple[Message, ...]) -> str:
    """The name in the ClientHello, or `""`."""
    hello = first(messages, "ClientHello", Direction.TO_BACKEND)
    name = hello.fields.find("server_name") if hello and hello.fields else None
    named = name.find("name") if name else None
    return named.value if named else ""


def _of_server(failure: Failure) -> Explanation:
    """Explain a failure of ours: here we are the server."""
    return explain(Side("backend", Stage.HANDSHAKE, failure), course=False)
