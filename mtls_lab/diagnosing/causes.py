"""The sentences of data/diagnoses.toml, filled with what was seen.

Here: one way to make a cause. Not here: which cause it is (judging.py, refusal.py).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from cryptography.x509.oid import NameOID

from mtls_lab.common import host_and_port, printable, read_facts
from mtls_lab.diagnosing.attempts import Attempt
from mtls_lab.diagnosing.probing import Seen
from mtls_lab.diagnosing.value import Cause
from mtls_lab.explaining import Explanation
from mtls_lab.explaining.wording import shown
from mtls_lab.pki.bundles import is_pkcs12
from mtls_lab.pki.containers import is_container
from mtls_lab.pki.keystores import is_keystore
from mtls_lab.pki.names import is_address
from mtls_lab.pki.rules import told
from mtls_lab.wire import Failure, Stage

__all__ = [
    "advice",
    "another_user",
    "cause",
    "explained",
    "how_it_ended",
    "in_words",
    "listed",
    "login",
    "quoted",
    "sentence",
]

#: Names of CAs that are listed, and characters of what a server said.
MOST, QUOTED = 5, 120
#: A server's first frame in HTTP/2, after its length: its type, flags and stream (RFC 9113, 6.5).
SETTINGS = b"\x04\x00\x00\x00\x00\x00"
#: How an attempt ended after its handshake.
ENDS = {
    "closed": ", then the server hung up",
    "reset": ", then the server reset the connection",
    "garbled": ", then a record that cannot be decrypted",
    "quiet": "; the server waits for a request",
}


def cause(
    name: str, seen: Seen, evidence: Iterable[str] = (), *, certain: bool = False, **words: str
) -> Cause:
    """Make a cause of the data file; `words` are the names in its sentences."""
    entry = _causes()[name]
    text = _words(seen) | words
    shell = _shell(seen)
    return Cause(
        name,
        entry["kind"],
        _ended(entry["says"].format_map(text)),
        entry["fix"].format_map(text).strip(),
        words.get("check", "") or entry.get("command", "").format_map(shell),
        tuple(evidence),
        certain,
    )


def explained(name: str, seen: Seen, told_: Explanation, evidence: Iterable[str] = ()) -> Cause:
    """Make a cause of what `explain` says."""
    words = {"what": told_.what, "why": told_.why, "fix": told_.fix, "check": told_.command}
    return cause(name, seen, evidence, certain=name == "file", **words)


def advice(protocol: str) -> str:
    """Return what to do about a server that speaks this protocol."""
    found: dict[str, str] = read_facts("diagnoses")["advice"]
    return found.get(protocol, found["other"])


def login(seen: Seen) -> Iterator[str]:
    """Give what decides after TLS in this protocol, and what tries it, where TLS went well."""
    served = any(each.end in {"quiet", "said"} for each in seen.attempts)
    text = read_facts("diagnoses")["login"].get(seen.starttls)
    if text and served and seen.requested and not seen.asked:
        yield f"not tried: {text.format_map(_shell(seen) | {'port': seen.port})}"


def another_user(seen: Seen) -> str:
    """Return that the user of a URL is not the name in our certificate, where that may decide."""
    if not (seen.user and seen.requested and seen.own.chain and seen.starttls == "postgres"):
        return ""
    names = seen.own.chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if names and names[0].value == seen.user:
        return ""
    cn = f"the CN of the certificate is {printable(str(names[0].value))}" if names else ""
    return (
        f"{printable(seen.user)}, and {cn or 'the certificate has no CN'}: the method cert refuses "
        "that unless pg_hba.conf gives it a map (pg_ident.conf), and clientcert=verify-full always"
    )


def how_it_ended(tried: Attempt) -> str:
    """Return in a few words how an attempt ended."""
    where = "at the first read" if tried.stage is Stage.FIRST_READ else "in the handshake"
    if tried.alert:
        return f"alert {tried.alert} {where}"
    if tried.heard[3:9] == SETTINGS:
        return "handshake; the server speaks HTTP/2"
    if tried.end == "said":
        return f"handshake; the server says {quoted(tried.heard)}"
    if tried.end:
        return f"handshake{ENDS[tried.end]}"
    return f"{in_words(tried.failure)} {where}" if tried.failure else "handshake"


def in_words(failure: Failure) -> str:
    """Return a failure of our own in a few words."""
    if failure.verify_code is not None:
        return f"{printable(failure.verify_message)} (verify code {failure.verify_code})"
    if failure.reason == "UNEXPECTED_EOF_WHILE_READING":
        return "the server hung up"
    if failure.reason == "TIMED_OUT":
        return "no answer in time"
    if failure.error == "gaierror":  # its reason differs from system to system
        return printable(failure.text.split("] ", 1)[-1])[:QUOTED]
    return printable(failure.reason or failure.text)[:QUOTED]


def quoted(data: bytes) -> str:
    r"""Return the beginning of what a server said, made harmless.

    Example:
        >>> print(quoted(bytes((32, 2, 0))))
        ' \u0002\u0000'
    """
    text = data[: QUOTED * 2].decode("utf-8", "backslashreplace")
    first = printable(text.splitlines()[0] if text.strip() else text)
    return f"'{first[:QUOTED]}'" if first else "nothing"


def listed(names: Iterable[str]) -> str:
    """Return names as a list for a sentence, of which a long one is cut."""
    found = list(names)
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return ", ".join(each[:QUOTED] for each in found[:MOST]) + more


def sentence(text: str) -> str:
    """Return a text with a capital, unless it begins with a file or a name of its own spelling.

    Example:
        >>> sentence("the key fits"), sentence("client.crt fits"), sentence("keyUsage is missing")
        ('The key fits', 'client.crt fits', 'keyUsage is missing')
    """
    word = text.split(" ", maxsplit=1)[0]
    return text[:1].upper() + text[1:] if word.isalpha() and word.islower() else text


def _words(seen: Seen) -> dict[str, str]:
    own = seen.own
    leaf = own.chain[0] if own.chain else None
    requested = seen.requested
    named = listed(requested.names) if requested and requested.names else ""
    return {
        "target": host_and_port(seen.host, seen.port),
        "host": printable(seen.host),
        "name": printable(seen.name),
        "wanted": f"IP:{seen.name}" if is_address(seen.name) else printable(seen.name),
        "starttls": seen.starttls,
        "ca": shown(own.cafile)[0] if own.cafile else "the CAs of this system",
        "cert": shown(own.certfile)[0] if own.certfile else "your certificate file",
        "key": shown(own.keyfile)[0] if own.keyfile else "the key file",
        "subject": told(leaf.subject) if leaf else "a caller without a certificate",
        "issuer": told(leaf.issuer) if leaf else "",
        "named": named or "any CA",
        "names": f" The server asks for a certificate of {named}." if named else "",
    }


def _shell(seen: Seen) -> dict[str, str]:
    own = seen.own
    paths = {"ca": own.cafile, "cert": own.certfile, "key": own.keyfile}
    words = {
        name: path.as_posix() if path and not (is_container(path) or is_keystore(path)) else "FILE"
        for name, path in paths.items()
    }
    words |= {"target": host_and_port(seen.host, seen.port), "name": seen.name, "host": seen.host}
    shell = {key: shlex.quote(printable(value)) for key, value in words.items()}
    if own.certfile and is_pkcs12(own.certfile):  # openssl x509 reads none, and s_client neither
        shell |= {
            "cert": f"<(openssl pkcs12 -in {shell['cert']} -nokeys)",
            "key": f"<(openssl pkcs12 -in {shell['cert']} -nocerts -noenc)",
        }
    return shell


def _ended(text: str) -> str:
    """Sentences whose end was filled in have one full stop; a space too many is taken out."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"\.\.+$", ".", text)


@cache
def _causes() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_facts("diagnoses")["causes"]
    return found
