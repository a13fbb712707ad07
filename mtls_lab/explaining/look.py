"""A look into the files that came with an error: what does not fit, and whether it explains it.

Here: each misfit between the files, and which of them fits the error. Not here: one file alone
(alone.py), the comparison itself (pki/comparison.py), and the sentences (data/findings.toml).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mtls_lab.explaining.held import Held
from mtls_lab.explaining.held import read as read_files
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.explaining.wording import shown
from mtls_lab.facts import read_facts
from mtls_lab.files import PathLike
from mtls_lab.wire import Stage
from mtls_lab.wire.names import alert_of, normal

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["VAGUE", "Finding", "Looked", "look_at"]

#: The refusals of a certificate that do not say why.
VAGUE = {
    "alert": {"bad_certificate", "certificate_unknown", "access_denied", "handshake_failure"},
    "error": {"EOFError", "SSLEOFError", "SSLZeroReturnError"},
    "reason": {"ECONNRESET", "EPIPE", "ECONNABORTED", "ENOTCONN"},
    "state": {
        *("http: bad certificate", "writing", "client certificate refused", "not verified"),
        *("not verified or missing", "not verified or not tls", "alert without a name"),
        *("hung up in handshake", "hung up without a word", "cut or refused", "cut while writing"),
        *("said of device", "said of backend", "not connected"),
    },
}

#: After one of these, the certificates above are not known, nor what is wrong with them.
BROKEN = {"issuer missing", "other key", "no root", "leaf trusted"}
#: X509_V_ERR_INVALID_PURPOSE: of this one, the other side's certificate may well be the cause.
PURPOSE = 26
TOLD = ("says", "why", "fix")
#: What is no fact of a failure in `explains` and `perhaps`.
NO_FACTS = {"vague", "if"}
#: Of an alert that may be about the ClientHello.
FAR = "if the handshake came as far as this certificate"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found in the files.

    Attributes:
        says: what it is.
        explains: whether it is a cause of the failure that was asked about.
        perhaps: a condition that is not known, under which it is one: if the certificate is a
            client's, say.
        why, fix, where, command: as in an Explanation; `""` where the failure's own serve.
    """

    says: str
    explains: bool
    perhaps: str = ""
    why: str = ""
    fix: str = ""
    where: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look into the files has found, whatever it means for a failure.

    Attributes:
        held: what is in them.
        certificates: a leaf and what is sent along, of a file or at hand.
        looks: names of data/findings.toml, each with its words.
        purposes: whom the leaf is for: `clients`, `servers`.
        names: what each file is called in a sentence.
        shell: what it is called in a command.
    """

    held: Held
    certificates: tuple[x509.Certificate, ...]
    looks: tuple[tuple[str, dict[str, str]], ...]
    purposes: frozenset[str]
    names: dict[str, str]
    shell: dict[str, str]

    @property
    def found(self) -> set[str]:
        """The names of what was found."""
        leaf = self.certificates[0] if self.certificates else None
        same = {"self-issued"} if leaf is not None and leaf.issuer == leaf.subject else set()
        same |= {"locked key"} if self.held.locked else set()
        return same | {name for name, _ in self.looks}

    @property
    def at_hand(self) -> set[str]:
        """Which files could be read."""
        held = self.held
        there = {"cert": self.certificates, "key": held.key, "ca": held.cas, "crl": held.crls}
        return {name for name, thing in there.items() if thing}

    @property
    def names_a_host(self) -> bool:
        """Whether the leaf has a name or an address that a client may call."""
        from cryptography import x509  # noqa: PLC0415 - see look_at

        from mtls_lab.pki.rules import extensions_of  # noqa: PLC0415

        names = extensions_of(self.certificates[0]).get(x509.SubjectAlternativeName)
        hosts = x509.DNSName | x509.IPAddress
        return isinstance(names, x509.SubjectAlternativeName) and any(
            isinstance(name, hosts) for name in names
        )

    def at_hand_of(self, seen: Symptoms, owner: str) -> set[str]:
        """Which files could be read of what was refused, and led to what it was checked with."""
        mine = {"cert", "key"} if self.is_the_seers(seen, owner) else set()
        return self.at_hand - mine - ({"ca"} if self.found & BROKEN else set())

    def is_the_seers(self, seen: Symptoms, owner: str) -> bool:
        """Whether the other side's certificate failed, and the seer's own is at hand, not that one.

        Of a wrong purpose, one for the other purpose may well be the cause, unless its key is at
        hand too: the other side's key nobody has.
        """
        purpose = {"backend": frozenset({"clients"}), "device": frozenset({"servers"})}.get(owner)
        if owner == seen.side or self.purposes != purpose:
            return False
        wrong_purpose = seen.failure.verify_code == PURPOSE and self.held.key is None
        return not wrong_purpose and (owner == "backend" or self.names_a_host)

    def findings(
        self, seen: Symptoms, owner: str, reword: Callable[[str], str] = str
    ) -> list[Finding]:
        """Say what was found; what explains the failure comes first.

        Args:
            seen: the failure.
            owner: whose certificate was refused, "device" or "backend"; `""` if that is not known.
            reword: what makes of a sentence one for its reader.
        """
        found = [Finding(each, explains=False) for each in self.held.unread]
        # A server's file, which names a host: that it is not for clients is right then.
        foreign = self.is_the_seers(seen, owner) or (
            _is_of_the_hello(seen) and self.purposes == {"servers"} and self.names_a_host
        )
        for entry, words in _entries_for(self.looks):
            doubtful = foreign and "of_the_ca" not in entry
            if "strict" in entry and seen.failure.verify_code is None:
                doubtful |= bool(self.found & BROKEN)
            explains = _explains(entry, seen, owner) and not doubtful
            perhaps = "" if explains or foreign else _perhaps(entry, seen, owner)
            others = foreign and "owner" in entry
            others |= foreign and "of_trust" in entry
            if (entry.get("owner", owner) != owner or others) and not explains and not perhaps:
                continue  # whether this is wrong depends on whose it is
            texts = {each: reword(entry.get(each, "")) for each in TOLD}
            filled = {each: text.format_map(self.names | words) for each, text in texts.items()}
            where = [name for key, name in self.names.items() if f"{{{key}}}" in entry["says"]]
            command = entry.get("command", "").format_map(self.shell) if explains else ""
            found.append(
                Finding(
                    **filled,
                    explains=explains,
                    perhaps=reword(perhaps),
                    where=", ".join(where),
                    command=command,
                )
            )
        unique = {each.says: each for each in sorted(found, key=lambda each: each.explains)}
        return sorted(unique.values(), key=lambda each: (not each.explains, not each.perhaps))


def look_at(
    files: Mapping[str, PathLike | None],
    chain: Sequence[x509.Certificate] = (),
    called: str = "the file",
    password: str | None = None,
    *,
    course: bool = False,
) -> Looked:
    """Compare the files with each other and with the clock.

    Args:
        files: the paths by `cert`, `key`, `ca` and `crl`.
        chain: certificates that are not in a file.
        called: what to call a file that is not given.
        password: of a PKCS #12 file or an encrypted key.
        course: whether the files are called as in the course.
    """
    # cryptography is slow to load, and most explanations need none.
    from mtls_lab.pki.comparison import (  # noqa: PLC0415
        compare,
        purposes_of,
        revocations,
    )

    texts = {
        name: (called, "FILE") if path is None else shown(path, course=course)
        for name, path in files.items()
    }
    names = {name: text for name, (text, _) in texts.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography's, of what it will not read one day
        held = read_files(files, names, password)
        certificates = (*chain, *held.certificates)
        looks = (
            *compare(certificates, held.key, held.cas),
            *revocations(certificates, held.cas, held.crls),
        )
        purposes = purposes_of(certificates[0]) if certificates else set()
    return Looked(
        held,
        certificates,
        (*((look.name, look.words) for look in looks), *held.access),
        frozenset(purposes),
        names,
        {name: text for name, (_, text) in texts.items()},
    )


def _entries_for(
    looks: Sequence[tuple[str, dict[str, str]]],
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
    if any(facts.get(key) in wanted for key, wanted in explains.items() if key not in NO_FACTS):
        return True
    certain = owner or "owner" not in entry
    return bool(
        certain
        and explains.get("vague")
        and not _is_of_the_hello(seen)
        and any(facts[key] in wanted for key, wanted in VAGUE.items())
    )


def _is_of_the_hello(seen: Symptoms) -> bool:
    """Whether no certificate of a client may have been seen yet, or in TLS 1.2 none was sent."""
    alert = alert_of(normal(seen.failure.reason))
    return alert == "handshake_failure" and seen.stage == Stage.HANDSHAKE.value


def _perhaps(entry: dict[str, Any], seen: Symptoms, owner: str) -> str:
    """Under which condition it would explain the failure."""
    if not owner and entry.get("owner") == "device" and _explains(entry, seen, "device"):
        return "if this certificate is the client's"
    if owner and _is_of_the_hello(seen) and entry["explains"].get("vague"):
        return FAR if entry.get("owner", owner) == owner else ""
    further = entry.get("perhaps", {})
    # The CA file of a server is the one for clients, and one that hangs up says nothing of a CA.
    hung_up = owner == seen.side == "backend" and not alert_of(normal(seen.failure.reason))
    explains = not hung_up and _explains({"explains": further}, seen, owner)
    return str(further["if"]) if explains else ""
