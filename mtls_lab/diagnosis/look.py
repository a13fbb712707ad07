"""A look into the files that came with an error: what is in them, and whether it explains it.

Here: each mistake in one file, each misfit between them, and which of them fits the error. Not
here: the comparison itself (pki/comparison.py), and the sentences (data/findings.toml).
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mtls_lab.diagnosis.held import read as read_files
from mtls_lab.diagnosis.symptoms import Symptoms, shown
from mtls_lab.errors import FileProblem
from mtls_lab.facts import read_facts
from mtls_lab.files import PathLike
from mtls_lab.text import printable
from mtls_lab.wire.reasons import alert_of, normal

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Finding", "findings", "mistakes_in", "wrong_signers"]

#: Which mistake is in a file, by the words in which pem says so. "form": see pki/kinds.py.
MISTAKES = {
    "with a password": "password",
    "is encrypted": "password",
    "in DER form and": "form",
    "bundle of certificates": "form",
    "in DER form": "der",
    "of another kind": "kind",  # an RSA key, say: the lab makes EC keys, ssl takes both
    "holds a damaged": "other",
    "holds a key that only": "form",
    "holds a key in OpenSSH": "form",
    "holds a PKCS": "form",
    "holds a PEM file that": "form",
    "holds base64": "form",
    "is a PKCS": "form",
    "is a Java": "form",
    "is a web page": "form",
    "is text in UTF-16": "form",
    "has an END line": "form",
    r"has \n as": "form",
    "has its whole PEM": "form",
    "holds a": "swapped",
}
#: The refusals of a certificate that do not say why.
VAGUE = {
    "alert": {"bad_certificate", "certificate_unknown", "access_denied", "handshake_failure"},
    "error": {"EOFError", "SSLEOFError", "SSLZeroReturnError"},
    "reason": {"ECONNRESET", "EPIPE", "ECONNABORTED"},
    "state": {
        *("http: bad certificate", "writing", "client certificate refused", "not verified"),
        *("not verified or not tls", "alert without a name", "hung up in handshake"),
    },
}

#: X509_V_ERR_INVALID_PURPOSE: of this one, the other side's certificate may well be the cause.
PURPOSE = 26
TOLD = ("says", "why", "fix")

States = Iterator[tuple[str, tuple[tuple[str, str], ...]]]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found in the files.

    Attributes:
        says: what it is.
        explains: whether it is a cause of the failure that was asked about.
        why, fix, where, command: as in an Explanation; `""` where the failure's own serve.
    """

    says: str
    explains: bool
    why: str = ""
    fix: str = ""
    where: str = ""
    command: str = ""


