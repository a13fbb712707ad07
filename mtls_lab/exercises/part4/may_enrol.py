"""Exercise of Part 4: the rule of an enrolment office.

Here: the check, over real connections to an office, and whoever asks there. Not here: the office
(enrolment/office.py), and CAs (devices.py in the folder above).
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID

from mtls_lab.enrolment import GRACE, Asked, Office, certificate_from, to_line
from mtls_lab.exercises.calling import Called, call
from mtls_lab.exercises.devices import Factory
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import server_context, shown, strict_device
from mtls_lab.exercises.requests import Names, request
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Backend, ask
from mtls_lab.pki import Identity, Purpose, create_key
from mtls_lab.wire import Exchange

__all__ = ["may_enrol"]

#: X509_V_FLAG_NO_CHECK_TIME of OpenSSL: the rule looks at the dates.
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
_NAME = "device-07"
#: As POSIX writes it: the clock on the wall is twelve hours behind UTC.
_WEST = "WEST+12"
_WISHES = "a request proves that somebody has a key: the name in it is a wish"
#: From when until when a birth certificate is good: the device was in stock for a while.
_BIRTH = (-200, 7_000)


class _Desk:
    """An office with the learner's rule, and devices that ask there."""

    def __init__(self, factory: Factory, function: Callable[..., Any]) -> None:
        self._factory, self._function = factory, function
        self._ended: list[Called | NotYet] = []
        self.office = Office(factory.devices, [self._rule])
        own = factory.servers.issue_server(["localhost"])
        self._context = server_context(own, client_ca=factory.root.certificate)
        self._context.verify_flags |= _NO_CHECK_TIME

    def _rule(self, asked: Asked) -> str | None:
        try:
            ended = call(self._function, asked)
        except NotYet as no:
            self._ended.append(no)
            return "no answer"
        self._ended.append(ended)
        return ended.value if ended.error is None else "an error"

    def asks(
        self, identity: Identity, names: Names, wishes: tuple[x509.ExtensionType, ...] = ()
    ) -> tuple[Exchange, Identity | None]:
        """Let a device ask, with a new key. Raises NotYet if the rule does not answer."""
        key = create_key()
        line = f"ENROL {to_line(request(key, names, wishes))}"
        device = strict_device(self._factory.servers.certificate, identity)
        self._ended.clear()
        with Backend(self._context, answer=self.office.answer, name="office") as office:
            exchange = ask(line, office, context=device)
        for ended in self._ended:
            if isinstance(ended, NotYet):
                raise ended
            value = ended.returned("a rule has an answer for everybody who may ask")
            if value is not None and not (isinstance(value, str) and value):
                found = f"{ended.name} returned {shown(value)}"
                raise NotYet(found, "it returns None, or the reason to refuse as a text")
        if not exchange.ok:
            return exchange, None
        return exchange, Identity(
            key, certificate_from(exchange.reply), self._factory.devices.chain
        )

    def gets(self, identity: Identity, who: str) -> Identity:
        """Let a device ask for its own name. Raises NotYet if it is refused."""
        exchange, issued = self.asks(identity, (f"CN={_NAME}",))
        if issued is None:
            raise NotYet(
                f"{who} is refused: {(exchange.reply or '').removeprefix('ERROR ')}",
                "a device that follows the rules gets its certificate",
            )
        return issued

    def refuses(
        self,
        identity: Identity,
        who: str,
        rule: str,
        names: Names = (f"CN={_NAME}",),
        wishes: tuple[x509.ExtensionType, ...] = (),
    ) -> str:
        """Return that somebody got nothing. Raises Unsafe."""
        if self.asks(identity, names, wishes)[1] is not None:
            raise Unsafe(f"{who} got a certificate", rule)
        return f"{who} gets nothing"

    def last_valid(self, days_ago: float) -> Identity:
        """Give the device a current certificate that expired so many days ago."""
        days = (-90 - days_ago, -days_ago)
        old = self._factory.devices.issue(_NAME, Purpose.CLIENT, valid_days=days)
        self.office.register[_NAME] = old.certificate
        return old


