"""What the checks of Part 4 say to work that is untouched, wrong, unsafe and right."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from mtls_lab import checks
from mtls_lab.enrolment import Asked, names_in
from mtls_lab.exercises import Outcome
from tests.unit.exercises.verdicts import Attempts, Hold, logs_keys, named

NOT_YET, UNSAFE, RIGHT = Outcome.NOT_YET, Outcome.UNSAFE, Outcome.RIGHT
NOT_ATTEMPTED = Outcome.NOT_ATTEMPTED
PARTIAL, LIST = ssl.VERIFY_X509_PARTIAL_CHAIN, ssl.VERIFY_CRL_CHECK_LEAF


def untouched(*_: object) -> Any:
    return ...


# --- 1. Trust one CA below the root


def backend(folder: Path, flags: int, *trusted: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    for name in trusted:
        context.load_verify_locations(cafile=folder / name)
    context.verify_flags |= ssl.VerifyFlags(flags)
    return context


def trust_devices(folder: Path) -> ssl.SSLContext:
    return backend(folder, PARTIAL | LIST, "device_ca.pem", "device_ca.crl")


def optional(folder: Path) -> ssl.SSLContext:
    context = trust_devices(folder)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def the_whole_chain_checked(folder: Path) -> ssl.SSLContext:
    flags = PARTIAL | ssl.VERIFY_CRL_CHECK_CHAIN
    return backend(folder, flags, "device_ca.pem", "device_ca.crl")


def every_cipher(folder: Path) -> ssl.SSLContext:
    context = trust_devices(folder)
    context.set_ciphers("ALL:eNULL:@SECLEVEL=0")
    return context


TRUST: Attempts = {
    **named(NOT_ATTEMPTED, untouched),
    "no flag": (lambda f: backend(f, LIST, "device_ca.pem", "device_ca.crl"), NOT_YET),
    "no list": (lambda f: backend(f, PARTIAL | LIST, "device_ca.pem"), NOT_YET),
    "no CA": (lambda f: backend(f, PARTIAL), NOT_YET),
    "the client's side": (
        lambda f: ssl.create_default_context(cafile=f / "device_ca.pem"),
        NOT_YET,
    ),
    "the root": (lambda f: backend(f, LIST, "device_root.pem", "device_ca.crl"), UNSAFE),
    "a log of keys": (
        logs_keys(lambda f: backend(f, PARTIAL | LIST, "device_ca.pem", "device_ca.crl")),
        UNSAFE,
    ),
    "the root too": (
        lambda f: backend(f, PARTIAL, "device_root.pem", "device_ca.pem", "device_ca.crl"),
        UNSAFE,
    ),
    "a list that is not checked": (
        lambda f: backend(f, PARTIAL, "device_ca.pem", "device_ca.crl"),
        UNSAFE,
    ),
    "any day": (
        lambda f: backend(f, PARTIAL | LIST | 0x200000, "device_ca.pem", "device_ca.crl"),
        UNSAFE,
    ),
    **named(UNSAFE, optional, every_cipher),
    **named(RIGHT, trust_devices),
}


@pytest.mark.parametrize("name", TRUST)
def test_trust_devices(name: str, hold: Hold) -> None:
    function, outcome = TRUST[name]
    hold(checks.trust_devices(function), outcome)


# --- 2. Who may enrol?

OTHER, OLD, LATE = "another name", "not the current one", "too late"


def days_late(asked: Asked) -> float:
    return (datetime.now(UTC) - asked.certificate.not_valid_after_utc) / timedelta(days=1)


def late_by_its_first_day(asked: Asked) -> bool:
    """As if each certificate was good for 90 days."""
    return datetime.now(UTC) - asked.certificate.not_valid_before_utc > timedelta(days=120)


def decides(*conditions: Callable[[Asked], bool]) -> Callable[[Asked], str | None]:
    """A rule that refuses where one of these holds."""

    def may_enrol(asked: Asked) -> str | None:
        return "refused" if any(holds(asked) for holds in conditions) else None

    return may_enrol


def other_name(asked: Asked) -> bool:
    return names_in(asked.csr) != names_in(asked.certificate)


def not_current(asked: Asked) -> bool:
    return asked.certificate != asked.registered


def too_late(asked: Asked) -> bool:
    return days_late(asked) > 30


def late_by_the_wall(asked: Asked) -> bool:
    """It compares the local time with UTC."""
    until = asked.certificate.not_valid_after_utc.replace(tzinfo=None)
    return datetime.now() - until > timedelta(days=30)  # noqa: DTZ005 - that is the point


def one_name_fits(asked: Asked) -> bool:
    return names_in(asked.certificate)[0] not in names_in(asked.csr)


def no_such_name(asked: Asked) -> bool:
    """Takes every name that is asked for: no name at all passes."""
    return not set(names_in(asked.csr)) <= set(names_in(asked.certificate))


def copied_by(*fields: str) -> Callable[[Asked], bool]:
    """Compare the certificates by what somebody else can write."""

    def differs(asked: Asked) -> bool:
        return asked.registered is None or any(
            getattr(asked.certificate, each) != getattr(asked.registered, each) for each in fields
        )

    return differs


def another_fingerprint(asked: Asked) -> bool:
    if asked.registered is None:
        return True
    one, other = (
        each.fingerprint(hashes.SHA256()) for each in (asked.certificate, asked.registered)
    )
    return one != other


def another_key(asked: Asked) -> bool:
    registered = asked.registered
    return registered is None or asked.certificate.public_key() != registered.public_key()


def as_part_3_had_it(asked: Any) -> bool:
    return bool(int(asked.certificate["serialNumber"], 16) != asked.registered)


def says_true(asked: Asked) -> bool:
    return not (other_name(asked) or not_current(asked) or too_late(asked))


def waits_for_ever(_asked: Asked) -> None:
    while True:
        pass


ENROL: Attempts = {
    **named(NOT_ATTEMPTED, untouched),
    **named(NOT_YET, says_true),
    "the certificate as Part 3 had it": (
        decides(as_part_3_had_it),
        NOT_YET,
    ),
    "nobody who is late": (
        decides(other_name, not_current, lambda asked: days_late(asked) > 0),
        NOT_YET,
    ),
    "an error": (lambda asked: asked.no_such_thing, NOT_YET),
    "an empty reason": (lambda _asked: "", NOT_YET),
    "the time on the wall": (decides(other_name, not_current, late_by_the_wall), UNSAFE),
    "everybody": (decides(), UNSAFE),
    "no names": (decides(not_current, too_late), UNSAFE),
    "one name fits": (decides(one_name_fits, not_current, too_late), UNSAFE),
    "the first name fits": (
        decides(
            lambda asked: names_in(asked.csr)[:1] != names_in(asked.certificate)[:1],
            not_current,
            too_late,
        ),
        UNSAFE,
    ),
    "the common names fit": (
        decides(lambda a: a.csr.subject.rfc4514_string() != "CN=device-07", not_current, too_late),
        UNSAFE,
    ),
    "some of the names": (decides(no_such_name, not_current, too_late), UNSAFE),
    "the serial number": (decides(other_name, copied_by("serial_number"), too_late), UNSAFE),
    "issuer and serial number": (
        decides(other_name, copied_by("issuer", "serial_number"), too_late),
        UNSAFE,
    ),
    "issuer, subject and dates": (
        decides(other_name, copied_by("issuer", "subject", "not_valid_after_utc"), too_late),
        UNSAFE,
    ),
    "no register": (decides(other_name, too_late), UNSAFE),
    "whoever is not retired": (
        decides(other_name, too_late, lambda asked: asked.registered is None),
        UNSAFE,
    ),
    "whole days": (
        decides(other_name, not_current, lambda asked: int(days_late(asked)) > 30),
        UNSAFE,
    ),
    "by its first day": (
        decides(other_name, not_current, late_by_its_first_day),
        NOT_YET,
    ),
    "as late as you like": (decides(other_name, not_current), UNSAFE),
    "retired is unknown": (
        decides(
            other_name,
            too_late,
            lambda asked: asked.registered is not None and not_current(asked),
        ),
        UNSAFE,
    ),
    "all three": (decides(other_name, not_current, too_late), RIGHT),
    "the fingerprint": (decides(other_name, another_fingerprint, too_late), RIGHT),
    "the key": (decides(other_name, another_key, too_late), RIGHT),
}


@pytest.mark.parametrize("name", ENROL)
def test_may_enrol(name: str, hold: Hold) -> None:
    function, outcome = ENROL[name]
    hold(checks.may_enrol(function), outcome)


def test_a_rule_that_does_not_end(hold: Hold, hurry: Callable[..., Any]) -> None:
    hold(checks.may_enrol(hurry(waits_for_ever, 0)), NOT_YET)


# --- 3. Reload what a running backend trusts


def reloaded(current: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    try:
        return trust_devices(folder)
    except OSError:
        return current


def raises(_current: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    return trust_devices(folder)


def only_tls_errors(current: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    try:
        return trust_devices(folder)
    except ssl.SSLError:
        return current


def never(current: ssl.SSLContext, _folder: Path) -> ssl.SSLContext:
    return current


def into_the_current_one(current: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    """Adds the new CA to the old one."""
    try:
        trust_devices(folder)
    except OSError:
        return current
    for name in ("device_ca.pem", "device_ca.crl"):
        current.load_verify_locations(cafile=folder / name)
    current.verify_flags |= LIST
    return current


def without_the_list_if_need_be(current: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    try:
        return trust_devices(folder)
    except OSError:
        pass
    try:
        return backend(folder, PARTIAL, "device_ca.pem")
    except OSError:
        return current


def nobody_if_need_be(_current: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    try:
        return trust_devices(folder)
    except OSError:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def the_root(current: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    try:
        return backend(folder, LIST, "device_root.pem", "device_ca.crl")
    except OSError:
        return current


def nothing(_current: ssl.SSLContext, folder: Path) -> None:
    trust_devices(folder)


RELOADED: Attempts = {
    **named(NOT_ATTEMPTED, untouched),
    **named(NOT_YET, raises, only_tls_errors, never, nobody_if_need_be, nothing),
    **named(UNSAFE, into_the_current_one, without_the_list_if_need_be, the_root),
    **named(RIGHT, reloaded),
}


@pytest.mark.parametrize("name", RELOADED)
def test_reloaded(name: str, hold: Hold) -> None:
    function, outcome = RELOADED[name]
    hold(checks.reloaded(function), outcome)


# --- 4. Roll the CA under a fleet


def never_drops(fleet: Any) -> None:
    fleet.trust("both")
    fleet.sign_with("CA 2")
    waiting = list(fleet.names)
    while waiting:
        waiting = [name for name in waiting if not fleet.renew(name)]


def in_order(fleet: Any) -> None:
    never_drops(fleet)
    fleet.trust("CA 2")


def asks_once(fleet: Any) -> None:
    fleet.trust("both")
    fleet.sign_with("CA 2")
    for name in fleet.names:
        fleet.renew(name)


def drops_too_early(fleet: Any) -> None:
    asks_once(fleet)
    fleet.trust("CA 2")


def begins_with_the_new_one(fleet: Any) -> None:
    fleet.trust("CA 2")
    fleet.sign_with("CA 2")


def issues_before_it_is_trusted(fleet: Any) -> None:
    fleet.sign_with("CA 2")
    for name in fleet.names:
        fleet.renew(name)
    fleet.trust("both")


def issues_just_before_it_is_trusted(fleet: Any) -> None:
    fleet.sign_with("CA 2")
    in_order(fleet)


def another_word(fleet: Any) -> None:
    fleet.trust("all")


def does_nothing(fleet: Any) -> object:
    return fleet.names


ROLLED: Attempts = {
    "untouched": (untouched, NOT_ATTEMPTED),
    **named(NOT_YET, asks_once, drops_too_early, begins_with_the_new_one),
    **named(NOT_YET, issues_before_it_is_trusted, issues_just_before_it_is_trusted),
    **named(NOT_YET, another_word, does_nothing),
    **named(UNSAFE, never_drops),
    **named(RIGHT, in_order),
}


@pytest.mark.parametrize("name", ROLLED)
def test_roll_over(name: str, hold: Hold) -> None:
    function, outcome = ROLLED[name]
    hold(checks.roll_over(function), outcome)
