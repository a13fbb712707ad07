"""How long a notebook takes: a measure of what a learner reads, runs and tries.

Here: words, minutes. Not here: what the notebooks and pages say about it (test_reading.py).
"""

import re

from nbformat import NotebookNode

from tests.authoring.slides import HAPPENED, PREDICT

#: Words a minute: text that teaches is read more slowly than a novel.
PACE = 200
#: Seconds for a line of code: read it, and find what it did in the output.
LINE = 6
#: Seconds for a prediction: choose an answer, alone, as teaching.md says; and for its reason.
PREDICTION, REASON = 30, 10
#: Seconds for the attempt to stop the clone: an idea or two, typed and tried.
ATTEMPT = 300
#: Questions of earlier lessons at the beginning of one: as many seconds each.
REVIEW = 3 * PREDICTION
#: Minutes for a panel, each of its controls tried once, as a new user's log had them.
PANELS = {
    "AttackPanel": 1,
    "CertificatePanel": 2,
    "ChainPanel": 3,
    "CredentialPanel": 5,
    "FleetPanel": 3,
    "LifePanel": 4,
    "ParsonsPanel": 4,
    "PlacementPanel": 5,
    "TpmPanel": 4,
    "WirePanel": 3,
    "WorkbenchPanel": 4,
}

FOLDED = re.compile(r"(?s)<details>.*?</details>|^```.*?^```|</?abbr[^>]*>", re.MULTILINE)
WORD = re.compile(r"\w[^\s|]*")


def words(text: str) -> int:
    """How many words stand open in a text cell: no hint, no solution, no words behind an `<abbr>`.

    Example:
        >>> words("| a step | means |\\n|---|---|\\n<details>well hidden</details>")
        3
    """
    return len(WORD.findall(FOLDED.sub("", text)))


def of_prose(notebook: NotebookNode) -> list[int]:
    """The words of each text cell, in order."""
    return [words(cell.source) for cell in notebook.cells if cell.cell_type == "markdown"]


def minutes(notebook: NotebookNode) -> float:
    """How long somebody sits at it who reads everything, predicts, and tries each panel once.

    What a cell printed counts as words. The cell that loads the lab is run and not read. The test
    before and after the course is not part of a lesson, and says itself how long it takes.
    """
    seconds = sum(of_prose(notebook)) / PACE * 60
    for cell in notebook.cells:
        if cell.cell_type != "code" or re.search(r"\benter\(|\bQuizPanel\(", cell.source):
            continue
        if re.match(r"review\(", cell.source):
            seconds += REVIEW
            continue
        if PREDICT.search(cell.source):
            happened = cell.outputs[-1].data["text/plain"].partition(HAPPENED)[2]
            seconds += PREDICTION + REASON + len(happened.split()) / PACE * 60
        code = PREDICT.sub("", cell.source)  # which asks, and does nothing else
        seconds += LINE * len([line for line in code.splitlines() if line.strip()])
        seconds += 60 * sum(
            PANELS[name] for name in set(re.findall(r"\b(\w+Panel)\(", cell.source))
        )
        seconds += ATTEMPT * ("stop_the_clone(" in cell.source)
        printed = (o.text for o in cell.outputs if o.output_type == "stream")
        seconds += sum(len(text.split()) for text in printed) / PACE * 60
    return seconds / 60