def findings(
    seen: Symptoms,
    owner: str,
    files: Mapping[str, PathLike | None],
    chain: Sequence[x509.Certificate] = (),
    called: str = "the file",
    password: str | None = None,
) -> list[Finding]:
    """Compare the files with each other and with a failure; the causes of it come first.

    Args:
        seen: the failure.
        owner: whose certificate was refused, "device" or "backend"; `""` if that is not known.
        files: the paths by `cert`, `key`, `ca` and `crl`.
        chain: certificates that are not in a file.
        called: what to call a file that is not given.
        password: of a PKCS #12 file.
    """
    # cryptography is slow to load, and most explanations need none.
    from mtls_lab.pki.comparison import compare, purposes_of  # noqa: PLC0415
    from mtls_lab.pki.revocation import revocations  # noqa: PLC0415

    texts = {name: (called, "FILE") if p is None else shown(p) for name, p in files.items()}
    names = {name: text for name, (text, _) in texts.items()}
    shell = {name: text for name, (_, text) in texts.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography's, of what it will not read one day
        held = read_files(files, names, password)
        found = [Finding(each, explains=False) for each in held.unread]
        certificates = [*chain, *held.certificates]
        looks = [
            (look.name, look.words)
            for look in (
                *compare(certificates, held.key, held.cas),
                *revocations(certificates, held.cas, held.crls),
            )
        ]
        looks += held.access
        purposes = purposes_of(certificates[0]) if certificates else set()
    # Whoever asks has their own files at hand: a client's, where the server's certificate failed.
    foreign = owner == "backend" and purposes == {"clients"} and seen.failure.verify_code != PURPOSE
    for entry, words in _entries_for(looks):
        explains = _explains(entry, seen, owner) and not foreign
        if entry.get("owner", owner) != owner and not explains:
            continue  # whether this is wrong depends on whose it is
        filled = {each: entry.get(each, "").format_map(names | words) for each in TOLD}
        where = [names[name] for name in names if f"{{{name}}}" in entry["says"]]
        command = entry.get("command", "").format_map(shell) if explains else ""
        found.append(Finding(**filled, explains=explains, where=", ".join(where), command=command))
    unique = {each.says: each for each in sorted(found, key=lambda each: each.explains)}
    return sorted(unique.values(), key=lambda each: not each.explains)


def _entries_for(
    looks: list[tuple[str, dict[str, str]]],
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Give the entries of data/findings.toml for each look, in the order of that file."""
    for entry in _findings():
        for name, words in looks:
            if entry["look"] == name:
                yield entry, words


@cache
def _findings() -> tuple[dict[str, Any], ...]:
    return tuple(read_facts("findings").values())


def _explains(entry: dict[str, Any], seen: Symptoms, owner: str) -> bool:
    failure = seen.failure
    reason = normal(failure.reason)
    facts = {
        "verify_code": failure.verify_code,
        "alert": alert_of(reason),
        "reason": reason,
        "state": seen.state,
        "error": failure.error,
    }
    explains = entry["explains"]
    if entry.get("owner", "device") != (owner or "device") and "owner" in entry:
        return False  # of a certificate whose owner is not known, a client's is asked about
    if any(facts[key] in wanted for key, wanted in explains.items() if key != "vague"):
        return True
    certain = owner or "owner" not in entry
    return bool(
        certain
        and explains.get("vague")
        and any(facts[key] in wanted for key, wanted in VAGUE.items())
    )


# --- One file alone


def mistakes_in(
    certfile: PathLike | None,
    keyfile: PathLike | None,
    cafile: PathLike | None,
    password: str | None = None,
) -> States:
    """Look into the files and give each mistake, as a `state` and its `words`.

    A mistake in the certificate and its key is `"pair: …"`, one in the CA file is `"ca: …"`.
    """
    if certfile is None and keyfile is None and cafile is None:
        return
    # cryptography is slow to load, and most explanations need none.
    from mtls_lab.pki import pem  # noqa: PLC0415

    key = certfile if keyfile is None else keyfile
    for group, path, wanted, read in (
        ("pair", certfile, "a certificate", pem.read_certificate),
        ("pair", key, "a private key", pem.read_key),
        ("ca", cafile, "a CA's certificate", pem.read_certificate),
    ):
        if path is None:
            continue
        try:
            read(path)
        except FileProblem as problem:
            text, command = shown(path)
            found = problem.found.replace(os.fspath(path), "", 1)
            mistake = next((MISTAKES[words] for words in MISTAKES if words in found), "other")
            # What stands in brackets is a library's or the system's own wording.
            found = re.sub(r" \(.*\)$", "", found)
            if "(No such file" in problem.found or not os.path.lexists(path):
                mistake = "missing"
            elif mistake == "password" and wanted != "a private key":
                mistake = "swapped"
            elif mistake == "swapped" and wanted == "a private key" and keyfile is None:
                mistake = "no key"
            if mistake == "password" and password is not None and _opens(path, password):
                continue
            words = {"file": text, "wanted": wanted, "found": text + found, "in shell": command}
            words["todo"] = problem.todo.replace(os.fspath(path), text)
            yield f"{group}: {mistake}", tuple(words.items())


def _opens(path: PathLike, password: str) -> bool:
    """Whether a password is that of an encrypted key."""
    from mtls_lab.pki import pem  # noqa: PLC0415 - see mistakes_in

    try:
        pem.read_any_key(path, password)
    except FileProblem:
        return False
    return True


def wrong_signers(
    certfile: PathLike | None, cafile: PathLike | None, chain: Sequence[x509.Certificate]
) -> States:
    """Give each certificate that signed another one and may not, as a `state` and its `words`.

    The first look is at `basicConstraints`, the second at `keyUsage` (RFC 5280, section 6.1.4).
    """
    if certfile is None and cafile is None and not chain:
        return
    from cryptography import x509  # noqa: PLC0415 - see mistakes_in

    from mtls_lab.pki import pem  # noqa: PLC0415

    found = list(chain)
    for path in (certfile, cafile):
        with suppress(FileProblem):  # which mistakes_in has told
            found += [] if path is None else pem.read_certificates(path)
    for signer in found:
        if not any(other.issuer == signer.subject and other != signer for other in found):
            continue
        try:
            limits = {type(extension.value): extension.value for extension in signer.extensions}
        except (ValueError, x509.DuplicateExtension):  # OpenSSL has read it, cryptography cannot
            continue
        basic, usage = limits.get(x509.BasicConstraints), limits.get(x509.KeyUsage)
        words = (("signer", printable(signer.subject.rfc4514_string())),)
        if not (isinstance(basic, x509.BasicConstraints) and basic.ca):
            yield "signer: not a CA", words
        elif isinstance(usage, x509.KeyUsage) and not usage.key_cert_sign:
            yield "signer: no keyCertSign", words
