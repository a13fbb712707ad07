"""What is known of a failure before it is explained.

Here: an exchange or a side reduced to symptoms that data/explanations.toml is keyed on. Not here:
what they mean (explanation.py), exceptions (caught.py), lines (lines.py), files (look.py).
"""

from __future__ import annotations

import builtins
import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path

from mtls_lab.files import PathLike
from mtls_lab.text import printable
from mtls_lab.wire import Exchange, Failure, Side, Stage

__all__ = ["Symptoms", "shown", "steady", "symptoms"]

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
    which mistake is in a file. `words` are names that go with it. `says` is the line of another
    program that was read, `stack` who wrote it, `by` that program and its library by their
    names in data/lines.toml, `note` what is special about its words, `relayed` whether it has found
    nothing itself: the line repeats what the other side said. `files` are those that did not load,
    by `cert`, `key` and `ca`.
    """

    side: str = ""
    stage: str = ""
    failure: Failure = field(default_factory=lambda: Failure(""))
    version: str = ""
    peer: str = ""
    reply: str = ""
    state: str = ""
    words: tuple[tuple[str, str], ...] = ()
    says: str = ""
    stack: str = ""
    by: str = ""
    note: str = ""
    weight: float = 0
    relayed: bool = False
    files: tuple[tuple[str, str], ...] = ()

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
            if backend is None:  # whoever answered may be any program
                views = [replace(view, state=view.state or "foreign") for view in views]
            return views or [Symptoms()]
        case Side():
            return [_side(what) if _went_wrong(what) else Symptoms(state="fine")]
        case Failure():
            return [Symptoms(failure=what)]
    kind = type(what).__name__
    raise TypeError(
        "explain takes an Exchange, a Side, a Failure, an exception, a line or an HTTP answer, "
        f"not a {kind}"
    )


def _served(exchange: Exchange) -> Symptoms:
    device, backend = exchange.device, exchange.backend
    if device.version is None:
        state = "plain"
    elif backend and backend.peer and backend.reused:
        state = "resumed"  # a thief need not check the backend's certificate
    elif device.peer is None:
        state = "unchecked"
    elif backend is None:
        state = "not asked" if _not_asked(device) else "elsewhere"
    else:
        state = "mutual" if backend.peer else "tls"
    client = (backend and backend.peer) or ""
    return replace(_side(device), reply="", state=state, words=(("client", printable(client)),))


def _not_asked(device: Side) -> bool:
    """Whether the device has watched its handshake, and no CertificateRequest was in it."""
    names = {message.name for message in device.messages}
    return bool(names) and not device.reused and "CertificateRequest" not in names


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


# --- Words that are the same everywhere


def shown(path: PathLike, *, course: bool = True) -> tuple[str, str]:
    """Return a path for a sentence, without what is this machine's own, and for a shell.

    Args:
        path: the path.
        course: whether it is in the course, where all know in which folder they are.

    Example:
        >>> shown("/srv/app/tls/client.crt", course=False)
        ('…/tls/client.crt', '/srv/app/tls/client.crt')
    """
    path = Path(path)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    text = path.as_posix()
    if path.is_absolute() and course:
        text = "/".join(path.parts[-2:])
    elif path.is_absolute() and len(path.parts) > 3:
        text = f"…/{'/'.join(path.parts[-2:])}"
    return text, shlex.quote(path.as_posix())


def steady(text: str) -> str:
    """Make one line that is the same on every run and on every machine."""
    for pattern, instead in VARIES:
        text = pattern.sub(instead, text)
    return printable(text.replace("\n", "; "))
