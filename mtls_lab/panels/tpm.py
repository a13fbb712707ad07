"""The TPM panel of Part 4: who calls with the key, and what the TPM was asked for it.

Here: the controls, the list of commands beside the handshake, both sides. Not here: the calls
(experiments/holders.py), the codes (tpm/codes.py), what an error means (explaining/explanation.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import ipywidgets

from mtls_lab.common import read_facts
from mtls_lab.drawing import beside, breakable, escape
from mtls_lab.experiments.holders import KEYS, VERSIONS, KeyBench, KeyRun, holders
from mtls_lab.explaining import explain
from mtls_lab.explaining.cards import reasons
from mtls_lab.panels.base import WIDE, Panel, details, mark
from mtls_lab.panels.credential import MEANS, NOT_SENT
from mtls_lab.panels.ladder import Ladder
from mtls_lab.tpm import Asked, missing
from mtls_lab.tpm.questions import in_a_row
from mtls_lab.wire.ladder import draw

__all__ = ["TpmPanel"]

#: What is said in the place of messages that nobody has kept.
NOT_KEPT = "The messages were not recorded. With the key in a file, this machine makes the call."
NOBODY = "No TPM was asked: the program signs with the key that it has read."
#: With Debian 12's provider, the TPM checks the backend's signatures: these commands, up to a
#: VerifySignature.
CHECKS = {"LoadExternal", "HashSequenceStart", "ContextSave", "ContextLoad", "SequenceUpdate"}
CHECKS |= {"SequenceComplete", "ECC_Parameters"}
#: What the still picture shows beside what the panel shows.
STILL = (("tpm", "files"), ("tpm", "locked"))


class TpmPanel(Panel):
    """Choose where the key is and who calls with it, and run; `value` is the `KeyRun`.

    The device, its TPM and the thieves' are the panel's own: nothing of the learner's is touched.
    Where there is no software TPM, a call with the key in one is a recorded one, and says so.
    """

    name = "tpm"
    looks = ("tpm", "ladder")

    def __init__(self) -> None:
        super().__init__(
            "Who has the key?",
            "Choose where the key is and who calls with it, then press Run: what does the TPM do?",
        )
        self._bench = KeyBench()
        self._key = ipywidgets.ToggleButtons(
            options=[(words, name) for name, words in KEYS.items()],
            value="tpm",
            description="The key is:",
            style=WIDE,
        )
        self._version = ipywidgets.ToggleButtons(
            options=list(VERSIONS), description="Version:", style=WIDE
        )
        self._who = ipywidgets.Dropdown(
            options=[(each.title, name) for name, each in holders().items()],
            description="Who calls:",
        ).add_class("lab-stacked")
        run = ipywidgets.Button(description="Run", button_style="primary")
        self.on_click(run, self._run)
        self.add(self._key, self._version)
        self.add(self._who, run)
        self._ladder = Ladder(self)
        self._asked = ipywidgets.HTML()
        below = ipywidgets.HBox([self._asked, self._ladder.box])
        self.add_below(below.add_class("lab-body"))
        self.guard(self._run)

    def select(self, key: str, holder: str = "device", version: str = "TLS 1.3") -> KeyRun:
        """Choose and run as a hand would, and return the run.

        Args:
            key: "file" or "tpm".
            holder: "device", "files", "chip", "malware", "pin" or "locked".
            version: "TLS 1.3" or "TLS 1.2".

        Raises:
            UnknownName: there is no such choice.
        """
        self._bench.check(key, holder, version)
        with self.turn:
            self._key.value, self._who.value, self._version.value = key, holder, version
            self.guard(self._run)
            run: KeyRun = self.value
            return run

    def still(self) -> str:
        """Return what is shown, and two thefts, from real runs."""
        runs = [self.value, *(self._bench.run(*choice) for choice in STILL)]
        return "".join(beside(_body(run), _asked(run)) for run in runs) + _still_ladder(runs[0])

    def _run(self) -> None:
        # Read once: a hand may be at the next switch already.
        run = self._bench.run(self._key.value, self._who.value, self._version.value)
        self._ladder.show(run.exchange.handshake, NOT_KEPT if run.recorded else NOT_SENT)
        self._asked.value = _asked(run)
        thief = holders()[run.holder].thief
        outcome = "refused" if not run.exchange.ok else "thief served" if thief else "served"
        self.show(run, str(run), _body(run), outcome=outcome)


def _body(run: KeyRun) -> str:
    served = run.exchange.ok
    who = holders()[run.holder].title
    words = f"Key {KEYS[run.key]}, {run.version}, {who}: {'served' if served else 'not served'}."
    why = "" if served else details(MEANS, reasons(explain(run.exchange)))
    return "".join(
        [
            mark(run.good, words),
            f"<p>{escape(_lacking())}</p>" if run.recorded else "",
            f"<p>{escape(run.meaning)}</p>",
            run.exchange._repr_html_(),
            why,
        ]
    )


def _lacking() -> str:
    return (
        "Recorded on another machine, because this one has no software TPM: it lacks "
        f"{', '.join(missing())}."
    )


def _still_ladder(run: KeyRun) -> str:
    empty = NOT_KEPT if run.recorded else NOT_SENT
    return draw(
        run.exchange.handshake,
        told=(),
        inline=True,
        moving=False,
        page="still-tpm-",
        empty=empty,
    )


def _asked(run: KeyRun) -> str:
    """Return the commands in order; those that check the backend's signatures are folded."""
    asked = run.questions.asked
    if not asked:
        return f"<h5>What a TPM was asked</h5><p>{NOBODY}</p>"
    whose = "the thief's TPM" if run.holder in {"files", "chip"} else "the device's TPM"
    head = f"<h5>What {whose} was asked: {len(asked)} commands</h5>"
    parts = []
    for folded, group in itertools.groupby(_with_folds(asked), key=lambda each: each[0]):
        rows = [*in_a_row(each for _, each in group)]
        count = sum(times for _, times in rows)
        items = "".join(_row(each, times) for each, times in rows)
        if folded:
            words = f"{count} commands that check the backend's signatures"
            items = f"<li>{details(words, f'<ol>{items}</ol>')}</li>"
        parts.append(items)
    return f'{head}<ol class="lab-asked" data-testid="tpm-asked">{"".join(parts)}</ol>'


def _with_folds(asked: Sequence[Asked]) -> list[tuple[bool, Asked]]:
    """Say of each command whether it belongs to a check of a signature of the backend's."""
    folded: set[int] = set()
    for at, each in enumerate(asked):
        if each.name == "VerifySignature":
            folded.add(at)
            first = at - 1
            while first >= 0 and asked[first].name in CHECKS:
                folded.add(first)
                first -= 1
            if at + 1 < len(asked) and asked[at + 1].name == "FlushContext":  # the public key
                folded.add(at + 1)
    return [(at in folded, each) for at, each in enumerate(asked)]


def _row(each: Asked, times: int) -> str:
    means = read_facts("tpm")["asks"].get(each.name, "")
    again = each.answer.name == "RETRY"
    kind, sign = ("good", "✓") if each.answer.ok else ("plain", "↻") if again else ("bad", "✗")
    said = "ok" if each.answer.ok else breakable(str(each.answer))
    more = " The program asks again." if again else ""
    name = f"{each.name} ×{times}" if times > 1 else each.name
    return (
        f'<li class="lab-{kind}"><b>{escape(name)}</b> {escape(means)} '
        f"<span>{sign} {said}.{more}</span></li>"
    )
