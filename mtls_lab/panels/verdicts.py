"""What is said of the trials of a certificate on the workbench, as HTML.

Here: who accepted it, what to notice, and why it was refused. Not here: the switches
(workbench.py), and the sentences (data/workbench.toml).
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cache

from mtls_lab.common import PathLike, read_facts
from mtls_lab.drawing import BAD, GOOD, breakable, escape
from mtls_lab.experiments import Recipe
from mtls_lab.experiments.own import Own
from mtls_lab.experiments.workbench import RULES, Cause, Trial, Trials, causes
from mtls_lab.explaining import explain
from mtls_lab.explaining.cards import reasons
from mtls_lab.panels.base import details, field, mark
from mtls_lab.wire import Failure

__all__ = ["PURPOSES", "TITLES", "accepted", "cell", "notes", "own_reasons", "reasons_of", "title"]

TITLES = {
    "purpose": "Extended key usage:",
    "key_usage": "Key usage:",
    "names": "SAN:",
    "dates": "Dates:",
    "is_ca": "CA:TRUE",
    "authority_id": "Authority key identifier",
}
PURPOSES = {
    "server": "serverAuth",
    "client": "clientAuth",
    "both": "serverAuth and clientAuth",
    "none": "none",
}

AS_A_CLIENT = "as a client"
FOLDED = "As a client, which Part 3 is about"


def title(verdict: Trials) -> str:
    """Return what was tried: one's own file, or a recipe."""
    return verdict.title or str(verdict.recipe)


def accepted(verdict: Trials) -> str:
    """Return who accepted it: for each role, the verdict of either set of rules.

    The client's rows are folded: what becomes of a device is a question of Part 3. Who brings their
    own certificate is asked no questions.
    """
    rows = {
        role: f"<div><dt>{escape(role)}</dt>{''.join(map(_said, trials))}</div>"
        for role, trials in verdict.roles.items()
    }
    own = verdict.recipe is None
    client = "" if own else details(FOLDED, _list(rows.pop(AS_A_CLIENT)))
    return f"<p>{escape(title(verdict))}</p>{_list(''.join(rows.values()))}{client}"


def _list(rows: str) -> str:
    return f"<dl class='lab-trials'>{rows}</dl>"


def _said(trial: Trial) -> str:
    failure, rules = trial.failure, RULES[trial.strict]
    if failure is None:
        return f"<dd>{mark(True, f'{rules}: accepted')}</dd>"  # noqa: FBT003 - a verdict
    words = failure.verify_message or failure.reason or failure.text
    refused = mark(False, f"{rules}: refused")  # noqa: FBT003
    return f"<dd>{refused}<p>{escape(words)}</p></dd>"


def cell(trial: Trial) -> str:
    """Return the verdict of a trial as a cell of a table."""
    if trial.failure is None:
        said, colour = "✓ accepted", GOOD
    else:
        words = str(trial.failure).removeprefix("SSLCertVerificationError: ")
        said, colour = f"✗ {words}", BAD
    return f'<td role="cell" style="border-bottom:3px solid {colour}">{breakable(said)}</td>'


@cache
def _facts() -> dict[str, dict[str, str]]:
    notice: dict[str, dict[str, str]] = read_facts("workbench")["notice"]
    return notice


def notes(recipe: Recipe) -> str:
    """Return what to notice about the choices that are not the usual ones."""
    facts = _facts()
    chosen = {part: str(choice) for part, choice in asdict(recipe).items()}
    chosen |= {part: chosen[part].lower() for part in ("is_ca", "authority_id")}
    notes = [facts[part][choice] for part, choice in chosen.items() if choice in facts[part]]
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<h5>What to notice</h5><ul>{items}</ul>" if items else ""


def reasons_of(verdict: Trials) -> str:
    """Return every different reason of this verdict, with its error exactly as it came.

    Open is the first one, if it is not the client's alone: what becomes of a device is a matter
    of Part 3.
    """
    refused: dict[tuple[Failure, tuple[Cause, ...]], list[Trial]] = {}
    for trial in verdict.trials:
        if trial.failure:
            reason = trial.failure, causes(verdict.recipe, trial)
            refused.setdefault(reason, []).append(trial)
    texts = []
    for number, ((failure, found), trials) in enumerate(refused.items()):
        roles = list(dict.fromkeys(trial.role for trial in trials))
        is_open = not number and roles != [AS_A_CLIENT]
        texts.append(
            f"<details{' open' * is_open}><summary>Refused {' and '.join(roles)}: "
            f"{escape(failure.verify_message or str(failure))}</summary>"
            f"{_reason(failure, found)}</details>"
        )
    return "".join(texts)


def own_reasons(verdict: Trials, own: Own, cafile: PathLike | None) -> str:
    """Return why each role was refused: nobody chose it here, so the files and the error tell."""
    texts: dict[str, str] = {}
    for trial in verdict.trials:
        if trial.failure and trial.role not in texts:
            told = explain(trial.exchange, chain=own.certificates, cafile=cafile, course=False)
            words = escape(trial.failure.verify_message or str(trial.failure))
            head = f"<summary>Refused {trial.role}: {words}</summary>"
            texts[trial.role] = f"<details>{head}{reasons(told)}</details>"
    return "".join(texts.values())


def _reason(failure: Failure, found: tuple[Cause, ...]) -> str:
    rows = [
        ("The exact error", f"{failure.error}: {failure.text}"),
        ("Why", " ".join(cause.why for cause in found)),
        ("What to do", " ".join(map(_choose, found))),
    ]
    return field((name, text) for name, text in rows if text)


def _choose(cause: Cause) -> str:
    """What to do with the switches, in words."""
    if cause.change is None:
        return cause.fix
    part, choice = cause.change
    title = TITLES[part].removesuffix(":")
    if isinstance(choice, bool):
        return f"{'Tick' if choice else 'Clear'} “{title}”."
    return f"Set “{title}” to “{PURPOSES[choice] if part == 'purpose' else choice}”."
