"""The command `mtls-lab`: its arguments, its exit codes, and what it does where output fails.

Here: parsing, and the one place that turns an error into a message. Not here: what the commands do
(commands.py, loaded when there is one to run; doctor.py).
"""

from __future__ import annotations

import argparse
import codecs
import importlib
import io
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from mtls_lab.cli import calls, chips, machines
from mtls_lab.errors import LabError, ToolMissing
from mtls_lab.program import python, typed

__all__ = ["main", "parser_of"]

#: What a shell reports for a program that SIGINT or SIGPIPE ended: 128 and the signal's number.
INTERRUPTED, PIPE_CLOSED = 128 + 2, 128 + 13
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
}
#: The options before a command, which argparse takes shortened too.
OPTIONS = ("-h", "--help", "--version")
#: For an output that has no such sign, such as a Windows code page.
ASCII = {"✓": "+", "✗": "x", "→": "->", "–": "-", "×": "x", "…": "..."}


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
        _complain(
            LabError(
                f"{error.filename or 'the output'}: {error.strerror or error}",
                "files and an output that can be read and written",
                "make room on the disk, or choose another place",
            )
        )
    except KeyboardInterrupt:
        return INTERRUPTED
    return 2


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


class _Parser(argparse.ArgumentParser):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        # A code of mbedTLS is no option: Python 3.14 knows that, older ones know -10 only.
        self._negative_number_matcher = re.compile(r"-(?:0x[0-9a-fA-F]+|[0-9.]+)$")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Write a help text; unlike argparse, say it where that fails."""
        print(message, end="", file=file or sys.stderr)


class _Version(argparse.Action):
    """Print the versions; they are looked up when somebody asks for them."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(importlib.import_module("mtls_lab.cli.installed").versions())
        parser.exit()


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser, and that of each command by its name."""
    parser = parser_of(typed())
    (commands,) = (each for each in parser._actions if each.dest == "command")  # noqa: SLF001
    return parser, dict(commands.choices or {})


def _complain_of(unknown: str, command: argparse.ArgumentParser) -> NoReturn:
    """Say it with the usage of this command: argparse does with that of all of them."""
    written = unknown.split("=", maxsplit=1)[0]
    if not written.startswith("-"):
        command.error(f"one argument too many: {unknown!r}. With blanks in it, put it in quotes.")
    meant = _meant(written, command._option_string_actions)  # noqa: SLF001
    meant = meant or "What is not meant as one is written after a --. "
    command.error(f"no option {written}. {meant}All of them: {command.prog} --help")


def _meant(written: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - for this message only

    near = difflib.get_close_matches(written, known, n=1)
    return f"Did you mean {near[0]}? " if near else ""


def parser_of(program: str) -> argparse.ArgumentParser:
    """Return the parser of the whole command, under the name by which it is typed."""
    parser = _Parser(
        prog=program,
        description="Learn mutual TLS by doing it. Without a command, the course starts.",
        epilog=f"What a command does, with an example: {program} COMMAND --help",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the versions and stop")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", prog=program)

    def add(name: str, summary: str, *examples: str, notes: str = "") -> argparse.ArgumentParser:
        shown = "\n".join(f"  {program} {each}" for each in examples)
        notes = f"\n\n{notes}" if notes else ""
        return commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"Example{'s' * (len(examples) > 1)}:\n{shown}{notes}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    start = add(
        "start",
        "put the notebooks into a folder of your own and open JupyterLab there",
        *("start", "start work --port 9000"),
    )
    _folder(start)
    start.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    start.add_argument(
        "--port",
        type=machines.port,
        help="the port of JupyterLab (default: 8888 or the next free one)",
    )
    start.add_argument("--big", action="store_true", help="large letters, for a projector")
    start.add_argument(
        "--prepare", action="store_true", help="only make the folder, do not start JupyterLab"
    )

    check = add(
        "doctor", "check whether this machine is ready for the lab", "doctor", "doctor --json"
    )
    _folder(check)
    check.add_argument("--json", action="store_true", help="one JSON object, for a program")

    why = add(
        "explain",
        "say what an error of TLS means, in the words of any program, and what to do about it",
        'explain "remote error: tls: bad certificate"',
        "explain < error.log",
        "explain --certfile client.crt --keyfile client.key --cafile ca.pem < error.log",
        'explain --peer java --json "alert bad certificate"',
    )
    why.add_argument(
        "line",
        metavar="LINE",
        nargs="*",
        help="the error, a page or a log (default: what standard input has)",
    )
    for name, held in (
        ("certfile", "the certificate, with its chain, of the side that was refused"),
        ("keyfile", "its key"),
        ("cafile", "the CAs that it is checked with"),
        ("crlfile", "the revocation lists that it is checked with"),
        ("password-file", "its first line is the password of a PKCS #12 file"),
    ):
        why.add_argument(f"--{name}", metavar="FILE", type=Path, help=held)
    why.add_argument(
        "--peer", default="", help="who sent the alert: openssl, go, java, erlang, gnutls, node, …"
    )
    why.add_argument("--json", action="store_true", help="one JSON object, for a program")

    calls.add_to(add)
    machines.add_to(add)
    chips.add_to(add)

    reset = add(
        "reset",
        "put the notebooks of a part back as they were; yours are kept beside them",
        *("reset 2", "reset 3b_exercises"),
    )
    reset.add_argument("what", metavar="PART", help="a part, such as 3, or the name of a notebook")
    _folder(reset)

    _folder(add("progress", "say how far you are", "progress"))

    test = add(
        *("quiz", "take the test before Part 1, after Part 3, or after Part 4"),
        *("quiz", "quiz --after", "quiz --part4"),
    )
    _folder(test)
    test.set_defaults(when="before")
    which = test.add_mutually_exclusive_group()
    for when, part in {"after": 3, "part4": 4}.items():
        told = f"the test after Part {part}"
        which.add_argument(f"--{when}", action="store_const", const=when, dest="when", help=told)
    _folder(
        add("review", "ask again the predictions that are due today, in five minutes", "review")
    )

    export = add("export", "write how far you are to a file for your teacher", 'export "Anna"')
    export.add_argument("name", metavar="NAME", help="how your teacher knows you")
    _folder(export)

    group = add("class", "for a teacher: how far a class is", "class handed-in/progress-*.json")
    group.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="the files that the learners exported"
    )

    key = add(
        "key", "for a teacher: what is broken in a kata, and its repair", "key anna --level 2"
    )
    key.add_argument("seed", metavar="SEED", help="what the learner gave to Kata.create")
    key.add_argument("--level", type=int, default=1, help="1, 2, 3 or 4 (default: 1)")
    finish = add(
        "completion",
        "print what makes a shell complete this command",
        "completion bash > ~/.local/share/bash-completion/completions/mtls-lab",
        'completion zsh > "${fpath[1]}/_mtls-lab"',
    )
    finish.add_argument("shell", choices=("bash", "zsh"), help="the shell")
    return parser


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        default="lab",
        type=Path,
        help="your folder (default: ./lab)",
    )


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
    with suppress(OSError):  # there is nowhere left to say it
        print(f"mtls-lab: this did not work.\n{error}", file=sys.stderr)


def _drop_output() -> None:
    """Let what is still to be written go nowhere: otherwise Python complains when it ends."""
    with suppress(OSError, AttributeError):  # it is no file, or there is none
        number = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
