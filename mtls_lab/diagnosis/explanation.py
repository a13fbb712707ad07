"""From a failure to words: who refused whom, why, which file, what to do, how to check.

Here: which entry of data/explanations.toml fits, and the names that go into it. Not here: the
explanations themselves (the data file), and what is known of a failure (symptoms.py, caught.py for
exceptions, lines.py for what other programs write, look.py for files).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from mtls_lab.diagnosis.cards import explained, indented
from mtls_lab.diagnosis.causes import in_words, ranked
from mtls_lab.diagnosis.look import Finding, findings, mistakes_in, wrong_signers
from mtls_lab.diagnosis.peers import OTHER, Runs
from mtls_lab.diagnosis.symptoms import Symptoms, shown, steady
from mtls_lab.diagnosis.views import views_of
from mtls_lab.facts import read_facts
from mtls_lab.files import PathLike
from mtls_lab.text import Shown, printable
from mtls_lab.wire.reasons import alert_of, normal

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Explanation", "explain"]

Entry = dict[str, Any]

#: Whose view is told when both sides failed: who refused knows why, who was refused knows the
#: alert, and who sees a connection break off knows least.
SEEN_BY = ("refuser", "refused", "nobody")

#: Each side's own files as the notebooks name them, and what its certificate has to be for.
OWN = {
    "device": {"cert": "device/client.crt", "key": "device/client.key", "purpose": "clientAuth"},
    "backend": {"cert": "backend/server.crt", "key": "backend/server.key", "purpose": "serverAuth"},
    "": {"cert": "the certificate", "key": "its key", "purpose": "clientAuth or serverAuth"},
}
PURPOSE = {"device": "sslclient", "backend": "sslserver"}
#: The file of CAs that each side trusts, and the call that loads it.
TRUST = {
    "device": {"ca": "device/server_ca.pem", "load": "create_default_context(cafile=…)"},
    "backend": {"ca": "backend/client_ca.pem", "load": "load_verify_locations"},
    "": {"ca": "the CA file", "load": "create_default_context or load_verify_locations"},
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
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = {
            "Says": f"{self.stack}: {self.says}" if self.stack and self.says else self.says,
            "Who": self.who,
            "What": self.what,
            "Why": self.why,
            "Where": self.where,
            "Fix": self.fix,
            "Check": self.command,
            "Files": "; ".join(self.files),
        }
        return "\n".join(indented(label, text) for label, text in lines.items() if text)

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
    password: str | None = None,
) -> Explanation:
    """Say who refused whom, why, where, what to do, and how to check it.

    Args:
        what: an exchange, one side of it, its failure, an exception of any library, an HTTP
            answer of requests or httpx, or the text of an error: a line, a log, a page.
        certfile, keyfile: the files of the side that was refused, or those that did not load,
            which are then looked into. If not given, the ones that the notebooks use.
        cafile: likewise the CA file that the certificate was checked with, or did not load.
        chain: the certificates that were shown, where they are at hand and not in a file.
        peer: the stack of the side that sent an alert, a name of data/peers.json such as "go";
            if it is not known, what all of them mean by the alert.

        crlfile: the revocation lists that the certificate was checked with.
        password: of a PKCS #12 file or an encrypted key, to look into it.

    Raises:
        TypeError: `what` is none of these.
        UnknownName: `peer` is not in data/peers.json.

    Example:
        >>> from mtls_lab.wire import Failure
        >>> print(explain(Failure("SSLError", "PEER_DID_NOT_RETURN_A_CERTIFICATE")).who)
        The backend refused the device.
        >>> print(explain("curl: (60) SSL certificate problem: certificate has expired").what)
        The certificate of the backend has expired.
    """
    views = views_of(what)
    entry, seen = min((_find(seen) for seen in views), key=_tells_less)
    runs = Runs.of(what)
    entry, seen = runs.told(entry, seen, _find)
    looks = itertools.chain(
        mistakes_in(certfile, keyfile, cafile, password), wrong_signers(certfile, cafile, chain)
    )
    closer = None
    # What the sides have shown stays: a file that is wrong as well did not cause it.
    for state, words in () if seen.state and not seen.says else looks:
        closer, closely = _find(replace(seen, state=state, words=words))
        if any(state in _list(when.get("state", ())) for when in _list(closer["when"])):
            entry, seen = closer, closely
            break
        closer = None
    given = {"cert": certfile, "key": keyfile, "ca": cafile, "crl": crlfile}
    names, shell = _names(entry, seen, given)
    names["all"] = steady("; ".join(view.raw for view in views if view.failure.error) or "nothing")
    texts = {"who": "{Refuser} refused {refused}."} | entry | entry.get(seen.side, {})
    causes = ranked(texts["why"], alert_of(normal(seen.failure.reason)), peer, runs.names())
    told = {name: texts[name].format_map(names) for name in ("who", "what", "where", "fix")}
    told["why"] = in_words([cause.format_map(names) for cause in causes])
    if not seen.side:
        device, backend = (
            texts["where"].format_map(names | _names(entry, replace(seen, side=side), given)[0])
            for side in ("device", "backend")
        )
        if device != backend:
            told["where"] = f"if the device shows it: {device}; if the backend does: {backend}"
    if entry.get("late") and any(view.believed for view in views):
        told["what"] += LATE
    if seen.note and entry.get("known", True):
        told["what"] += f" {seen.note}"
    try:
        command = texts.get("command", "").format_map(shell)
    except KeyError:  # it cannot be told whose files these are
        command = ""
    found: list[Finding] = []
    if chain or any(path is not None for path in given.values()):
        found = findings(seen, _owner(entry, seen), given, chain, password=password)
    if found and found[0].explains and closer is None:
        cause = found.pop(0)
        causes = [cause.says]
        told["why"] = f"In these files, {cause.says}. {cause.why}".strip()
        told["fix"], told["where"] = cause.fix, cause.where
        command = cause.command or command
    return Explanation(
        entry.get("known", True),
        **told,
        command=command,
        entry=entry["name"],
        says=seen.says,
        stack=seen.stack,
        causes=tuple(cause.format_map(names) for cause in causes) if len(causes) > 1 else (),
        files=tuple(each.says for each in found),
    )


def _owner(entry: Entry, seen: Symptoms) -> str:
    """Whose certificate was refused, or did not load; `""` if that cannot be told."""
    return OTHER[seen.side] if entry["seen_by"] == "refuser" else seen.side


# --- Which entry fits


@cache
def _entries() -> tuple[Entry, ...]:
    return tuple({"name": name} | entry for name, entry in read_facts("explanations").items())


@cache
def _conditions() -> tuple[tuple[Entry, dict[str, list[Any]]], ...]:
    """Each table of a `when` with its entry, every value as a list."""
    return tuple(
        (entry, {key: _list(value) for key, value in when.items()})
        for entry in _entries()
        for when in _list(entry["when"])
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _find(seen: Symptoms) -> tuple[Entry, Symptoms]:
    """Return the first entry that fits; it may tell the side, if that was not known."""
    failure = seen.failure
    reason = normal(failure.reason)
    facts: dict[str, object] = {
        "state": seen.state,
        "reply": seen.reply,
        "error": failure.error,
        "reason": re.sub("^WSAE", "E", reason),  # Windows has its own names
        "alert": alert_of(reason),
        "verify_code": "none" if failure.verify_code is None else failure.verify_code,
        "text": failure.text,
        "side": seen.side,
        "stage": seen.stage,
        "version": seen.version,
    }
    for entry, when in _conditions():
        if all(_fits(key, wanted, facts[key]) for key, wanted in when.items()):
            return entry, replace(seen, side=seen.side or "".join(when.get("side", ())))
    raise AssertionError("the last entry fits everything")


def _fits(key: str, wanted: list[Any], fact: object) -> bool:
    if key in {"text", "reply"}:
        return any(part in str(fact) for part in wanted)
    return fact in wanted or bool(fact if "*" in wanted else key in {"side", "stage"} and not fact)


def _tells_less(found: tuple[Entry, Symptoms]) -> tuple[int, bool]:
    entry, _ = found
    return SEEN_BY.index(entry["seen_by"]), not entry.get("known", True)


# --- The words


def _names(
    entry: Entry, seen: Symptoms, given: dict[str, PathLike | None]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what stands for each `{name}` in the sentences of an entry, and in its command."""
    side = seen.side
    seer = f"the {side}" if side else "the side that shows this error"
    other = f"the {OTHER[side]}" if side else "the other side"
    told = entry["seen_by"] == "refused"
    refuser, refused = (other, seer) if told else (seer, other)
    # Where nobody refused, it is about the side's own files.
    owner = OTHER[side] if entry["seen_by"] == "refuser" else side
    files = OWN[owner] | TRUST[OTHER[side] if told else side]
    shell = dict(files) | {"purpose": PURPOSE[owner]} if side else {}
    for name, path in given.items():
        if path is not None:
            files[name], shell[name] = shown(path)
    names = {"seer": seer, "other": other, "refuser": refuser, "refused": refused}
    names |= {name.capitalize(): text[0].upper() + text[1:] for name, text in names.items()}
    host = re.search(r"not valid for ('.*')", seen.failure.verify_message)
    nobody = "a device without a certificate" if side else "the device"
    asked = f"{printable(host[1])}, which" if host else "the host that"
    names |= files | {
        "host": f"{asked} the device asked for",
        "raw": steady(str(seen.failure)),
        "text": steady(seen.failure.text),
        "verify": printable(seen.failure.verify_message),
        "peer": printable(seen.peer) or nobody,
        "reply": printable(seen.reply),
        "version": seen.version,
    }
    lab = re.match(r"(?s)Found:    (.*)\nExpected: (.*)\nTo do:    (.*)", seen.failure.text)
    parts = lab.groups() if lab else ("", "", "")
    names |= zip(("found", "expected", "todo"), map(steady, parts), strict=True)
    names |= seen.words
    names["Todo"] = names["todo"][:1].upper() + names["todo"][1:]
    shell["file"] = names.pop("in shell", "")
    return names, shell
