"""The exercise of Part 3 on the stolen session: every way to close that door, and to leave it open.

Here: what the check finds, with the real OpenSSL. Not here: the theft itself (test_thief.py), and
the other exercises (test_part3.py).
"""

import ssl
from pathlib import Path
from typing import Any

import pytest

from mtls_lab import checks
from mtls_lab.exercises import Outcome
from mtls_lab.net import forbid_resumption
from mtls_lab.pki import pem
from tests.unit.exercises.verdicts import Attempts, Hold, named

NOT_YET, UNSAFE, RIGHT = Outcome.NOT_YET, Outcome.UNSAFE, Outcome.RIGHT


def backend(folder: Path, kind: type[ssl.SSLContext] = ssl.SSLContext) -> ssl.SSLContext:
    """As exercise 2 leaves it."""
    context = kind(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=folder / "client_ca.pem")
    return context


def changed(folder: Path, **attributes: Any) -> ssl.SSLContext:
    context = backend(folder)
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NO_TICKET = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).options | ssl.OP_NO_TICKET


class NeverTwice(ssl.SSLContext):
    """Each connection gets a context that knows no session: whatever is presented is declined."""

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        fresh.load_cert_chain(*self.files)
        fresh.verify_mode = ssl.CERT_REQUIRED
        fresh.load_verify_locations(cadata=b"".join(self.get_ca_certs(binary_form=True)))
        return fresh.wrap_socket(*arguments, **options)

    files: tuple[Path, Path]


def never_twice(folder: Path) -> ssl.SSLContext:
    """Right in TLS 1.2 too."""
    context = backend(folder, NeverTwice)
    assert isinstance(context, NeverTwice)
    files = folder / "server.crt", folder / "server.key"
    context.files = pem.read_identity(*files).save(Path(), "kept")
    return context


def without_a_certificate(folder: Path) -> ssl.SSLContext:
    """OpenSSL calls that a version which it does not speak."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=folder / "client_ca.pem")
    forbid_resumption(context)
    return context


class RefusesWhoResumes(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature
        super().do_handshake(block)
        if self.session_reused:
            raise PermissionError("resumed")


def swaps_its_context(folder: Path) -> ssl.SSLContext:
    """Too late: OpenSSL has looked at the session before it asks for another context."""
    context, other = backend(folder), backend(folder)
    forbid_resumption(other)

    def swap(connection: ssl.SSLSocket | ssl.SSLObject, *_: object) -> None:
        connection.context = other

    context.sni_callback = swap
    return context


def with_old_ciphers(folder: Path) -> ssl.SSLContext:
    """In TLS 1.2 it speaks only what Python's own clients no longer offer."""
    context = changed(folder, num_tickets=0, minimum_version=TLS_1_2)
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    return context


HARDENED: Attempts = {
    "as in exercise 2": (backend, UNSAFE),
    "no tickets": (lambda each: changed(each, num_tickets=0), UNSAFE),
    "no ticket, misspelled": (
        lambda each: changed(each, minimum_version=TLS_1_3, num_ticket=0),
        NOT_YET,
    ),
    "TLS 1.3 only": (lambda each: changed(each, minimum_version=TLS_1_3), UNSAFE),
    **named(UNSAFE, with_old_ciphers),
    # A ticket is then no more than an ID, and the backend keeps the session.
    "OP_NO_TICKET in TLS 1.3": (
        lambda each: changed(each, minimum_version=TLS_1_3, options=NO_TICKET),
        UNSAFE,
    ),
    "OP_NO_TICKET and no tickets": (
        lambda each: changed(each, num_tickets=0, options=NO_TICKET),
        UNSAFE,
    ),
    "OP_NO_TICKET in TLS 1.2": (
        lambda each: changed(each, maximum_version=TLS_1_2, options=NO_TICKET),
        UNSAFE,
    ),
    **named(UNSAFE, swaps_its_context),
    "CERT_OPTIONAL": (
        lambda each: changed(
            each, minimum_version=TLS_1_3, num_tickets=0, verify_mode=ssl.CERT_OPTIONAL
        ),
        UNSAFE,
    ),
    "any day": (
        lambda each: changed(
            each,
            minimum_version=TLS_1_3,
            num_tickets=0,
            verify_flags=ssl.VerifyFlags(0x200000),  # X509_V_FLAG_NO_CHECK_TIME
        ),
        UNSAFE,
    ),
    **named(NOT_YET, without_a_certificate),
    "CERT_NONE": (
        lambda each: changed(
            each, minimum_version=TLS_1_3, num_tickets=0, verify_mode=ssl.CERT_NONE
        ),
        NOT_YET,
    ),
    # A device that offers a session does nothing wrong.
    "a socket that refuses whoever resumes": (
        lambda each: changed(each, sslsocket_class=RefusesWhoResumes),
        NOT_YET,
    ),
    "no tickets, TLS 1.3 only": (
        lambda each: changed(each, minimum_version=TLS_1_3, num_tickets=0),
        RIGHT,
    ),
    **named(RIGHT, never_twice),
}


@pytest.mark.parametrize("name", HARDENED)
def test_hardened_backend(
    name: str, hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    function, outcome = HARDENED[name]
    hold(checks.hardened_backend(function), outcome)
