"""What a caller gives, held to its kind before anything is opened: the likely slips, told at once.

Here: contexts, functions, texts, numbers, and whom to call. Not here: what a context is set to,
which is the lesson and fails in a handshake.
"""

from __future__ import annotations

import ssl
from typing import Protocol

from mtls_lab.errors import LabError, kind_of
from mtls_lab.net.sockets import Address
from mtls_lab.wire import Side

__all__ = [
    "Upstream",
    "expect_call",
    "expect_context",
    "expect_function",
    "expect_number",
    "expect_text",
    "expect_upstream",
]


class Upstream(Protocol):
    """What a device can be sent to: a Backend, or a Relay."""

    @property
    def address(self) -> Address:
        """Where it listens."""

    @property
    def elsewhere(self) -> bool:
        """Whether the backend runs in another process, so that its side is not known here."""

    def wait_for(self, peer: Address, timeout: float = ...) -> Side | None:
        """Return how the connection from `peer` ended on the backend's side."""


def expect_context(context: object, who: str, *, finished: bool = False) -> None:
    """Hold what `who` is given to being a context, a function that makes one, or None.

    With `finished`, to being a context. Raises LabError.
    """
    if isinstance(context, ssl.SSLContext):
        return
    if not finished and (context is None or callable(context)):
        return
    others = "" if finished else ", a function that returns one, or None for plain TCP"
    raise LabError(
        f"{who} was given {kind_of(context)} as its context",
        f"a finished ssl.SSLContext{others}",
        "make the context first, and give that",
    )


def expect_function(function: object, what: str) -> None:
    """Hold what is to be called later to being a function, or None. Raises LabError."""
    if function is not None and not callable(function):
        raise LabError(
            f"{what} is {kind_of(function)}",
            "a function, or None",
            f"write {what}=name, with the name of a function and without brackets behind it",
        )


def expect_upstream(to: object, who: str) -> None:
    """Hold whom `who` calls to being a backend, a relay or an address. Raises LabError."""
    if isinstance(to, tuple) and len(to) == 2:
        return
    if not isinstance(to, tuple) and hasattr(to, "address") and hasattr(to, "wait_for"):
        return
    raise LabError(
        f"{who} was given {kind_of(to)} to call",
        "what serve or Relay returned, or an address: a pair of host and port",
        'give the backend itself, or a pair such as ("localhost", 5000)',
    )


def expect_text(text: object, what: str) -> None:
    """Hold a command, a name or a host to being a text. Raises LabError."""
    if isinstance(text, str):
        return
    todo = "leave out the b before the quotes" if isinstance(text, bytes) else "put it in quotes"
    raise LabError(f"{what} is {kind_of(text)}", "a text", todo)


def expect_number(number: object, what: str, least: float = 0) -> None:
    """Hold a time-out or a limit to being a number, not below `least`. Raises LabError."""
    if isinstance(number, int | float) and number >= least:
        return
    raise LabError(
        f"{what} is {number if isinstance(number, int | float) else kind_of(number)}",
        f"a number from {least} on",
        f"write {what}={number if isinstance(number, str) and number.isdigit() else 5}, say",
    )


def expect_call(
    command: object, more: tuple[object, ...], to: object, context: object, timeout: object
) -> None:
    """Hold a call of `ask` to two arguments without a name, and to their kinds. Raises LabError."""
    expect_text(command, "the command")
    expect_number(timeout, "timeout")
    if more:
        name = "context" if isinstance(more[0], ssl.SSLContext) else "name"
        raise LabError(
            f"ask was given {2 + len(more)} arguments without a name: the third is "
            f"{kind_of(more[0])}",
            "the command and whom to ask; what follows has its name in front of it",
            f"write ask(command, backend, {name}=…)",
        )
    expect_upstream(to, "ask")
    expect_context(context, "ask")
