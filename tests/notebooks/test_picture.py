"""The README's picture shows what the attacks really do.

Here: the committed file against a fresh one. Not here: the verdicts one by one (tests/unit).
"""

from tests.authoring.picture import PICTURE, draw


def test_the_committed_picture_is_what_the_attacks_give() -> None:
    assert PICTURE.read_text(encoding="utf-8") == draw()
