"""A look into the files that came with an error: what does not fit, and whether it explains it.

Here: each misfit between the files, and which of them fits the error. Not here: one file alone
(alone.py), the comparison itself (pki/comparison.py), and the sentences (data/findings.toml).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtls_lab.common import Password, PathLike, printable
from mtls_lab.explaining import fitting
from mtls_lab.explaining.held import Held
from mtls_lab.explaining.held import read as read_files
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.explaining.wording import shown

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["NOT_SIGNED", "Finding", "Looked", "look_at"]

#: The certificate names a CA that is there, and that has not signed it as it is.
NOT_SIGNED = {"other key", "other key or altered", "altered"}
#: After one of these, the certificates above are not known, nor what is wrong with them.
BROKEN = {"issuer missing", "no root", "leaf trusted"} | NOT_SIGNED
TOLD = ("says", "why", "fix")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found in the files.

    Attributes:
        says: what it is.
        explains: whether it is a cause of the failure that was asked about.
        perhaps: a condition that is not known, under which it is one: if the certificate is a
            client's, say; its names in braces are those of an entry.
        look: its name, as data/faults.toml has it.
        why, fix, where, command: as in an Explanation; `""` where the failure's own serve.
    """

    says: str
    explains: bool
    perhaps: str = ""
    look: str = ""
    why: str = ""
    fix: str = ""
    where: str = ""
    command: str = ""

    def supposed(self, names: Mapping[str, str]) -> str:
        """Return it as a cause, under its condition, with these names in that."""
        return f"{self.perhaps.format_map(names)}: {self.says}. {self.why}".strip(" .")


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
        from mtls_lab.pki.names import hosts_of  # noqa: PLC0415 - see look_at
        from mtls_lab.pki.rules import extensions_of  # noqa: PLC0415

        return bool(hosts_of(extensions_of(self.certificates[0])))

    @property
    def is_a_servers_pair(self) -> bool:
        """Whether a server's certificate is at hand with its key, which a client does not have."""
        return self.held.key is not None and self.purposes == {"servers"} and self.names_a_host

    def at_hand_of(self, seen: Symptoms, owner: str) -> set[str]:
        """Which files could be read of what was refused, and led to what it was checked with."""
        mine = {"cert", "key"} if self.is_the_seers(seen, owner) else set()
        return self.at_hand - mine - ({"ca"} if self.found & BROKEN else set())

    def is_the_seers(self, seen: Symptoms, owner: str) -> bool:
        """Whether the other side's certificate failed, and the seer's own is at hand, not that one.

        Whose chain was found is another one than a pair that leads to none of these CAs.
        Of a wrong purpose, one for the other purpose may well be the cause, unless its key is at
        hand too: the other side's key nobody has.
        """
        if not owner and self.held.key is not None and fitting.is_past_the_chain(seen):
            # Go looks at the dates before it looks for a chain.
            return "issuer missing" in self.found and not {"expired", "not yet valid"} & self.found
        purpose = {"backend": frozenset({"clients"}), "device": frozenset({"servers"})}.get(owner)
        if owner == seen.side or self.purposes != purpose:
            return False
        wrong_purpose = seen.failure.verify_code == fitting.PURPOSE and self.held.key is None
        return not wrong_purpose and (owner == "backend" or self.names_a_host)

    def is_the_others(self, seen: Symptoms, owner: str) -> bool:
        """Whether the pair at hand is not that of the refused side, which the failure leaves vague.

        A server's has a host in it, and a client's has none.
        """
        if self.purposes == {"servers"} and self.names_a_host:
            return fitting.says_nothing_of_a_certificate(seen)
        client = self.purposes == {"clients"} and not self.names_a_host
        return client and owner == "backend" and not fitting.is_of_a_purpose(seen)

    def is_a_servers(self, seen: Symptoms) -> bool:
        """Whether a certificate with a wrong purpose is a server's: it is for clients alone.

        A client's may be too, and nothing is wrong with it then; but it has no host in it.
        """
        wrong_purpose = seen.failure.verify_code == fitting.PURPOSE
        return wrong_purpose and self.purposes == {"clients"} and self.names_a_host

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
        foreign = self.is_the_seers(seen, owner) or self.is_the_others(seen, owner)
        if not owner and self.is_a_servers(seen):
            owner = "backend"
        for entry, words in fitting.entries_for(self.looks):
            doubtful = foreign and "of_the_ca" not in entry
            if "strict" in entry and seen.failure.verify_code is None:
                doubtful |= bool(self.found & BROKEN)
            explains = fitting.explains(entry, seen, owner) and not doubtful
            perhaps = "" if explains or foreign else fitting.condition(entry, seen, owner)
            if explains and not owner and "of_trust" in entry and self.is_a_servers_pair:
                explains, perhaps = False, fitting.WHOSE.format("backend")
            if foreign and fitting.is_vaguely_of_a_purpose(entry, seen, owner):
                perhaps = fitting.WHOSE.format(owner)  # somebody presents a server's as a client
            others = foreign and "owner" in entry
            if (entry.get("owner", owner) != owner or others) and not explains and not perhaps:
                continue  # whether this is wrong depends on whose it is
            cause = explains or bool(perhaps)
            if self._is_silent(entry, words, seen, foreign=foreign, explains=cause):
                continue
            found.append(
                self._finding(entry, words, reword, explains=explains, perhaps=reword(perhaps))
            )
        found.sort(key=lambda each: (not each.explains, not each.perhaps))
        first = {each.says: each for each in reversed(found)}
        return [each for each in found if first[each.says] is each]

    def _is_silent(
        self,
        entry: dict[str, Any],
        words: dict[str, str],
        seen: Symptoms,
        *,
        foreign: bool,
        explains: bool,
    ) -> bool:
        """Whether an entry has a condition that does not hold: see the head of its file."""
        return (
            (entry.get("seer", False) and not (foreign and fitting.is_of_the_chain(seen)))
            or (entry.get("of_trust", False) and foreign and not explains)
            or ("by" in entry and entry["by"] not in seen.by.split())
            or (entry.get("quiet", False) and not explains)
            # What is wrong with a path says more.
            or (entry.get("alone", False) and bool(self.certificates) and not foreign)
            or (entry.get("unless called", False) and _is_called(words["all"], seen))
        )

    def _finding(
        self,
        entry: dict[str, Any],
        words: dict[str, str],
        reword: Callable[[str], str],
        *,
        explains: bool,
        perhaps: str,
    ) -> Finding:
        """Fill in the sentences of an entry."""
        names, shell = self.names, self.shell
        if holder := words.get("holder"):
            names = names | {"holder": names[holder]}
            shell = shell | {"holder": shell[holder]}
        texts = {each: reword(entry.get(each, "")) for each in TOLD}
        told = {each: text.format_map(words | names) for each, text in texts.items()}
        keys = re.findall(r"{(cert|key|ca|crl|holder)}", entry["says"])
        keys += ["ca"] if "of_the_ca" in entry else []
        where = dict.fromkeys(name for key, name in names.items() if key in keys)
        return Finding(
            **told,
            explains=explains,
            perhaps=perhaps,
            look=entry["look"],
            where=", ".join(where),
            command=entry.get("command", "").format_map(shell) if explains else "",
        )


