"""From a failure to words: who refused whom, why, which file, what to do, how to check.

Here: an entry, its causes and the files put together. Not here: which entry fits (symptoms.py), its
sentences (data/explanations.toml) and their words (wording.py), which causes are likely and which
the files rule out (causes.py), and what is known of a failure (views.py, caught.py for
exceptions, lines.py for what other programs write, look.py and alone.py for files).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mtls_lab.common import Password, PathLike, Shown
from mtls_lab.explaining.alone import State, mistakes_in, with_java, wrong_signers
from mtls_lab.explaining.cards import explained
from mtls_lab.explaining.causes import Cause, disproved, in_words, others_than, ranked, ruled_out
from mtls_lab.explaining.look import Looked, look_at
from mtls_lab.explaining.phrases import verifier_of
from mtls_lab.explaining.raised import FILES
from mtls_lab.explaining.symptoms import Entry, Symptoms, find, is_of_a_state, texts_of
from mtls_lab.explaining.views import chosen, in_text, views_of
from mtls_lab.explaining.wording import OTHER, elsewhere, names_for, side_named, steady, worded
from mtls_lab.wire import Failure

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Explanation", "explain"]


#: How an entry begins that is about a side's own files: what a stack sends says nothing of those.
SETUP = ("Nobody was refused: {seer} stopped", "Nobody was refused: nothing was sent")
#: Lines of programs that did not take a certificate or a key, whatever was wrong with it.
UNTAKEN = {"key not decodable", "pair not taken", "named for the other"}
#: What is known of a file that could not be opened; a look into the folder tells more.
UNOPENED = {
    *("", "argument missing", "file of the environment", "named folder", "named file missing"),
    "named file closed",
}
#: What makes a refusal in TLS 1.3 a surprise.
LATE = (
    " In TLS 1.3 the device believed that it was connected until its first read"
    " (RFC 8446, section 2)."
)


@dataclass(frozen=True, slots=True)
class Explanation(Shown):
    """What a failure means, in words that are the same on every run.

    Attributes:
        known: whether the lab knows this failure. If not, `what` has it as it came.
        who: who refused whom, a sentence.
        what: what happened.
        why: the cause; or all the causes that look the same from here.
        where: the file, or the line of code.
        fix: what to do.
        command: a command line that checks it, with the lab's file names; `""` if there is none.
        entry: its name in data/explanations.toml.
        says: the line of another program that was read, or what an exception carries.
        stack: which program or library wrote it; `""` if that cannot be told.
        causes: the causes one by one, the likeliest first, where `why` has several.
        ruled_out: causes that the files given rule out, in few words, with the files.
        files: what was found in the files that were given and did not cause this.
    """

    known: bool
    who: str
    what: str
    why: str
    where: str
    fix: str
    command: str = ""
    entry: str = ""
    says: str = ""
    stack: str = ""
    causes: tuple[str, ...] = ()
    ruled_out: str = ""
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = {
            "Says": f"{self.stack}: {self.says}" if self.stack and self.says else self.says,
            "Who": self.who,
            "What": self.what,
            "Why": self.why,
            "Not": self.ruled_out,
            "Where": self.where,
            "Fix": self.fix,
            "Check": self.command,
            "Files": "; ".join(self.files),
        }
        return "\n".join(f"{label + ':':<6} {text}" for label, text in lines.items() if text)

    def _repr_html_(self) -> str:
        return explained(self)


def explain(
    what: object,
    *,
    certfile: PathLike | None = None,
    keyfile: PathLike | None = None,
    cafile: PathLike | None = None,
    chain: Sequence[x509.Certificate] = (),
    peer: str = "",
    crlfile: PathLike | None = None,
    password: Password | None = None,
    course: bool | None = None,
    excluded: Collection[str] = (),
) -> Explanation:
    """Say who refused whom, why, where, what to do, and how to check it.

    Args:
        what: an exchange, one side of it, its failure, an exception of any library or what holds
            one (a future, sys.exc_info()), an HTTP answer of requests or httpx, what subprocess.run
            returned, or the text of an error: a line, a log, a page.
        certfile, keyfile: the files of the side that was refused, or those that did not load,
            which are then looked into. If none is given, those that a call which failed has as
            its arguments; else it speaks of the ones that the notebooks use.
        cafile: likewise the CA file that the certificate was checked with, or did not load.
        chain: the certificates that were shown, where they are at hand and not in a file.
        peer: the stack of the side that sent an alert, perhaps with its version, as data/peers.json
            names them: "go", "go1.27". If it is not known, what all of them mean by the alert.
        crlfile: the revocation lists that the certificate was checked with.
        password: of a PKCS #12 file or an encrypted key, to look into it.
        course: whether to speak of the course's device, backend and files; default: of a failure
            in this process, and not of another program's words.
        excluded: faults of a certificate, as data/peers.json names them, that were seen not to be
            the cause, such as "none" where one was sent.

    Raises:
        TypeError: `what` is none of these.
        UnknownName: `peer` is not in data/peers.json.

    Example:
        >>> from mtls_lab.wire import Failure
        >>> print(explain(Failure("SSLError", "PEER_DID_NOT_RETURN_A_CERTIFICATE")).who)
        The backend refused the device.
        >>> print(explain("curl: (60) SSL certificate problem: certificate has expired").what)
        The certificate of the server, or of a CA above it, has expired.
    """
    what = in_text(what)
    views = views_of(what)
    entry, seen, said = chosen(what, views)
    if course is None:
        course = not seen.says
    given = {"cert": certfile, "key": keyfile, "ca": cafile, "crl": crlfile}
    asked = bool(chain) or any(path is not None for path in given.values())
    if not asked:
        given |= seen.files  # those of the call that failed
    looked, closer = None, False
    mistakes: tuple[State, ...] = ()
    if asked or seen.files:
        looked = look_at(given, chain, password=password, course=course)
        cert, key, ca = (given[name] for name in ("cert", "key", "ca"))
        mistakes = tuple(mistakes_in(cert, key, ca, password, course=course))
        # What the sides have shown stays: a file that is wrong as well did not cause it.
        if seen.says or seen.state in UNOPENED | FILES:
            entry, seen, closer = _closer(entry, seen, looked, mistakes)
    owner = _owner(entry, seen)
    theirs = looked and looked.is_the_seers(seen, owner)  # another pair than the refused one
    given = given | ({"cert": None, "key": None} if theirs else {})
    texts = texts_of(entry, seen, asked=asked)
    names, shell, command = names_for(texts, seen, given, course=course)
    names["all"] = steady("; ".join(each.raw for each in views if each.failure.error) or "nothing")

    def reword(text: str) -> str:
        return worded(text, entry, seen, course=course)

    told = {name: reword(texts[name]).format_map(names) for name in ("who", "what", "fix")}
    told["where"] = _where(texts, seen, given, course=course)
    told["what"] += reword(_further(entry, seen, late=any(view.believed for view in views)))
    with suppress(KeyError):  # it cannot be told whose files these are
        told["command"] = with_java(command.format_map(shell), given)
    causes = [
        cause
        for cause in ranked(
            texts["why"],
            seen.alert,
            peer,
            said,
            course=course,
            verifier=verifier_of(seen.failure.verify_code, seen.says, seen.by),
            owner=owner,
        )
        if cause.fault not in excluded
    ]
    found = looked.findings(seen, owner, reword) if looked else []
    ruled: tuple[Cause, ...] = ()
    if found and found[0].explains and not closer:
        cause = found.pop(0)
        causes = [Cause(f"In these files, {cause.says}. {cause.why}".strip())]
        own = {"fix": cause.fix, "where": cause.where, "command": with_java(cause.command, given)}
        told |= {name: text for name, text in own.items() if text}
    else:
        if looked and not closer:
            shown = looked.found | {state for state, _ in mistakes}
            at_hand = looked.at_hand_of(seen, owner)
            ruled = disproved(causes, shown, at_hand, owner)
            causes = _left(causes, ruled, elsewhere(entry, at_hand), owner, at_hand | shown)
        told_by = found[0].look if found and found[0].perhaps and not closer else ""
        causes = [
            Cause(reword(each.text).format_map(names)) for each in others_than(causes, told_by)
        ]
        if told_by:
            # A server's CA file is mostly the one for clients: then it comes last.
            causes.insert(len(causes) * (owner == "backend"), Cause(found.pop(0).supposed(names)))
        if ruled and len(causes) == 1:
            causes = [Cause(f"What is left: {causes[0].text}.")]
    return Explanation(
        entry.get("known", True),
        **told,
        why=in_words([each.text for each in causes]),
        entry=entry["name"],
        says=seen.says,
        stack=seen.stack,
        causes=tuple(each.text for each in causes) if len(causes) > 1 else (),
        ruled_out=ruled_out(ruled, names),
        files=tuple(each.says for each in found) if asked else (),
    )


def _further(entry: Entry, seen: Symptoms, *, late: bool) -> str:
    """Return what is said beside what happened: of TLS 1.3, of the words of a stack."""
    further = LATE if late and entry.get("late") else ""
    told = entry.get("known", True) and not entry.get("who", "").startswith(SETUP)
    return further + (f" {seen.note}" if seen.note and told else "")


def _closer(
    entry: Entry, seen: Symptoms, looked: Looked, mistakes: Sequence[State]
) -> tuple[Entry, Symptoms, bool]:
    """Return what tells more of the failure because of a file, and whether there is such."""
    signers = wrong_signers((*looked.certificates, *looked.held.cas))
    as_python = Failure("SSLError", text="[SSL] PEM lib") if seen.state in UNTAKEN else seen.failure
    for state, words in itertools.chain(mistakes, signers):
        if seen.state == "bad password" and state in {"pair: form", "pair: der"}:
            continue  # the program has read this form
        nearer, nearly = find(replace(seen, failure=as_python, state=state, words=words))
        if is_of_a_state(nearer, state):
            return nearer, nearly, True
    return entry, seen, False


def _where(texts: Entry, seen: Symptoms, given: dict[str, PathLike | None], *, course: bool) -> str:
    """Return where to look; if it cannot be told who has the failure, for either."""

    def at(side: str) -> str:
        there = replace(seen, side=side)
        names, *_ = names_for(texts, there, given, course=course)
        return worded(texts["where"], texts, there, course=course).format_map(names)

    if seen.side:
        return at(seen.side)
    device, backend = at("device"), at("backend")
    if device == backend:
        return at("")
    one, other = (side_named(side, course=course) for side in ("device", "backend"))
    if seen.relayed:
        one, other = other, one
    return f"if the {one} shows it: {device}; if the {other} does: {backend}"


def _owner(entry: Entry, seen: Symptoms) -> str:
    """Whose certificate it is about: who decided has seen the other side's."""
    decided = entry["seen_by"] == "refuser" and not entry.get("own")
    return OTHER[seen.side] if decided else seen.side


def _left(
    causes: list[Cause], ruled: Collection[Cause], others: str, owner: str, known: set[str]
) -> list[Cause]:
    """Return the causes that the files leave; where they rule out what they can, other files.

    `known` is which files could be read, and what was found in them.
    """
    left = [cause for cause in causes if cause not in ruled]
    if {"cert", "self-issued"} <= known and "ca" not in known:
        left.sort(key=lambda each: each.fault != "self_signed")
    if ruled and ({"cert", "ca"} <= known or not left):
        place = next(number for number, cause in enumerate(causes) if cause in ruled)
        while owner == "backend" and place < len(left) and left[place].likely:
            place += 1
        left.insert(place, Cause(others))
    return left
