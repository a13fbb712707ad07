"""What `explain` takes, reduced to symptoms: exchanges and sides here, the rest by who knows it.

Not here: exceptions and HTTP answers (caught.py), lines and logs (lines.py), the codes of a TPM
(tpm_said.py), the conditions of an entry (symptoms.py), and what peers have said (peers.py).
"""

from __future__ import annotations

import builtins
from dataclasses import replace

from mtls_lab.common import printable
from mtls_lab.explaining.calls import attribute
from mtls_lab.explaining.caught import answered, exceptions_in, inside, written
from mtls_lab.explaining.excerpt import READ, decoded
from mtls_lab.explaining.lines import heard
from mtls_lab.explaining.peers import Runs
from mtls_lab.explaining.symptoms import Entry, Symptoms, best_of, find
from mtls_lab.explaining.tpm_said import coded, quoted
from mtls_lab.wire import Exchange, Failure, Side, Stage

__all__ = ["chosen", "in_text", "views_of"]


def in_text(what: object) -> object:
    """Return a text for bytes and for the result of a program, which wrote it; else what it is.

    Example:
        >>> in_text(b"EOF \\xff"), in_text(7)
        ('EOF \ufffd', 7)
    """
    if isinstance(what, bytes | bytearray):
        return decoded(what)
    own = isinstance(what, BaseException | Exchange | Side | Failure)
    if own or attribute(what, "returncode") is None:
        return what
    return written(what)


def views_of(what: object) -> list[Symptoms]:
    """Return what each view of the failure has to say: of two sides, or of one text.

    Raises:
        TypeError: it is none of the things that `explain` takes.
    """
    if isinstance(what, str):
        return [quoted(what[:READ]) or heard(what)]
    if isinstance(what, BaseException):
        return [_reread(coded(inside(what)))]
    if isinstance(what, Exchange) and (seen := _page(what)):
        return [seen]
    if not isinstance(what, Exchange | Side | Failure):
        if seen_there := answered(what):
            return [seen_there]
        if found := exceptions_in(what):
            return [_reread(coded(inside(each))) for each in found]
    return [_reread(coded(each)) for each in _of_sides(what)]


def chosen(what: object, views: list[Symptoms]) -> tuple[Entry, Symptoms, list[str]]:
    """Return the entry that fits, the view that it is of, and for which faults peers said the same.

    Args:
        what: what `explain` takes; of a text alone, what peers have said is known.
        views: what each view of it has to say.
    """
    entry, seen = best_of(views)
    if not isinstance(what, str):
        return entry, seen, []
    runs = Runs.of(what)
    return *runs.told(entry, seen, find), runs.names()


def _page(exchange: Exchange) -> Symptoms | None:
    """Return what an HTTP server said in place of a reply: to a bare "GET /", a page alone."""
    page = "\n".join(exchange.device.received)
    if not page.startswith(("HTTP/", "<")):
        return None
    seen = heard(page)
    refused = seen.state.startswith("http:")
    return replace(seen, version=exchange.device.version or "") if refused else None


def _reread(seen: Symptoms) -> Symptoms:
    """Take a reason of OpenSSL that no entry asks for as the words of a line: those mean more.

    An error that was made again, from its text alone, has words and no reason.
    """
    failure = seen.failure
    if not failure.error.startswith("SSL") or seen.state or find(seen)[0].get("known", True):
        return seen
    reason = failure.reason
    words = f"[SSL: {reason}] {reason.replace('_', ' ').lower()}" if reason else failure.text
    told = heard(words)
    if not reason and told.failure.reason:
        return replace(seen, failure=told.failure)
    return replace(seen, state=told.state) if told.state not in {"", "unread"} else seen


# --- Two sides


def _of_sides(what: object) -> list[Symptoms]:
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
