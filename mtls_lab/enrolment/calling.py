"""A whole fleet calls the backend: who is served, and why the others are not.

Here: one run, as a value that prints the same every time. Not here: how a device makes its context
(the lessons), and one exchange (net/device.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mtls_lab.common import Shown, printable
from mtls_lab.drawing import BAD, GOOD, escape, verdict
from mtls_lab.net import Upstream, ask
from mtls_lab.wire import Exchange

__all__ = ["Caller", "FleetRun", "Refused", "ask_all", "why"]

COMMAND = "GET_SECRET"
#: Devices that ask at the same time: half of a handshake is waiting for the other side.
AT_ONCE = 4

#: A device: a finished context, a function that makes one, or a function that asks by itself.
Caller = object


@dataclass(frozen=True, slots=True)
class Refused:
    """A device that was not served, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class FleetRun(Shown):
    """What came of it when every device of a fleet asked once.

    Attributes:
        exchanges: by the name of the device, in order.

    Example:
        >>> from mtls_lab import serve
        >>> with serve() as backend:
        ...     print(ask_all({"pump-1": None, "pump-2": None}, backend))
        2 of 2 devices are served
    """

    exchanges: dict[str, Exchange]

    @property
    def served(self) -> tuple[str, ...]:
        """The names of the devices that got an answer."""
        return tuple(name for name, exchange in self.exchanges.items() if exchange.ok)

    @property
    def refused(self) -> tuple[Refused, ...]:
        """The others, each with its reason."""
        return tuple(
            Refused(name, why(each)) for name, each in self.exchanges.items() if not each.ok
        )

    def __str__(self) -> str:
        return "\n".join([self._head(), *self._reasons()])

    def _head(self) -> str:
        total, served = len(self.exchanges), len(self.served)
        return f"{served} of {total} devices {'is' if served == 1 else 'are'} served"

    def _reasons(self) -> list[str]:
        reasons: dict[str, list[str]] = {}
        for each in self.refused:
            reasons.setdefault(each.why, []).append(each.name)
        return [f"  {printable(', '.join(names))}: {reason}" for reason, names in reasons.items()]

    def _repr_html_(self) -> str:
        tiles = "".join(_tile(name, exchange.ok) for name, exchange in self.exchanges.items())
        reasons = "".join(f"<div>{escape(each.strip())}</div>" for each in self._reasons())
        style = "display:flex;flex-wrap:wrap;gap:4px;max-width:960px;margin:4px 0;padding:0"
        return (
            f"{verdict(not self.refused, self._head())}"
            f'<ul style="{style};list-style:none">{tiles}</ul>{reasons}'
        )


def _tile(name: str, good: bool) -> str:  # noqa: FBT001 - a verdict, not an option
    colour = GOOD if good else BAD
    style = f"border:1px solid {colour};border-top-width:5px;border-radius:4px;padding:2px 6px"
    return f'<li style="{style};margin:0">{"✓" if good else "✗"} {escape(name)}</li>'


def ask_all(devices: Mapping[str, Caller], to: Upstream) -> FleetRun:
    """Let every device of a fleet ask the backend for the secret, a few at a time.

    Args:
        devices: by name, what `ask` takes as a context; or an object with a method `ask`, which
            takes the command and the backend, such as a device whose key is in a TPM.
        to: the backend.
    """

    def one(caller: Caller) -> Exchange:
        own: Callable[..., Exchange] | None = getattr(caller, "ask", None)
        return own(COMMAND, to) if own else ask(COMMAND, to, context=caller)  # type: ignore[arg-type]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return FleetRun(dict(zip(devices, pool.map(one, devices.values()), strict=True)))


def why(exchange: Exchange) -> str:
    """Say in a few words why a device was not served: what the side says that refused."""
    return printable(_why(exchange))


def _why(exchange: Exchange) -> str:
    backend = exchange.backend.failure if exchange.backend else None
    device = exchange.device.failure
    server = exchange.backend.who if exchange.backend else "backend"
    for failure in (backend, device):
        if failure is not None and failure.verify_code is not None:
            side = server if failure is backend else "device"
            return f"the {side} says: {failure.verify_message}"
    if exchange.reply and exchange.reply.startswith("ERROR"):
        return f"the {server} says: {exchange.reply.removeprefix('ERROR ')}"
    return str(backend or device)
