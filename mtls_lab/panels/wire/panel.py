"""The wire panel of Parts 1 to 3: what Eve hears, and what Mallory can do about it.

Here: one real exchange through a relay for each press of the button, and Eve's search. Not here:
the bytes as HTML (dump.py), Mallory's controls (controls.py), what it means
(experiments/mallory.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import anywidget
import ipywidgets

from mtls_lab.attacks import reply_index
from mtls_lab.drawing import actor, code, side_by_side
from mtls_lab.experiments.eavesdropping import Unit, listing, places, seen, units
from mtls_lab.experiments.mallory import Plan, Replay, judge
from mtls_lab.explaining import explain
from mtls_lab.explaining.cards import reasons
from mtls_lab.net import Backend, Chunk, PeerCertificate, Relay, ask, watch
from mtls_lab.panels.base import WIDE, Panel, details, field, mark
from mtls_lab.panels.ladder import Ladder
from mtls_lab.panels.wire.controls import Aim
from mtls_lab.panels.wire.dump import draw
from mtls_lab.wire import SECRET, Direction, Exchange, Splitter
from mtls_lab.wire.cards import side_card

__all__ = ["WirePanel"]

#: Seconds that the device waits. Where Mallory changes a length, both sides wait for bytes
#: that never come.
PATIENCE = 2.0


class _Pointer(anywidget.AnyWidget):
    """Hears which byte of a dump is clicked in its panel; see pointer.js."""

    _esm = Path(__file__).with_name("pointer.js")


class WirePanel(Panel):
    """The device asks for the secret through a relay; Eve writes down, Mallory may change it.

    Each press of the button is one real exchange. `value` is its `Exchange`, or a `Replay`.

    Args:
        server_context, client_context: finished contexts, as for `serve` and `ask`, which are
            watched from now on; without them, plain TCP.
        authorize: the backend's rule, as for `serve`.
        secret: what the device asks for.
    """

    name = "wire"
    looks = ("wire",)

    def __init__(
        self,
        server_context: ssl.SSLContext | None = None,
        client_context: ssl.SSLContext | None = None,
        *,
        authorize: Callable[[PeerCertificate], object] | None = None,
        secret: str = SECRET,
    ) -> None:
        super().__init__(
            "On the wire",
            "The device asks through a relay. Eve writes it all down, and Mallory may "
            "change it. Choose what Mallory does, then ask.",
        )
        self._contexts = server_context, client_context
        self._authorize, self._secret = authorize, secret
        self._usual: Exchange | None = None
        self._heard: tuple[Unit, ...] = ()
        self._told = self._found = ""
        self._aim = Aim(self, secret)
        button = ipywidgets.Button(description="Ask the backend", button_style="primary")
        self.on_click(button, self._run)
        self.add(button)
        self._find = ipywidgets.Text(secret, description="Can Eve find …?", style=WIDE)
        self.on_change(self._find, self._search)
        self._answer, self._records = ipywidgets.HTML(), ipywidgets.HTML()
        heading = ipywidgets.HTML("<h5 class='lab-part'>What Eve wrote down</h5>")
        self.add_below(heading, self._find, self._answer, self._records)
        pointer = _Pointer(layout={"display": "none"}, _dom_classes=("lab-pointer",))
        pointer.on_msg(lambda _, content, __: self.guard(lambda: self._point(**content)))
        self.add_below(pointer)
        self._ladder: Ladder | None = None
        if watched := [context for context in self._contexts if context]:
            watch(*watched)
            self._ladder = Ladder(self)
            heading = ipywidgets.HTML("<h5 class='lab-part'>What the two ends said</h5>")
            self.add_below(heading, self._ladder.box)
        self.guard(self._run)

    def select(
        self,
        mallory: str = "nothing",
        *,
        record: str | None = None,
        bit: int | None = None,
        replace: tuple[str, str] | None = None,
        find: str | None = None,
    ) -> Exchange | Replay:
        """Set the controls as a hand would, ask, and return what came of it.

        Args:
            mallory: "nothing", "flip", "replace", "replay" or "cut".
            record: where she flips or cuts, such as "← 1"; without it, the reply.
            bit: which bit she flips; 0 is the first that passes. Without it, one in the middle.
            replace: the word that she looks for, and the one that she puts there.
            find: what Eve looks for.

        Raises:
            UnknownName: there is no such deed or record.
        """
        with self.turn:
            self._aim.set(mallory, record, bit, replace)
            if find is not None:
                self._find.value = find
            self.guard(self._run)
            result: Exchange | Replay = self.value
            return result

    def still(self) -> str:
        """Return what each side saw, and Eve's list without the bytes."""
        eve = f"{actor('Eve')} wrote this down:"
        return f"{self._shown}<p>{eve}</p>{code(listing(self._heard))}{self._found}"

    def _run(self) -> None:
        plan = self._aim.plan
        server, client = self._contexts
        with (
            Backend(server, authorize=self._authorize, secret=self._secret) as backend,
            Relay(backend, tamper=plan.tamper) as relay,
        ):
            exchange = ask("GET_SECRET", relay, context=client, timeout=PATIENCE)
            answer = relay.replay() if plan.deed == "replay" else b""
            again = backend.connections[-1] if plan.deed == "replay" else None
        self._heard = units([*_passed(relay, exchange), *_answered(answer)])
        if self._usual is None:
            self._usual = exchange
            came = any(unit.label == "← 1" for unit in self._heard)
            self._aim.offer(self._heard, f"← {reply_index(relay) + 1}" if came else "")
        result = Replay(exchange, again, answer) if plan.deed == "replay" else exchange
        self._report(plan, result, self._usual)

    def _report(self, plan: Plan, result: Exchange | Replay, usual: Exchange) -> None:
        good, words = judge(plan, result, usual, self._heard, self._secret)
        self._told = f"{plan} {words}\n{listing(self._heard)}\n{result}"
        exchange = result.exchange if isinstance(result, Replay) else result
        body = mark(good, f"{plan} {words}") + exchange._repr_html_()
        if isinstance(result, Replay):
            again = result.backend or "saw no connection"
            body += side_by_side(side_card(again, "backend, at the replay"))
        # The cause is known here, and no explanation of the two sides can know it.
        asked = plan.deed in {"flip", "replace", "cut"} and exchange != usual
        if not exchange.ok and not asked:
            body += reasons(explain(exchange))
        elif not exchange.ok and (plan.deed == "cut" or self._contexts != (None, None)):
            # Over plain TCP, changed bytes look like anything, and be it like TLS.
            told = reasons(explain(exchange))
            body += details("What the two sides alone would suggest", told)
        if self._ladder:
            self._ladder.show(exchange.handshake, "No message was read.")
        outcome = {True: "stopped", False: "succeeds", None: "open"}[good]
        self.show(result, self._told, body, outcome=outcome)
        self._search()

    def _point(self, unit: str, at: int) -> None:
        if self._aim.point(unit, at):
            self._search()

    def _search(self) -> None:
        """Answer whether Eve can find the words, and mark the places."""
        wanted = self._find.value
        found = places(self._heard, wanted.encode("utf-8"))
        where = ", ".join(found)
        if not wanted:
            good, words = None, "Type what Eve looks for."
        elif found:
            good, words = False, f"Yes: “{wanted}” passed in clear, in {where}."
        else:
            good, words = True, f"No: nothing that passed has “{wanted}” in it."
        self._text = f"{self._told}\nCan Eve find “{wanted}”? {'Yes' if found else 'No'}."
        self._found = mark(good, words)
        self._answer.value = f'<div role="status" data-testid="wire-found">{self._found}</div>'
        self._records.value = (
            f"<p>→ to the backend, ← to the device; {{…}} is encrypted. Open one to see its "
            f"bytes; click on a byte to make Mallory flip a bit there.</p>"
            f"{draw(self._heard, found, self._aim.aimed)}"
            f"<h5>What she learns from the connection itself</h5>{field(seen(self._heard))}"
        )


def _passed(relay: Relay, exchange: Exchange) -> list[Chunk]:
    """Return the chunks of an exchange without the backend's answer to the device's goodbye.

    The device does not wait for that one, so now and then the relay is gone before it passes.
    """
    chunks = [chunk for chunk in relay.chunks if chunk.connection == 0]
    if exchange.device.ok and exchange.device.version:
        while chunks and chunks[-1].direction is Direction.TO_DEVICE:
            chunks.pop()
    return chunks


def _answered(answer: bytes) -> Iterator[Chunk]:
    """Cut the answer to a replay into chunks."""
    splitter = Splitter()
    for index, data in enumerate([*splitter.feed(answer), splitter.rest()]):
        if data:
            yield Chunk(1, index, Direction.TO_DEVICE, data, data)
