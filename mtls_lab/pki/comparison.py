"""Certificates and a key held against each other, and against the clock, as a verifier would.

Here: what does not fit, as names and words that data/findings.toml has sentences for. Not here:
the rules for a path (rules.py), reading files (pem.py, kinds.py), revocation lists (revocation.py),
and whether a finding explains an error (explaining/look.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import printable
from mtls_lab.pki.description import oid_name
from mtls_lab.pki.key_kinds import CURVES, identifier_of, public_key
from mtls_lab.pki.names import hosts_of, is_address
from mtls_lab.pki.rules import (
    PURPOSES,
    Look,
    extensions_of,
    in_path,
    is_ca,
    missing_purposes,
    span,
    told,
    unfit_for,
)
from mtls_lab.pki.signed import has_signed, is_checkable, is_signed_by

__all__ = ["beside", "compare", "path_of", "purposes_of"]

#: A longer path than a verifier follows; RFC 5280 knows no limit, a loop would be endless.
LONGEST = 20

#: The length from which a common program refuses a message (Java 17: 32 KB; OpenSSL: 100 KB).
LONG_MESSAGE = 32768
#: More certificates than this Java takes no more (jdk.tls.maxCertificateChainLength).
MANY = 10

#: Of the names in a certificate, so many are looked at.
MANY_NAMES = 100
#: And so many are shown.
SHOWN = 5
#: What a host name may hold, and what clients take beside it: a wildcard, and underscores.
HOST_NAME = re.compile(r"[\w.*-]+", re.ASCII)
#: A wildcard as OpenSSL takes it: one whole first label, and two more without an underscore.
WILDCARD = re.compile(r"\*(?:\.[a-zA-Z0-9-]+){2,}")


def compare(
    certificates: Sequence[x509.Certificate],
    key: object = None,
    cas: Sequence[x509.Certificate] = (),
    now: datetime | None = None,
) -> Iterator[Look]:
    """Give what does not fit, what a verifier would meet first before the rest.

    Args:
        certificates: a leaf and what is sent along, in their order.
        key: the private key, of any kind; None if it is not at hand.
        cas: what the verifier trusts; empty if it is not known.
        now: the time to verify at; default: this machine's clock.

    Example:
        >>> from mtls_lab.pki import CertificateAuthority
        >>> ca = CertificateAuthority.create("Lab CA")
        >>> device = ca.issue_client("device")
        >>> [look.name for look in compare([device.certificate], device.key, [ca.certificate])]
        ['not for servers']
    """
    now = now or datetime.now(UTC)
    yield from _pair(certificates, key, cas)
    if certificates:
        path, broken = path_of(certificates, cas, now)
        renewed = list(_renewed(certificates, now))
        yield from renewed
        dated = _dates(path, cas, now)
        yield from (look for look in dated if not (renewed and look.name == "expired"))
        yield from _leaf(path[0], alone=len(certificates) == 1)
        yield from _sent(certificates)
        # What is sent along may be wrong whatever the other side trusts.
        if broken and (cas or broken.words["holder"] == "cert"):
            yield broken
        yield from _names(certificates[0], cas)
        yield from in_path(path, cas)
    else:
        yield from _dates(cas, cas, now)
    yield from _cas(cas)


def beside(
    certificates: Sequence[x509.Certificate], cas: Sequence[x509.Certificate]
) -> Iterator[Look]:
    """Give what is right in itself, and wrong with some failures: hosts, and where a path leads."""
    if not certificates:
        return
    if hosts := hosts_of(extensions_of(certificates[0])):
        names = [printable(str(host)) for host in hosts]
        yield Look("hosts", {"hosts": _some(names), "all": " ".join(names)})
    path, broken = path_of(certificates, cas)
    if not broken and len(path) > 1 and path[-1] in cas:
        yield Look("leads to a ca", {"issuer": told(path[-1].subject)})


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + f" and {len(names) - SHOWN} more" * (len(names) > SHOWN)


def path_of(
    certificates: Sequence[x509.Certificate],
    cas: Sequence[x509.Certificate],
    now: datetime | None = None,
) -> tuple[list[x509.Certificate], Look | None]:
    """Return the path from the first certificate upwards, and why it ends before a trusted root."""
    now, trusted = now or datetime.now(UTC), set(cas)
    path = [certificates[0]]
    while len(path) < LONGEST:
        last = path[-1]
        if last in cas and last.issuer == last.subject:
            return path, None
        named = [c for c in (*cas, *certificates[1:]) if c.subject == last.issuer and c != last]
        # What is trusted comes first; of several certificates of one CA, one that is valid.
        named.sort(key=lambda c: (c not in trusted, not _is_valid(c, now)))
        issuer = next((c for c in named if is_signed_by(last, c) or has_signed(last, c)), None)
        if issuer is None:  # what cannot be checked is not called wrong
            issuer = next((c for c in named if _may_have_signed(last, c)), None)
        if issuer is not None and issuer not in path:
            path.append(issuer)
            continue
        words = {"subject": told(last.subject), "issuer": told(last.issuer)}
        words["trusted"] = _some(sorted({told(c.subject) for c in cas})) or "nothing"
        sent = named and not any(c in cas for c in named)
        words["holder"] = "cert" if sent else "ca"
        if last.issuer == last.subject:
            # Also of a root that is sent, and is not the trusted one of its name.
            name = "other key"
            if len(path) > 1 and any(c.subject == last.subject for c in cas):
                words["subject"] = told(path[-2].subject)
            elif is_signed_by(last, last) or not is_checkable(last, last):
                name = "self-signed" if len(path) == 1 else "root not trusted"
            else:
                name = _unsigned(last, [*named, last])
            return path, Look(name, words)
        if last in cas:
            return path, Look("no root" if len(path) > 1 or is_ca(last) else "leaf trusted", words)
        return path, Look(_unsigned(last, named) if named else "issuer missing", words)
    return path, None


def _may_have_signed(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    return not is_checkable(certificate, ca) and _unsigned(certificate, [ca]) != "other key"


def _unsigned(certificate: x509.Certificate, named: Sequence[x509.Certificate]) -> str:
    """Return why no CA of its issuer's name has signed it: the identifier of the key decides.

    Without one, or with one that a CA has not made of its key (RFC 5280, section 4.2.1.2), it may
    have been signed by a namesake, or changed afterwards.
    """
    authority = extensions_of(certificate).get(x509.AuthorityKeyIdentifier)
    its = authority.key_identifier if isinstance(authority, x509.AuthorityKeyIdentifier) else None
    subjects = (extensions_of(each).get(x509.SubjectKeyIdentifier) for each in named)
    given = {each.digest for each in subjects if isinstance(each, x509.SubjectKeyIdentifier)}
    made = {identifier_of(each) for each in named}
    if its is None or its in given - made:
        return "other key or altered"
    return "altered" if its in made else "other key"


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _pair(
    certificates: Sequence[x509.Certificate], key: object, cas: Sequence[x509.Certificate]
) -> Iterator[Look]:
    if key is None or not certificates or not hasattr(key, "public_key"):
        return
    mine = key.public_key()
    fits = [number for number, each in enumerate(certificates) if public_key(each) == mine]
    first = told(certificates[0].subject)
    if fits and fits[0] > 0:
        own = told(certificates[fits[0]].subject)
        yield Look("wrong order", {"first": first, "own": own, "number": str(fits[0] + 1)})
    elif not fits:
        of = next((told(ca.subject) for ca in cas if is_ca(ca) and public_key(ca) == mine), "")
        usage = extensions_of(certificates[0]).get(x509.KeyUsage)
        signs = isinstance(usage, x509.KeyUsage) and usage.key_cert_sign
        name = "key of a ca" if of else "ca for a leaf" if signs else "other pair"
        yield Look(name, {"first": first, "subject": of})


def _dates(
    path: Sequence[x509.Certificate], cas: Sequence[x509.Certificate], now: datetime
) -> Iterator[Look]:
    for each in path:
        first, last = each.not_valid_before_utc, each.not_valid_after_utc
        if not _is_valid(each, now):
            apart = now - last if now > last else first - now
            words = {"subject": told(each.subject), "apart": span(apart)}
            words["holder"] = "ca" if each in cas else "cert"
            above = "ca " if each != path[0] or each in cas else ""
            yield Look(above + ("expired" if now > last else "not yet valid"), words)


def _renewed(certificates: Sequence[x509.Certificate], now: datetime) -> Iterator[Look]:
    """A leaf that has expired, with the one that was to replace it behind it."""
    leaf = certificates[0]
    if leaf.not_valid_after_utc >= now:
        return
    for number, each in enumerate(certificates[1:], 2):
        if each.subject == leaf.subject != each.issuer and _is_valid(each, now):
            words = {"subject": told(leaf.subject), "apart": span(now - leaf.not_valid_after_utc)}
            yield Look("renewed behind", words | {"number": str(number)})
            return


def _leaf(leaf: x509.Certificate, *, alone: bool) -> Iterator[Look]:
    found = extensions_of(leaf)
    words = {"subject": told(leaf.subject)}
    usages = found.get(x509.ExtendedKeyUsage)
    if isinstance(usages, x509.ExtendedKeyUsage):
        words["usages"] = ", ".join(oid_name(usage) for usage in usages)
        yield from (Look(look, words) for look in missing_purposes(usages))
    for whom in unfit_for(leaf):
        yield Look(f"its type not for {whom}", words)
    bits = found.get(x509.KeyUsage)
    if isinstance(bits, x509.KeyUsage) and not bits.digital_signature:
        signer = bits.key_cert_sign and is_ca(leaf)
        yield Look("ca presented" if signer else "no digitalSignature", words)
    if is_ca(leaf):
        # `openssl req -x509` marks whatever it makes as a CA's; what signs others has keyUsage too.
        signs = isinstance(bits, x509.KeyUsage) and bits.key_cert_sign
        own = alone and leaf.issuer == leaf.subject and not signs
        yield Look("own certificate is a ca" if own else "leaf is a ca", words)
    key = public_key(leaf)
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in CURVES:
        yield Look("curve without a scheme", words | {"curve": key.curve.name})
    if isinstance(key, ed448.Ed448PublicKey):
        yield Look("rare key", words | {"kind": "Ed448"})


def _sent(certificates: Sequence[x509.Certificate]) -> Iterator[Look]:
    """What is wrong with the whole that is sent, and with a name that nobody can call."""
    size = sum(len(each.public_bytes(Encoding.DER)) for each in certificates)
    if size > LONG_MESSAGE or len(certificates) > MANY:
        yield Look("long message", {"number": str(len(certificates)), "size": str(size // 1024)})
    hosts = hosts_of(extensions_of(certificates[0]))
    for name in hosts[:MANY_NAMES]:
        if not isinstance(name, str):
            continue
        if is_address(name):
            yield Look("address as a name", {"name": name})
        elif not HOST_NAME.fullmatch(name):
            yield Look("no host name", {"name": printable(name)})
        elif "*" in name and not WILDCARD.fullmatch(name):
            yield Look("wildcard for nobody", {"name": name})
    if not hosts and "servers" in purposes_of(certificates[0]) and not is_ca(certificates[0]):
        yield Look("no host", {"subject": told(certificates[0].subject)})


def purposes_of(certificate: x509.Certificate) -> set[str]:
    """Return whom a certificate is for by its extendedKeyUsage: `clients`, `servers`."""
    usages = extensions_of(certificate).get(x509.ExtendedKeyUsage)
    if not isinstance(usages, x509.ExtendedKeyUsage):
        return set(PURPOSES)
    return {whom for whom, oid in PURPOSES.items() if oid in usages}


def _names(leaf: x509.Certificate, cas: Sequence[x509.Certificate]) -> Iterator[Look]:
    words = {"subject": told(leaf.subject)}
    if leaf not in cas and any(ca.subject == leaf.subject for ca in cas):
        yield Look("leaf named like its ca", words)


def _cas(cas: Sequence[x509.Certificate]) -> Iterator[Look]:
    if cas and all(ca.issuer != ca.subject for ca in cas):
        words = {"subject": told(cas[0].subject), "issuer": told(cas[0].issuer)}
        yield Look("ca file without a root", words)
    seen: dict[x509.Name, object] = {}
    for ca in cas:
        key = public_key(ca)
        if ca.subject in seen and seen[ca.subject] != key:
            yield Look("two cas of one name", {"subject": told(ca.subject)})
        seen[ca.subject] = key
