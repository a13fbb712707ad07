"""Exercise of Part 4: what a device does after its TPM has said no.

Here: the check, with every form of each code. Not here: the codes (tpm/codes.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mtls_lab.exercises.calling import call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import shown
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.tpm import decode

__all__ = ["next_step"]

STEPS = ("ask", "wait", "new key", "again", "report")
#: Of each step, the codes that take it: as the lab's device has met them, then other forms.
CODES = {
    "ask": (0x98E, 0x9A2, 0xA8E, 0x8A2, 0xB098E, 0x18E),
    "wait": (0x921, 0xC0921),
    "new key": (0x1DF, 0x2DF, 0x19F),
    "again": (0x922, 0xB0922),
    "report": (0x18B, 0x99D, 0x902, 0x101, 0xA000A, 0x12F, 0x095, 0x9FF, 0x121),
}
#: What harm another answer does, by what it should have been and what it was.
HARM = {
    ("ask", "again"): (
        "the same wrong PIN was sent again, until the TPM was locked",
        "a wrong PIN is counted: only a person can know a better one",
    ),
    ("wait", "again"): (
        "a locked TPM was asked again and again, and nobody heard of it",
        "a locked TPM refuses the right PIN too: only time, or its owner, unlocks it",
    ),
    ("wait", "ask"): (
        "a person was asked for a PIN while the TPM refuses the right one too",
        "a locked TPM refuses the right PIN too: only time, or its owner, unlocks it",
    ),
    ("wait", "new key"): (
        "a good key was given up because somebody had guessed",
        "a locked TPM still has the key: whoever can lock it could have it replaced",
    ),
    ("ask", "new key"): (
        "a good key was given up for a wrong PIN",
        "a wrong PIN says nothing about the key: whoever can type one could have it replaced",
    ),
    ("report", "new key"): (
        "a good key was given up for an error that says nothing about it",
        "only a TPM that cannot unwrap the file has lost the key",
    ),
    ("report", "again"): (
        "a command that fails every time was sent again and again",
        "again is for the one code that asks for it",
    ),
}


@exercise("a function next_step(code)")
def next_step(function: Callable[..., Any]) -> Iterator[str]:
    """Decide by a response code, whatever numbers of sessions and parameters are in it."""
    for first in (True, False):
        for step, codes in CODES.items():
            for code in codes[:1] if first else codes[1:]:
                _decides(function, code, step)
        yield (
            "the codes that the lab's device has met are told apart"
            if first
            else "and others: with another session or parameter, or behind a resource manager"
        )


def _decides(function: Callable[..., Any], code: int, step: str) -> None:
    called = call(function, code)
    said = called.returned(f"it has an answer for every code, such as {code:#x} as well")
    if said == step and isinstance(said, str):
        return
    if said not in STEPS:
        raise NotYet(
            f"for {code:#x}, {called.name} returned {shown(said)}",
            f"it returns one of {', '.join(STEPS)}",
        )
    told = decode(code)
    if harm := HARM.get((step, said)):
        raise Unsafe(f"{code:#x} {told.name}: {harm[0]}".replace("  ", " "), harm[1])
    raise NotYet(
        f"for {told}, the answer was {said!r}", "the name in a code says what happened: decode it"
    )
