"""What a prediction's panel and a review say, as HTML and as text; and the choices they offer.

Here: functions from an answered prediction and its run to words. Not here: the panels
(prediction.py, reviewing.py), and the words themselves (data/predictions.toml).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import ipywidgets

from mtls_lab.drawing import code, escape
from mtls_lab.learner.predictions import Question, Revealed
from mtls_lab.learner.runs import Run
from mtls_lab.panels.base import WIDE, mark

__all__ = ["WHY", "as_text", "choices", "marked", "on_paper", "said", "seen", "told", "verdict"]

WHY = "Why? Choose the reason:"


def choices(
    label: str, texts: Mapping[str, str] | Mapping[bool, str], *, value: str | bool | None = None
) -> ipywidgets.RadioButtons:
    """Return radio buttons by the keys of the texts."""
    return ipywidgets.RadioButtons(
        options=[(text, key) for key, text in texts.items()],
        value=value,
        description=label,
        style=WIDE,
        layout={"width": "auto"},
    )


def told(text: str) -> str:
    """Return a sentence of the data as HTML: escaped, with its `code` and its *stress*."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)


def said(revealed: Revealed) -> str:
    """Return what is said of the outcome, a paragraph each."""
    return "".join(f"<p>{told(each)}</p>" for each in revealed.said)


def marked(revealed: Revealed, *, sure: bool | None = None) -> str:
    """Return the answers with a sign at what happened and at what was chosen."""
    lines = []
    for key, text in revealed.question.answers.items():
        kind = "good" if key == revealed.truth else "bad" if key == revealed.choice else "plain"
        sign = {"good": "✓", "bad": "✗", "plain": ""}[kind]
        yours = " <span class='lab-tag'>your prediction</span>" * (key == revealed.choice)
        lines.append(f"<li class='lab-{kind}'><b>{sign}</b><span>{told(text)}{yours}</span></li>")
    was = {
        True: "You were sure.",
        False: "You were guessing.",
        None: "You did not say how sure you were.",
    }
    before = was[sure] if revealed.choice else "You looked without a prediction."
    return f"<p>What happened:</p><ul class='lab-answers'>{''.join(lines)}</ul><p>{before}</p>"


def verdict(revealed: Revealed) -> str:
    """Return whether the prediction was right, in one line; nothing if there was none."""
    if revealed.right is None:
        return ""
    return mark(revealed.right, "As you predicted." if revealed.right else "Not as you predicted.")


def seen(run: Run) -> str:
    """Return what a run left to look at, as HTML: both sides of each exchange, and its lines."""
    parts = [
        f"<p style='margin:14px 0 4px'><b>{escape(title)}</b></p>" * bool(title)
        + str(each._repr_html_())
        for title, each in _exhibits(run)
    ]
    return (code(run.printed) if run.printed else "") + "".join(parts)


def _exhibits(run: Run) -> list[tuple[str, Any]]:
    """The evidence that a cell would show as HTML; what else is to be seen, a run prints."""
    return [(title, each) for title, each in run.named if hasattr(each, "_repr_html_")]


def as_text(asked: Question, run: Run, revealed: Revealed | None) -> str:
    """Return all of a prediction but the learner's choice, the same for everybody."""
    lines = [*_listed(asked.answers)]
    if revealed:
        lines.append(f"What happened: {revealed.outcome}")
        lines += [run.printed] * bool(run.printed)
        for title, each in _exhibits(run):
            lines += [f"{title}:"] * bool(title) + [str(each)]
        lines += _after(revealed)
        if revealed.why:
            lines += [WHY, *_listed({key: each.text for key, each in revealed.why.items()})]
    return "\n".join(lines)


def on_paper(asked: Question, run: Run, revealed: Revealed | None) -> str:
    """Return the same as HTML, for a page without a kernel; what happened is folded away."""
    answers = "".join(f"<li>{told(each)}</li>" for each in asked.answers.values())
    page = f"<p><b>{told(asked.question)}</b></p><ul>{answers}</ul>"
    if not revealed:
        return page
    after = "".join(f"<p>{told(each)}</p>" for each in _after(revealed))
    reasons = "".join(f"<li>{told(each.text)}</li>" for each in revealed.why.values())
    why = f"<p>{WHY}</p><ul>{reasons}</ul>" if reasons else ""
    happened = f"<p><b>{told(revealed.outcome)}</b></p>{seen(run)}{after}{why}"
    return f"{page}<details><summary>What happened</summary>{happened}</details>"


def _after(revealed: Revealed) -> list[str]:
    """What is said to everybody."""
    return [revealed.question.after] if revealed.truth == revealed.question.outcome else []


def _listed(texts: Mapping[str, str]) -> list[str]:
    return [f"  ( ) {each}" for each in texts.values()]
