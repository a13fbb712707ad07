"""Calling the openssl program and saying how it went. What it says about our files: interop."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from mtls_lab.common import LabError
from mtls_lab.learner import available, openssl


def test_a_command_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert openssl("version").startswith("OpenSSL ")
    assert capsys.readouterr().out == "$ openssl version\nok\n"


def test_a_command_on_two_lines_is_shown_on_one(capsys: pytest.CaptureFixture[str]) -> None:
    openssl("""dgst -sha256
                 -r""", stdin="abc")  # fmt: skip
    assert capsys.readouterr().out == "$ openssl dgst -sha256 -r\nok\n"


def test_its_output_is_returned_and_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    digest = openssl("dgst -sha256 -r", stdin="abc", show=True)
    assert digest.startswith("ba7816bf8f01cfea")
    assert capsys.readouterr().out == f"$ openssl dgst -sha256 -r\n{digest}\n"


def test_output_that_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\N{REPLACEMENT CHARACTER}" in openssl("rand 256")
    assert capsys.readouterr().out == "$ openssl rand 256\nok\n"


def test_quoted_arguments_stay_together() -> None:
    assert "No such file or directory" in openssl("x509 -in 'a file that is missing'")


@pytest.mark.parametrize("arguments", ["x509 -in 'ca.crt", ["version"], None])
def test_arguments_that_are_none(arguments: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LabError) as caught:
        openssl(arguments)
    assert caught.value.found in {
        "a quotation mark, and none that ends it",
        "what openssl is to do is a list",
        "what openssl is to do is None",
    }
    assert capsys.readouterr().out == ""


def test_a_command_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    output = openssl("x509 -in missing.crt")
    assert "missing.crt" in output
    shown = capsys.readouterr().out
    assert shown == f"$ openssl x509 -in missing.crt\n{output}\nfailed with exit code 1\n"


def test_without_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert available()
    monkeypatch.setenv("PATH", "")
    assert not available()
    assert openssl("version") == ""
    assert capsys.readouterr().out == (
        "$ openssl version\n"
        "Found:    no program called openssl on this machine\n"
        "Expected: openssl 3.0 or newer\n"
        "To do:    go on: the files made in Python are used. To see both, install it "
        "(apt install openssl, brew install openssl, conda install openssl)\n"
    )


@pytest.mark.skipif(os.name != "posix", reason="the program is a shell script")
@pytest.mark.parametrize(
    ("script", "why", "todo"),
    [
        ("#!/nowhere/sh\n", "No such file or directory", "to see both, repair this program"),
        (
            "#!/bin/sh\nexec sleep 60\n",
            "no answer",  # of a program that waits for clients, say: it is not broken
            "run what waits, such as s_server, in a terminal",
        ),
    ],
    ids=["broken", "hangs"],
)
def test_a_program_that_does_not_work(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    why: str,
    todo: str,
) -> None:
    """A notebook goes on, without a traceback."""
    program = tmp_path / "openssl"
    program.write_text(script)
    program.chmod(0o700)
    monkeypatch.setattr(sys.modules["mtls_lab.learner.terminal"], "TIMEOUT", 0.2)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    assert openssl("version") == ""
    told = capsys.readouterr().out
    assert told.startswith(f"$ openssl version\nFound:    {program} does not work ({why}")
    assert told.endswith(f"To do:    go on: the files made in Python are used. Or {todo}\n")
