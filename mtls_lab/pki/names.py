"""The names in a certificate: which hosts it is for, and whether its CA may sign for them.

Here: subjectAltName and nameConstraints as values (RFC 5280, sections 4.2.1.6 and 4.2.1.10). Not
here: what a verifier makes of them (rules.py, comparison.py), and writing names (leaf.py).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography import x509

__all__ = ["covers", "hosts_of", "is_address", "outside"]

#: The types of names that a CA may be limited to, and how each is called in a sentence.
TYPES: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "",
    x509.IPAddress: "IP ",
    x509.RFC822Name: "email ",
    x509.UniformResourceIdentifier: "URI ",
    x509.DirectoryName: "subject ",
}


#: So many comparisons are made of the names in a certificate with those that a CA may sign for.
MOST = 1 << 18
#: Of the names that a CA may sign for, so many are told.
SHOWN = 20


def is_address(name: str) -> bool:
    """Whether a host is an IP address: then there is no SNI (RFC 6066, section 3).

    Example:
        >>> is_address("127.0.0.1"), is_address("localhost")
        (True, False)
    """
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def hosts_of(extensions: Mapping[type, object]) -> list[Any]:
    """Return the host names, each a text, and the addresses that a client may call."""
    names = extensions.get(x509.SubjectAlternativeName)
    if not isinstance(names, x509.SubjectAlternativeName):
        return []
    return [
        *names.get_values_for_type(x509.DNSName),
        *names.get_values_for_type(x509.IPAddress),
    ]


def covers(host: str, called: str) -> bool:
    """Whether a name in a certificate is for the host that is called, as clients compare them.

    Example:
        >>> covers("*.example.com", "www.example.com"), covers("*.example.com", "example.com")
        (True, False)
    """
    host, called = host.lower(), called.lower()
    star, _, rest = host.partition(".")
    return host == called or (star == "*" and bool(rest) and called.partition(".")[2] == rest)


def outside(
    constraints: x509.NameConstraints, subject: x509.Name, extensions: Mapping[type, object]
) -> Iterator[tuple[str, str]]:
    """Give the first name that a CA may not sign for, with the limits of its type, as texts.

    Args:
        constraints: those of the CA.
        subject: of a certificate below it.
        extensions: of the same certificate, by their classes.
    """
    alternative = extensions.get(x509.SubjectAlternativeName)
    names = list(alternative) if isinstance(alternative, x509.SubjectAlternativeName) else []
    if list(subject):
        names.append(x509.DirectoryName(subject))
    limits = {kind: _limits(constraints, kind) for kind in TYPES}
    # OpenSSL compares no more either, and refuses (NAME_CHECK_MAX in crypto/x509/v3_ncons.c).
    if len(names) * sum(len(each) for both in limits.values() for each in both) > MOST:
        return
    for name in names:
        kind = type(name)
        if kind not in TYPES:
            continue
        permitted, excluded = limits[kind]
        refused = permitted and not any(_within(name.value, base) for base in permitted)
        if refused or any(_within(name.value, base) for base in excluded):
            only, but = (", ".join(map(_text, bases[:SHOWN])) for bases in limits[kind])
            text = f"{TYPES[kind]}{only} only" if only else "all"
            yield TYPES[kind] + _text(name.value), text + f" but {TYPES[kind]}{but}" * bool(but)
            return  # one is enough


def _limits(
    constraints: x509.NameConstraints, kind: type[x509.GeneralName]
) -> tuple[list[Any], list[Any]]:
    """What a CA may sign for, and what it may not, of names of one type."""
    permitted, excluded = (
        [each.value for each in subtrees or () if isinstance(each, kind)]
        for subtrees in (constraints.permitted_subtrees, constraints.excluded_subtrees)
    )
    return permitted, excluded


def _within(name: Any, base: Any) -> bool:
    """Whether a name is in a subtree, by the rules of its type."""
    if isinstance(base, x509.Name):
        return list(name.rdns)[: len(base.rdns)] == list(base.rdns)
    if not isinstance(base, str):
        return getattr(name, "version", 0) == base.version and name in base
    name, base = name.lower(), base.lower()
    if "://" in name:
        name = name.partition("://")[2].split("/")[0].split(":")[0].rpartition("@")[2]
    if "@" in name and "@" not in base:
        name = name.rpartition("@")[2]
    base = base.lstrip(".")
    return not base or name == base or name.endswith(f".{base}")


def _text(value: Any) -> str:
    return value.rfc4514_string() if isinstance(value, x509.Name) else str(value)
