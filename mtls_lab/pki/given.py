"""What a caller gives, held to its kind before anything is signed: the likely slips, told at once.

Here: certificates, requests, names and days. Not here: whether a certificate is right, which is
the lesson (comparison.py), and files (pem.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from cryptography import x509

from mtls_lab.errors import LabError, kind_of

__all__ = [
    "expect_certificate",
    "expect_days",
    "expect_name",
    "expect_names",
    "expect_request",
    "expect_written",
]

#: The characters of a common name, at most (RFC 5280, appendix A.1: ub-common-name).
LONGEST = 64


def expect_certificate(thing: object, call: str) -> None:
    """Hold what `call` is given to being a certificate. Raises LabError."""
    _expect(thing, x509.Certificate, call, "a certificate", "pem.read_certificate({})")


def expect_request(thing: object) -> None:
    """Hold what `sign` is given to being a signing request. Raises LabError."""
    read = "x509.load_pem_x509_csr(Path({}).read_bytes())"
    _expect(thing, x509.CertificateSigningRequest, "sign", "a signing request", read)


def expect_written(things: Sequence[object], kind: Any, call: str, what: str) -> None:
    """Hold what `call` is to write, behind the name of the file, to its kind. Raises LabError."""
    wrong = [each for each in things if not isinstance(each, kind)] if things else [None]
    if wrong:
        raise LabError(
            f"{call} was given {kind_of(wrong[0])} to write",
            f"the name of a file, then {what}",
            f"write {call}(path, …), with {what} in the second place",
        )


def _expect(thing: object, kind: type, call: str, what: str, read: str) -> None:
    if isinstance(thing, kind):
        return
    todo = f"give {what}; {read.format('file')} reads one"
    if isinstance(thing, str | os.PathLike):
        todo = f"read the file first: {read.format(repr(os.fspath(thing)))}"
    elif isinstance(getattr(thing, "certificate", None), kind):
        todo = f"give what is in it: {call}(….certificate)"
    raise LabError(f"{call} was given {kind_of(thing)}", what, todo)


def expect_name(name: object) -> None:
    """Hold a common name to being one. Raises LabError."""
    if isinstance(name, str) and 0 < len(name) <= LONGEST:
        return
    found = f"a name of {len(name)} characters" if isinstance(name, str) else kind_of(name)
    raise LabError(
        found, f"a common name of 1 to {LONGEST} characters", 'give a short one, such as "device-7"'
    )


def expect_names(names: Iterable[object]) -> None:
    """Hold names for subjectAltName to being such. Raises LabError."""
    for name in names:
        if not isinstance(name, str):
            raise LabError(
                f"{kind_of(name)} among the names", "host names and addresses, each a text",
                'put it in quotes: ["localhost", "127.0.0.1"]',
            )  # fmt: skip
        if not name.isascii():
            try:
                spelled = f'write "{name.encode("idna").decode()}", as the DNS has it'
            except UnicodeError:
                spelled = "give the host's name as the DNS has it"
            raise LabError(f"the name {name!r}", "a name in ASCII (RFC 5280, section 7.2)", spelled)


def expect_days(days: Any) -> float:
    """Hold days to a number from 0 on, and return it. Raises LabError."""
    if isinstance(days, int | float) and days >= 0:
        return float(days)
    raise LabError(
        f"{days} days" if isinstance(days, int | float) else f"{kind_of(days)} as days",
        "a number from 0 on",
        "for one that has expired, write issue(…, valid_days=(-30, -1))",
    )