def _is_called(hosts: str, seen: Symptoms) -> bool:
    """Whether the host that was called is one of these, where Python or OpenSSL names it."""
    from mtls_lab.pki.names import covers  # noqa: PLC0415 - see look_at

    match = re.search(r"not valid for '([^']+)'", seen.failure.verify_message)
    return match is not None and any(covers(host, match[1]) for host in hosts.split())


def look_at(
    files: Mapping[str, PathLike | None],
    chain: Sequence[x509.Certificate] = (),
    called: str = "the file",
    password: Password | None = None,
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
    from mtls_lab.pki.comparison import beside, compare, purposes_of  # noqa: PLC0415
    from mtls_lab.pki.containers import entries_of, unpacked  # noqa: PLC0415
    from mtls_lab.pki.revocation import revocations  # noqa: PLC0415

    texts = {
        name: (called, "FILE") if path is None else shown(path, course=course)
        for name, path in files.items()
    }
    if files.get("cert") and files.get("key") in (None, files["cert"]):  # one file holds both
        texts["key"] = f"the key in {texts['cert'][0]}", texts["cert"][1]
    entries = entries_of(files)
    for name, entry in entries.items():
        texts[name] = f"{printable(entry.name)} of {shown(entry.path, course=course)[0]}", "FILE"
    names = {name: text for name, (text, _) in texts.items()}
    with warnings.catch_warnings(), unpacked(files, entries) as plain:
        warnings.simplefilter("ignore")  # cryptography's, of what it will not read one day
        held = read_files(plain, names, password)
        certificates = (*chain, *held.certificates)
        looks = (
            *compare(certificates, held.key, held.cas),
            *beside(certificates, held.cas),
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
