"""Exercise of Part 3: let one device speak, by its name.

Here: the check, and devices of the same CA with other names. Not here: what all checks share (the
folder above).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any

from mtls_lab.common import kind_of
from mtls_lab.exercises.calling import LIMIT, Called, Rule
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import SECRET, server_context, strict_device
from mtls_lab.exercises.refusals import served
from mtls_lab.exercises.requests import Names, request
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, create_key
from mtls_lab.wire import Exchange

__all__ = ["authorize"]

_PART = "part of a name, or a name that looks like it, is a different name"
_ONLY_CN = "the organization says where a device belongs, the common name which one it is"
_ONE = "a certificate with two names is not the device with one name"
_TWICE = "“only” means one: a subject with two common names is not what your CA gave the device"
_SAYS_NO = "whether an exception means no is the server's choice: say False"
_LATER = "what runs later decides nothing now: write def and return, without async and yield"
_INSIDE = "one RDN may hold several pairs, and any of them may be a common name"
#: Devices of the same CA: what stands in the subject, and why that one may not speak.
_OTHERS: tuple[tuple[Names, str], ...] = (
    (("CN=not-trusted-client",), _PART),
    (("CN=trusted-client-2",), _PART),
    (("CN=Trusted-Client",), _PART),
    (("CN=client",), _PART),
    (("CN=trusted-client ",), _PART),
    (("O=trusted-client", "CN=mallory"), _ONLY_CN),
    (("CN=mallory", "CN=trusted-client"), _ONE),
    (("CN=trusted-client", "CN=mallory"), _ONE),
    (("CN=trusted-client", "CN=trusted-client"), _TWICE),
    (("CN=trusted-", "CN=client"), _ONE),
    (("CN=trusted-client", "O=Lab+CN=mallory"), _INSIDE),
    (("O=trusted-client",), _ONLY_CN),
)

#: At what a rule may cut a name: the marks of paths, addresses, lists and lines, and the zero byte
#: that ends a text in C.
_MARKS = " ./\\:;,|@=#\0\t\n"
#: What such a rule, a pattern, or a rule that evens out letters takes for the right name.
_ALIKE = (
    *(f"trusted-client{mark}mallory" for mark in _MARKS),
    *(f"mallory{mark}trusted-client" for mark in _MARKS),
    *(" trusted-client", "trusted-client\0", "trusted_client", "trusted-*"),
    *("trusted-client\n", "trusted-client\N{LATIN SMALL LETTER U WITH DIAERESIS}"),
    "\N{FULLWIDTH LATIN SMALL LETTER T}rusted-client",
)
#: How a sentence shows what prints nothing.
_SEEN = str.maketrans(" \0\t\n", "␣␀␉␤")


@exercise("a function authorize(certificate)")
def authorize(function: Callable[..., Any]) -> Iterator[str]:
    """Let one device speak, by its name."""
    ca, rule = CertificateAuthority.create("Lab CA"), Rule(function)
    own = server_context(ca.issue_server(["localhost"]), client_ca=ca.certificate)
    own.verify_mode = ssl.CERT_OPTIONAL
    with Backend(own, authorize=rule, secret=SECRET) as backend:

        def visit(names: Names) -> Exchange:
            key = create_key()
            signed = ca.sign(request(key, names), Purpose.CLIENT) if names else None
            device = strict_device(ca.certificate, Identity(key, signed) if signed else None)
            # Longer than a call of the rule may take.
            return ask("GET_SECRET", backend, context=device, timeout=2 * LIMIT)

        exchange, who = visit(("CN=trusted-client",)), "the device with CN=trusted-client"
        rule.returned(who, "the subject is a tuple of tuples of pairs; print one, and look")
        if isinstance(rule.ended, Called) and rule.ended.value is None:
            raise NotYet(f"for {who}, {rule.ended.name} returned None", "it returns True or False")
        served(exchange)
        yield f"{who} is served"
        nobody: tuple[Names, str] = (), "without a certificate, nothing has been proved"
        for names, why in (*_OTHERS, nobody):
            exchange, who = visit(names), _called(names)
            if exchange.ok:
                raise _believed(rule, who, why)
            rule.returned(who, _SAYS_NO)
            yield f"{who} is refused"
        for name in _ALIKE:
            exchange, who = visit(alike := (f"CN={name}",)), _called(alike)
            if exchange.ok:
                raise _believed(rule, who, _PART)
            rule.returned(who, _SAYS_NO)
        yield f"{len(_ALIKE)} devices are refused whose names only look like it"
        exchange, who = visit(in_lab := ("O=Lab", "CN=trusted-client")), _called(in_lab)
        rule.returned(who, "a subject may hold more than a common name")
        if not exchange.ok:
            raise NotYet(f"{who} is refused, and its only common name is the right one", _ONLY_CN)
        yield f"{who} is served"


def _believed(rule: Rule, who: str, why: str) -> Unsafe:
    value = rule.ended.value if isinstance(rule.ended, Called) else None
    if isinstance(value, Generator | Coroutine):
        told = f"{who} got {SECRET!r}: your function returned {kind_of(value)}, which counts as yes"
        return Unsafe(told, _LATER)
    return Unsafe(f"{who} got {SECRET!r}", why)


def _called(names: Names) -> str:
    if not names:
        return "a device without a certificate (None)"
    return "a device with " + " and ".join(each.translate(_SEEN) for each in names)
