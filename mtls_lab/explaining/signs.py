"""What shows in a text which stack wrote it.

Here: the signs of data/lines.toml, each as a word of a text, and which of several stacks has
written a line. Not here: whose side it is (sides.py), what it means (lines.py).
"""

from __future__ import annotations

import re
from functools import cache

from mtls_lab.explaining.lookup import Lookup
from mtls_lab.explaining.phrases import read_stacks

__all__ = ["LINE", "begins", "note_of", "only_of", "speaker_of", "stacks_in", "unlike_go"]

#: Of a longer line, this much is read from its beginning: a page without a line end, say.
LINE = 8 * 1024
#: A name that ends as those of hosts do. A text, which `re` compiles once, and keeps.
HOST_NAME = (
    r"[a-z0-9-]{1,30}\.(?:[a-z0-9-]{1,30}\.){0,3}"
    r"(?:com|net|org|io|eu|de|uk|fr|dev|example|test|invalid|local|lan|internal|intra|corp|svc)"
    r"(?![\w-]|\.[a-z])"
)


#: These speak TLS through OpenSSL alone.
OPENSSL_ALONE = {"python", "nginx", "apache", "haproxy"}
#: The path of an address, and an image in a registry, with its tag.
ADDRESS = r"://|\A[\"'(=]*[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?/[^\s:]+(?<!\.go):v?\d"
#: Where packages are: what is named in a path behind these is called, and has not written.
PACKAGES = ("node_modules/", "site-packages/")


def unlike_go(text: str) -> str:
    """Return a text without what is like Go's packages and is not: Go goes on in small letters.

    Example:
        >>> unlike_go("[X509: KEY_VALUES_MISMATCH]"), unlike_go("xfrd tls: TLS verify failed")
        ('[X509 KEY_VALUES_MISMATCH]', 'xfrd tls TLS verify failed')
    """
    return re.sub(r"\b(X509|tls): (?=[A-Z])", r"\1 ", text)


def sign_of(name: str, text: str, small: str) -> str:
    """Return the longest sign of a stack in a text, which is given in small letters too."""
    stack = read_stacks()[name]
    found = [sign for sign in stack["signs"] if sign in small and begins(sign, small)]
    found += [sign for sign in stack.get("cased", ()) if sign in text and begins(sign, text)]
    return max(found, key=len, default="")


def stacks_in(text: str, small: str) -> set[str]:
    """Return the stacks of which a sign is in a text, which is given in small letters too."""
    signs, names = _every_sign()
    perhaps = {names[at] for at in signs.found_in(small)}
    return {name for name in perhaps if sign_of(name, text, small)}


@cache
def _every_sign() -> tuple[Lookup, list[str]]:
    """Each sign in small letters, and of each the name of its stack."""
    every = [
        (sign.lower(), name)
        for name, stack in read_stacks().items()
        for sign in (*stack["signs"], *stack.get("cased", ()))
    ]
    return Lookup([sign for sign, _ in every]), [name for _, name in every]


def only_of(by: str) -> str:
    """Return the side on which alone a stack is, the first of these names; `""` if on both."""
    return str(read_stacks()[by.split(maxsplit=1)[0]].get("only", "")) if by else ""


def note_of(by: str, line: str, side: str) -> str:
    """Return what is special about the stacks that wrote a line, on this side."""
    small = unlike_go(line).lower()
    notes = (stack for stack in map(read_stacks().__getitem__, by.split()) if "note" in stack)
    notes = (n for n in notes if any(part in small for part in n.get("note_near", [""])))
    return next((n["note"] for n in notes if side in ("", n.get("note_of", side))), "")


def speaker_of(line: str, stack: str, signs: set[str], text: str) -> tuple[str, str]:
    """Return who wrote a line and, where one shows, through which library; both names."""
    stacks = read_stacks()
    line, text = unlike_go(line), unlike_go(text)
    small, all_small = line.lower(), text.lower()
    found = {name: sign_of(name, line, small) for name in stacks if name in signs}
    # Go's tls: is no sign of Go in FreeRADIUS' tls: (tls).
    parts = {a for a in found.values() if any(a in b != a for b in found.values())}
    doubtful = {name for name in found if found[name] in parts & set(stacks[name].get("cased", ()))}
    here = {name: len(sign) if name not in doubtful else 0 for name, sign in found.items()}
    # The data file has a release of a library before the library.
    libraries = [name for name in here if here[name] and stacks[name].get("library")]
    around = {name: here[name] or len(sign_of(name, text, all_small)) - LINE for name in here}
    writers = sorted((n for n in here if not stacks[n].get("library")), key=lambda n: -around[n])
    # An address in the line is no sign of an HTTP server, nor are words of HTTP beside another's.
    if stack != "http" and (stack or any(here[name] for name in writers if name != "http")):
        writers = [name for name in writers if name != "http"]
    if stack and (stack != "http" or not any(here[name] for name in writers)):
        (libraries if stacks[stack].get("library") else writers).insert(0, stack)
    if OPENSSL_ALONE & {*writers[:1]} and libraries[:1] in (["go"], ["rustls"], ["java"]):
        writers = []  # it has called that, or is named only: the image of a container, say
    names = [*writers[:1], *libraries[:1]]
    return " with ".join(stacks[name]["name"] for name in names), " ".join(names)


def begins(sign: str, text: str) -> bool:
    """Return whether a sign is in a text as a word: no end of one, no name of a host.

    Example:
        >>> begins("vault", "vault: denied"), begins("vault", "https://vault.example.com: denied")
        (True, False)
        >>> begins("tls", "eap_tls: denied")
        False
    """
    at = text.find(sign)
    while at >= 0 and sign[0].isalnum():
        before = text[at - 1 : at] if at else ""
        joined = before.isalnum() or before in {"_", "-", "+"}
        if not (joined or _is_a_host(text, at) or (before == "/" and _is_called(text, at))):
            break
        at = text.find(sign, at + 1)
    return at >= 0


def _is_called(text: str, at: int) -> bool:
    """Whether this is in the path of a package that a trace has the calls of, or of an address."""
    path = text[max(at - 200, 0) : at].rsplit(maxsplit=1)[-1]
    whole = path + text[at : at + 200].split(maxsplit=1)[0]
    return any(each in path for each in PACKAGES) or re.search(ADDRESS, whole) is not None


def _is_a_host(text: str, at: int) -> bool:
    """Whether the name of a host begins here: vault.example.com is called, and has not written."""
    return text[max(at - 2, 0) : at] == "//" or re.match(HOST_NAME, text[at : at + 80]) is not None
