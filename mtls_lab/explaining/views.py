"""What `explain` takes: each kind of thing reduced to symptoms by who knows it.

Here: the choice. Not here: exchanges and sides (symptoms.py), exceptions and HTTP answers
(caught.py), lines and logs (lines.py), the codes of a TPM (tpm_said.py).
"""

from __future__ import annotations

from dataclasses import replace

from mtls_lab.explaining.calls import attribute
from mtls_lab.explaining.caught import answered, inside, written
from mtls_lab.explaining.choosing import find
from mtls_lab.explaining.lines import heard
from mtls_lab.explaining.pasted import READ, decoded
from mtls_lab.explaining.symptoms import Symptoms, symptoms
from mtls_lab.explaining.tpm_said import coded, quoted
from mtls_lab.wire import Exchange, Failure, Side

__all__ = ["in_text", "views_of"]


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
    if not isinstance(what, Exchange | Side | Failure) and (seen_there := answered(what)):
        return [seen_there]
    return [_reread(coded(each)) for each in symptoms(what)]


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
