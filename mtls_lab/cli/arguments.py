"""The command `mtls-lab`: its arguments, its exit codes, and what it does where output fails.

Here: from arguments to a command, and the one place that turns an error into a message. Not here:
which arguments there are (parser.py), what the commands do (commands.py, loaded when there is one
to run; doctor.py).
"""

from __future__ import annotations

import argparse
import codecs
import gc
import importlib
import io
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NoReturn

from mtls_lab.cli.parser import parser_of
from mtls_lab.common import LabError, ToolMissing, folder_gone, python, typed

__all__ = ["main", "process"]

#: What a shell reports for a program that SIGINT or SIGPIPE ended: 128 and the signal's number.
INTERRUPTED, PIPE_CLOSED = 128 + 2, 128 + 13
#: How many objects are made before garbage is looked for among them.
SELDOM = 50_000
#: The commands that need neither notebooks nor what only other commands need, and their modules.
ALONE = {
    "doctor": "doctor",
    "explain": "explaining",
    "diagnose": "diagnosing",
    "certs": "certs",
    "serve": "serving",
    "ask": "asking",
    "tpm": "tpm",
    "completion": "completion",
    "quiz": "quiz",
    "review": "review",
}
#: The options before a command, which argparse takes shortened too.
OPTIONS = ("-h", "--help", "--version")
#: For an output that has no such sign, such as a Windows code page.
ASCII = {"✓": "+", "✗": "x", "→": "->", "–": "-", "×": "x", "…": "..."}


def process() -> int:
    """Run `main` as a process of its own, which seldom looks for garbage, and not at its end.

    What it loads stays, the facts of data/ above all, and to look through them takes as long as an
    answer.
    """
    gc.set_threshold(SELDOM)
    try:
        return main()
    finally:
        gc.freeze()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or 2 with one clear message.

    Without arguments, the course starts. Raises SystemExit for `--help` and wrong arguments.
    """
    _write_any_character()
    try:
        try:
            return _run(list(sys.argv[1:] if arguments is None else arguments) or ["start"])
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # what cannot be written is said here, and not at the end
    except BrokenPipeError:  # `mtls-lab class … | head`: nobody reads on
        _drop_output()
        return PIPE_CLOSED
    except OSError as error:
        _drop_output()
        _complain(_of_the_system(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    return 2


def _of_the_system(error: OSError) -> LabError:
    """Say what the system refused: where no file is named, it was the output, or this folder."""
    todo = "make room on the disk, or choose another place"
    if isinstance(error, PermissionError):
        todo = "do it under the account that owns it, or choose another place"
    return folder_gone() or LabError(
        f"{error.filename or 'the output'}: {error.strerror or error}",
        "files and an output that can be read and written",
        todo,
    )


def _run(arguments: list[str]) -> int:
    parser, commands = _parser()
    first = arguments[0]
    if first.startswith("-") and not any(each.startswith(first) for each in OPTIONS):
        _complain_of(first, parser)
    if first not in commands and not first.startswith("-"):
        meant = _meant(first, commands)
        parser.error(f"no command {first!r}. {meant}The commands are {', '.join(commands)}.")
    if first == "export" and not {"-h", "--help", "--"} & set(arguments):
        arguments.insert(1, "--")  # it has no options: whatever a learner is called is a name
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        _complain_of(unknown[0], commands[options.command])
    try:
        if alone := ALONE.get(options.command):
            return int(importlib.import_module(f"mtls_lab.cli.{alone}").run(options))
        code: int = importlib.import_module("mtls_lab.cli.commands").RUN[options.command](options)
    except LabError as error:
        _complain(error)
    except ImportError as error:
        _complain(
            ToolMissing(
                f"a package that does not load ({error})",
                f"what the lab needs, in {python()}",
                f"see what is missing: {typed('doctor')}",
            )
        )
    else:
        return code
    return 2


# --- Arguments -------------------------------------------------------------------------------


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser, and that of each command by its name."""
    parser = parser_of(typed())
    (commands,) = (each for each in parser._actions if each.dest == "command")  # noqa: SLF001
    return parser, dict(commands.choices or {})


def _complain_of(unknown: str, command: argparse.ArgumentParser) -> NoReturn:
    """Say it with the usage of this command: argparse does with that of all of them."""
    written = unknown.split("=", maxsplit=1)[0]
    if not written.startswith("-"):
        hint = "With blanks in it, put it in quotes."
        if unknown.isdigit() and "HOST:PORT" in command.format_usage():
            hint = f"Join host and port by a colon, such as localhost:{unknown}."
        command.error(f"one argument too many: {unknown!r}. {hint}")
    meant = _meant(written, command._option_string_actions)  # noqa: SLF001
    meant = meant or "What is not meant as one is written after a --. "
    command.error(f"no option {written}. {meant}All of them: {command.prog} --help")


def _meant(written: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - for this message only

    # curl's --cacert and this package's own --certfile elsewhere begin with what is meant.
    begun = [each for each in known if len(each) > len("--") and written.startswith(each)]
    near = begun[-1:] or difflib.get_close_matches(written, known, n=1)
    return f"Did you mean {near[0]}? " if near else ""


# --- Output ----------------------------------------------------------------------------------


def _write_any_character() -> None:
    """Let every text be written, also to an output that knows ASCII only."""
    codecs.register_error("mtls-lab", _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="mtls-lab")


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeEncodeError) and (sign := ASCII.get(error.object[error.start])):
        return sign, error.start + 1
    return codecs.backslashreplace_errors(error)


def _complain(error: LabError) -> None:
    from mtls_lab.explaining.wording import typed_here  # noqa: PLC0415 - for this message only

    with suppress(OSError):  # there is nowhere left to say it
        print(f"mtls-lab: this did not work.\n{typed_here(str(error))}", file=sys.stderr)


def _drop_output() -> None:
    """Let what is still to be written go nowhere: otherwise Python complains when it ends."""
    with suppress(OSError, AttributeError):  # it is no file, or there is none
        number = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
