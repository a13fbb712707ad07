"""What Mallory is told to do with one exchange, and what came of it.

Here: her plan as a value, and the judgement. Not here: relays (net/relay.py), widgets
(panels/wire/panel.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtls_lab.experiments.eavesdropping import Unit
from mtls_lab.net import Chunk, Tamper, cut, flip_bit, replace
from mtls_lab.wire import Direction, Exchange, Side

__all__ = ["DEEDS", "Plan", "Replay", "judge"]

#: What she can do, as the panel calls it.
DEEDS = {
    "nothing": "does nothing",
    "flip": "flips a bit",
    "replace": "replaces a word",
    "replay": "replays",
    "cut": "cuts",
}

#: Good, bad or neither for the defender; and why, in a sentence.
Judgement = tuple[bool | None, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What Mallory does.

    Attributes:
        deed: a name from `DEEDS`.
        record: which record or line she flips a bit of, or cuts at, such as `"← 3"`.
        bit: which bit of it; 0 is the first one that passes.
        old, new: the word that she looks for, and what she puts in its place.
    """

    deed: str = "nothing"
    record: str = ""
    bit: int = 0
    old: str = ""
    new: str = ""

    @property
    def tamper(self) -> Tamper | None:
        """What the relay is to do; None to pass everything on."""
        if self.deed == "replace" and self.old:
            return replace(self.old, self.new)
        if self.deed not in {"flip", "cut"} or not self.record:
            return None
        direction, index = Direction(self.record[0]), int(self.record[2:]) - 1
        if self.deed == "cut":
            return cut(index, direction)

        def flip(chunk: Chunk) -> bytes | None:
            # Counted from the front here, and from the back there.
            return flip_bit(index, direction, 8 * len(chunk.heard) - 1 - self.bit)(chunk)

        return flip

    def __str__(self) -> str:
        return {
            "nothing": "Mallory does nothing.",
            "flip": f"Mallory flips bit {self.bit} of {self.record}.",
            "replace": f"Mallory replaces “{self.old}” with “{self.new}”.",
            "replay": "Mallory sends the device's bytes once more.",
            "cut": f"Mallory cuts the connection at {self.record}.",
        }[self.deed]


@dataclass(frozen=True, slots=True)
class Replay:
    """An exchange, and what came of its bytes when Mallory sent them again.

    Attributes:
        exchange: the device's own exchange, undisturbed.
        backend: how the backend saw the replay.
        answer: the bytes that it answered.
    """

    exchange: Exchange
    backend: Side | None
    answer: bytes

    def __str__(self) -> str:
        return f"{self.exchange}\nThe replay, as the backend saw it:\n{self.backend}"


def judge(
    plan: Plan, result: Exchange | Replay, usual: Exchange, heard: Sequence[Unit], secret: str
) -> Judgement:
    """Say what Eve and Mallory achieved.

    Args:
        plan: what Mallory did.
        result: what came of it.
        usual: the same exchange undisturbed.
        heard: what Eve wrote down of it.
        secret: what the device asked for.
    """
    if isinstance(result, Replay):
        return _replayed(result, secret)
    if plan.deed == "nothing":
        return _listened(result, heard, secret)
    if all(unit.chunk.sent == unit.chunk.heard for unit in heard):
        if plan.deed == "replace":
            return True, f"“{plan.old}” never passed in clear, so nothing was replaced."
        return None, f"{plan.record} did not come this time, so nothing was changed."
    return _disturbed(plan, result, usual)


def _disturbed(plan: Plan, result: Exchange, usual: Exchange) -> Judgement:
    if result == usual:
        return None, "It made no difference: both ends saw what they always see."
    failures = [side.failure for side in (result.device, result.backend) if side and side.failure]
    if any(failure.error.startswith("SSL") for failure in failures):
        return True, "It was noticed. The device received nothing false."
    if plan.deed == "cut" and not result.device.ok:
        return False, (
            "That is why no reply came. The device saw the connection end, and cannot tell who "
            "ended it."
        )
    if not result.device.ok:
        return None, "That broke the exchange. To the device, the attack looks like noise."
    if _heard_something_else(result, usual) and str(result.reply).startswith("ERROR"):
        return None, "That broke the exchange. To both sides, the attack looks like noise."
    return False, f"Nobody noticed. The device received “{result.reply}”."


def _heard_something_else(result: Exchange, usual: Exchange) -> bool:
    """Whether Mallory reached the backend: if not, an ERROR is a lie of hers."""
    if result.backend is None or usual.backend is None:
        return False
    return result.backend.received != usual.backend.received


def _listened(result: Exchange, heard: Sequence[Unit], secret: str) -> Judgement:
    clear = any(secret.encode() in unit.chunk.heard for unit in heard)
    if clear:
        return False, "The device gets the secret, and Eve reads along."
    if result.ok:
        return True, "The device gets the secret, and Eve cannot read it."
    return None, "The device does not get the secret, and neither does Eve."


def _replayed(result: Replay, secret: str) -> Judgement:
    if secret.encode() in result.answer:
        return False, "The backend answered the replay, and gave the secret away again."
    return True, "The backend did not fall for it: these bytes mean nothing in a new connection."