@exercise("a function may_enrol(asked)")
def may_enrol(function: Callable[..., Any]) -> Iterator[str]:
    """Decide about a request, by names, by the register and by dates."""
    factory = Factory.make()
    desk = _Desk(factory, function)
    birth = factory.births.issue(_NAME, Purpose.CLIENT, valid_days=_BIRTH)
    desk.office.announce(birth.certificate)
    desk.gets(birth, "a new device, with its birth certificate, made 200 days ago,")
    first = desk.last_valid(days_ago=-80)  # of another day than the next: a rule may look at dates
    second = desk.gets(first, "a device that renews")
    yield "a new device gets its certificate, and renews it"
    yield from _other_names(desk, second)
    yield desk.refuses(
        first,
        "a thief with the old key, whose certificate has been replaced,",
        "one certificate of a device may ask for the next: the one on the register",
    )
    yield desk.refuses(birth, "the birth certificate, a second time,", "it is good for one request")
    yield _forged(factory, desk, second)
    late = desk.last_valid(days_ago=GRACE - 1)
    desk.gets(late, f"a device that was off, {GRACE - 1} days after its certificate expired,")
    yield f"a device that is {GRACE - 1} days late is forgiven"
    yield desk.refuses(
        desk.last_valid(days_ago=GRACE + 1),
        f"a device that is {GRACE + 1} days late",
        f"the office forgives {GRACE} days",
    )
    yield desk.refuses(
        desk.last_valid(days_ago=GRACE + 0.5),
        f"a device that is {GRACE} days and 12 hours late",
        f"the office forgives {GRACE} days, to the hour",
    )
    with _in_zone(_WEST):
        desk.refuses(
            desk.last_valid(days_ago=GRACE + 0.25),
            f"a device that is {GRACE} days and 6 hours late, where the clock is behind UTC,",
            "a certificate's dates are in UTC: compare them with datetime.now(UTC)",
        )
    retired = desk.last_valid(days_ago=-80)
    desk.office.register[_NAME] = None
    yield desk.refuses(retired, "a retired device", "the register has None for it")


@contextmanager
def _in_zone(name: str) -> Iterator[None]:
    """Have the local time of another place; Windows knows no such change."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    change = getattr(time, "tzset", lambda: None)
    change()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        change()


def _forged(factory: Factory, desk: _Desk, own: Identity) -> str:
    """Let a thief ask who has the Device CA's key, and can write all but another's key."""
    copied, key = own.certificate, create_key()
    builder = x509.CertificateBuilder(
        issuer_name=copied.issuer,
        subject_name=copied.subject,
        public_key=key.public_key(),
        serial_number=copied.serial_number,
        not_valid_before=copied.not_valid_before_utc,
        not_valid_after=copied.not_valid_after_utc,
        extensions=[
            each for each in copied.extensions if each.oid != ExtensionOID.SUBJECT_KEY_IDENTIFIER
        ],
    )
    forged = Identity(key, builder.sign(factory.devices.key, SHA256()), factory.devices.chain)
    return desk.refuses(
        forged,
        "a thief who signs with the Device CA's stolen key, and copies all but the key,",
        "whoever signs writes any name, number and date: compare the whole certificate",
    )


def _other_names(desk: _Desk, own: Identity) -> Iterator[str]:
    """Let a device ask for names that are not its own."""
    other = "device-08"
    yield desk.refuses(own, f"{_NAME}, asking to be {other},", _WISHES, (f"CN={other}",))
    yield desk.refuses(
        own, f"{_NAME}, asking for {other} as well,", _WISHES, (f"CN={_NAME}", f"CN={other}")
    )
    yield desk.refuses(own, f"{_NAME}, asking for no name at all,", _WISHES, ())
    localhost = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    yield desk.refuses(
        own, f"{_NAME}, asking for localhost in the SAN,", _WISHES, wishes=(localhost,)
    )
