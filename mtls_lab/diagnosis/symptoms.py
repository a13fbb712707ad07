"""What is known of a failure before it is explained: from both sides, a traceback, the files.

Here: an exchange, a side or an exception reduced to symptoms that data/explanations.toml is
keyed on. Not here: what they mean (explanation.py), and reading PEM files (pki/pem.py).
"""

from __future__ import annotations

import builtins
import os
import re
import shlex
import ssl
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.errors import FileProblem
from mtls_lab.files import PathLike
from mtls_lab.text import printable
from mtls_lab.wire import Exchange, Failure, Side, Stage

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Symptoms", "mistakes_in", "shown", "steady", "symptoms", "wrong_signers"]

#: Which mistake is in a file, by the words in which pem says so.
MISTAKES = {
    "with a password": "password",
    "is encrypted": "password",
    "in DER form": "der",
    "of another kind": "kind",  # an RSA key, say: the lab makes EC keys, ssl takes both
    "holds a damaged": "other",
    "holds a": "swapped",
}
#: What differs between two runs or two machines, and what stands in its place.
VARIES = (
    (re.compile(r"(?<![\w.:/])(?:[A-Za-z]:\\|/)(?:[^\s\\/:,;]+[\\/])+([^\s\\/:,;]+)"), r"…/\1"),
    (re.compile(r"\('[^']*', \d+[^)]*\)"), "an address"),
    (re.compile(r"\bport \d+"), "the port"),
    (re.compile(r"(?<=\d):\d{1,5}\b"), ""),
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x…"),
)


@dataclass(frozen=True, slots=True)
class Symptoms:
    """What one side saw, as `when` in the data file asks for it; `""` is what nobody knows.

    `state` is what no failure says: how a good exchange was protected, that a rule raised, or
    which mistake is in a file. `words` are names that go with it.
    """

    side: str = ""
    stage: str = ""
    failure: Failure = field(default_factory=lambda: Failure(""))
    version: str = ""
    peer: str = ""
    reply: str = ""
    state: str = ""
    words: tuple[tuple[str, str], ...] = ()

    @property
    def raw(self) -> str:
        """The failure as it came, and who has it."""
        return f"{self.side}: {self.failure}" if self.side else str(self.failure)

    @property
    def believed(self) -> bool:
        """Whether this is a device that took itself for connected until it read.

        In TLS 1.2 it has heard of every refusal by then, so the version need not be known.
        """
        return (self.side, self.stage) == ("device", Stage.FIRST_READ.value) and (
            self.version in {"", "TLSv1.3"}
        )


# --- What was seen


def symptoms(what: object) -> list[Symptoms]:
    """Return what each side that failed has to say; of a good exchange, how it was protected.

    Raises:
        TypeError: it is none of these.
    """
    match what:
        case Exchange() if what.ok:
            return [_served(what)]
        case Exchange(device=device, backend=backend):
            sides = [device] + ([backend] if backend else [])
            # Who could not even load its files knows more than the other, who found nobody.
            sides = [side for side in sides if side.stage is Stage.SETUP and not side.ok] or sides
            views = [_side(side, what.reply) for side in sides if _went_wrong(side)]
            if views and backend and backend.ok and backend.received:
                views = [replace(view, state=view.state or "answered") for view in views]
            return views or [Symptoms()]
        case Side():
            return [_side(what) if _went_wrong(what) else Symptoms(state="fine")]
        case Failure():
            return [Symptoms(failure=what)]
        case BaseException():
            return [_caught(what)]
    kind = type(what).__name__
    raise TypeError(f"explain takes an Exchange, a Side, a Failure or an exception, not a {kind}")


def _served(exchange: Exchange) -> Symptoms:
    device, backend = exchange.device, exchange.backend
    if device.version is None:
        state = "plain"
    elif backend and backend.peer and backend.reused:
        state = "resumed"  # a thief need not check the backend's certificate
    elif device.peer is None:
        state = "unchecked"
    elif backend is None:
        state = "elsewhere"
    else:
        state = "mutual" if backend.peer else "tls"
    client = (backend and backend.peer) or ""
    return replace(_side(device), reply="", state=state, words=(("client", printable(client)),))


def _went_wrong(side: Side) -> bool:
    return not side.ok or _reply(side).startswith("ERROR")


def _reply(side: Side) -> str:
    return side.received[-1] if side.who == "device" and side.received else ""


def _side(side: Side, reply: str | None = None) -> Symptoms:
    failure = side.failure or Failure("")
    return Symptoms(
        side="device" if side.who == "device" else "backend",
        stage=side.stage.value,
        failure=failure,
        version=side.version or "",
        peer=side.peer or "",
        reply=_reply(side),
        state=_state(side, failure, reply),
    )


def _state(side: Side, failure: Failure, reply: str | None) -> str:
    """What the failure does not say: how a rule refused, and whether it got a certificate."""
    raised = _rule_raised(side, failure, reply)
    if raised or failure.reason == "NOT_AUTHORIZED":
        if side.asked is False:
            return "never asked" if side.version else "plain rule"
        if side.asked and not side.peer:
            return "asked in vain"
    return "rule raised" if raised else ""


def _rule_raised(side: Side, failure: Failure, reply: str | None) -> bool:
    """Whether `authorize` raised: the backend says "not authorized", and not because of a no."""
    if side.who == "device" or not failure.error or failure.reason == "NOT_AUTHORIZED":
        return False
    if reply is not None:
        return reply.startswith("ERROR not authorized")
    # From this side alone: before any command came, what no socket raises.
    kind = getattr(builtins, failure.error, None)
    early = side.stage is Stage.APPLICATION and not side.received
    return early and isinstance(kind, type) and not issubclass(kind, OSError | EOFError)


def _caught(error: BaseException) -> Symptoms:
    """Read the side and the step off the traceback: ssl works on an object that knows both."""
    seen = Symptoms(failure=Failure.of(error))
    for frame, _ in traceback.walk_tb(error.__traceback__):
        end = frame.f_locals.get("self")
        if isinstance(end, ssl.SSLSocket | ssl.SSLObject):
            seen = replace(seen, side="backend" if end.server_side else "device")
            if frame.f_code.co_name == "do_handshake":
                return replace(seen, stage=Stage.HANDSHAKE.value)
            if frame.f_code.co_name == "read":
                return replace(seen, stage=Stage.FIRST_READ.value)
    return seen


# --- What is in the files


def mistakes_in(
    certfile: PathLike | None, keyfile: PathLike | None, cafile: PathLike | None
) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
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
            if not Path(path).exists():
                mistake = "missing"
            elif mistake == "password" and wanted != "a private key":
                mistake = "swapped"
            elif mistake == "swapped" and wanted == "a private key" and keyfile is None:
                mistake = "no key"
            words = {"file": text, "wanted": wanted, "found": text + found, "in shell": command}
            yield f"{group}: {mistake}", tuple(words.items())


def wrong_signers(
    certfile: PathLike | None, cafile: PathLike | None, chain: Sequence[x509.Certificate]
) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
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


def shown(path: PathLike) -> tuple[str, str]:
    """Return a path for a sentence, without what is this machine's own, and for a shell."""
    path = Path(path)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    text = "/".join(path.parts[-2:]) if path.is_absolute() else path.as_posix()
    return text, shlex.quote(path.as_posix())


def steady(text: str) -> str:
    """Make one line that is the same on every run and on every machine."""
    for pattern, instead in VARIES:
        text = pattern.sub(instead, text)
    return printable(text.replace("\n", "; "))
