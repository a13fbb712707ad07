"""The form of every message that a person reads. When each is raised stands with its module."""

import pickle

import pytest

from mtls_lab.common import errors
from mtls_lab.common.errors import FileProblem, LabError, UnknownName

#: UnknownName writes its message itself; it has a test of its own.
NAMES = [
    name
    for name in errors.__all__
    if isinstance(getattr(errors, name), type) and name != "UnknownName"
]
KINDS = [getattr(errors, name) for name in NAMES]


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_three_parts(kind: type[LabError]) -> None:
    error = kind("two keys", "one key", "copy it again")
    assert isinstance(error, LabError)
    assert (error.found, error.expected, error.todo) == ("two keys", "one key", "copy it again")
    assert str(error) == "Found:    two keys\nExpected: one key\nTo do:    copy it again"


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_notebook_shows_no_traceback(kind: type[LabError]) -> None:
    assert kind("a", "b", "c")._render_traceback_() == [kind.__name__, str(kind("a", "b", "c"))]


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_survives_a_process_boundary(kind: type[LabError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("a", "b", "c")))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy)) == (kind, str(kind("a", "b", "c")))


def test_what_a_file_is_instead_survives_it_too() -> None:
    problem = FileProblem("a.pem is in DER form", "a key in PEM form", "convert it", "der")
    assert pickle.loads(pickle.dumps(problem)).kind == "der"  # noqa: S301 - our own bytes


def test_an_unknown_name_lists_the_known_ones() -> None:
    error = UnknownName("question", "tls", ("tcp", "mtls"))
    for shown in (error, pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own bytes
        assert str(shown) == (
            "Found:    no question 'tls'\nExpected: one of tcp, mtls\nTo do:    correct the name"
        )
