"""What a teacher has collected: folders, patterns, and who handed in twice."""

import json
from pathlib import Path

from mtls_lab.classroom import collected, once_each
from mtls_lab.classroom.handing_in import HandedIn
from mtls_lab.learner.progress import Predicted, Progress, Taken, Tried


def learner(name: str, tries: int = 0, **choices: str) -> HandedIn:
    guesses = {question: Predicted(choice, "truth") for question, choice in choices.items()}
    tasks = {"fetch": Tried("not yet", tries)} if tries else {}
    return HandedIn(name, Progress(predictions=guesses, exercises=tasks))


def test_files_folders_and_patterns(tmp_path: Path) -> None:
    """One that was renamed is known by what is in it, and whatever else is there is told."""
    paths = [
        tmp_path / "abgabe.txt",
        tmp_path / "b" / "Ada_123_progress-ada.json",
        tmp_path / "b" / "progress-b (1).json",
        tmp_path / "progress-a.json",
    ]
    for path in (*paths, *(tmp_path / "b" / name for name in ("other.json", "all.zip", ".ds"))):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    paths[0].write_text(json.dumps({"name": "Ada", "predictions": {}, "exercises": {}}))
    assert collected([paths[0]]) == ([paths[0]], [])
    others = [str(Path("b", name)) for name in ("all.zip", "other.json")]
    assert collected([tmp_path]) == (paths, others)
    assert collected([tmp_path / "*" / "progress-*.json"]) == ([paths[2]], [])
    gone = tmp_path / "progress-c.json"
    assert collected([gone, tmp_path / "c*.json"]) == ([gone, tmp_path / "c*.json"], [])


def test_a_file_with_brackets_in_its_name_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "progress-a [1].json"
    path.touch()
    assert collected([path]) == ([path], [])


def test_who_hands_in_again_counts_once_with_the_fuller_file() -> None:
    early, late = learner("Ada", eve_listens="nobody"), learner("ada", eve_listens="nobody", x="y")
    for order in ([early, late], [late, early]):
        assert once_each(order) == ([late], [order[1].name])
    tried = learner("Ada", tries=2, eve_listens="nobody")
    assert once_each([early, tried, early]) == ([tried], ["Ada"])


def test_two_learners_of_one_name_are_two() -> None:
    """They have predicted something else, or answered a test that was handed in otherwise."""
    both = [learner("Ada", eve_listens="nobody"), learner("Ada", eve_listens="backend")]
    assert once_each(both) == (both, [])
    tests = [Taken({"clock": answer}, handed_in=True) for answer in ("device", "backend")]
    both = [HandedIn("Ada", Progress(quiz=Progress().quiz | {"before": taken})) for taken in tests]
    assert once_each(both) == (both, [])
