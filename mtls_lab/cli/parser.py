"""The arguments of every command of `mtls-lab`, with their help.

Here: what may be typed. Not here: what is done with it, and what is said of anything else
(arguments.py).
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from pathlib import Path
from typing import Any

from mtls_lab.cli import calls, machines, values

__all__ = ["parser_of"]


class _Parser(argparse.ArgumentParser):
    #: Whether all its arguments are there.
    built = False
    #: argparse tries each argument in a formatter of its own, which loads every decompressor to
    #: learn how wide the terminal is. To try them, one of any width is enough.
    trying = argparse.HelpFormatter("", width=80)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        # A code of mbedTLS is no option: Python 3.14 knows that, older ones know -10 only.
        self._negative_number_matcher = re.compile(r"-(?:0x[0-9a-fA-F]+|[0-9.]+)$")

    def _get_formatter(self, **given: Any) -> argparse.HelpFormatter:
        return super()._get_formatter(**given) if self.built else self.trying

    def _print_message(self, message: str, file: Any = None) -> None:
        """Write a help text; unlike argparse, say it where that fails."""
        print(message, end="", file=file or sys.stderr)


class _Version(argparse.Action):
    """Print the versions; they are looked up when somebody asks for them."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(importlib.import_module("mtls_lab.cli.installed").versions())
        parser.exit()


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
        type=values.port,
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
        "explain error.log",
        "explain --certfile client.crt --keyfile client.key --cafile ca.pem error.log",
        "explain --certfile client.crt --keyfile client.key --cafile ca.pem",
        'explain --peer java --json "alert bad certificate"',
        notes=(
            "Without an error, the files alone are looked into: do they load, fit together, and\n"
            "are they in date?\n\n"
            "Exit codes:\n"
            "  0  the lab knows what the line means; of files alone: nothing wrong was found\n"
            "  1  it does not; of files alone: something was, even if few programs refuse it\n"
            "     (where the connection works, diagnose has a ! for that, and ends with 0)\n"
            "  2  wrong arguments, or a file that is not there"
        ),
    )
    why.add_argument(
        "line",
        metavar="LINE",
        nargs="*",
        help="the error, or the name of a log (default: what standard input has; without any, the "
        "files below are looked into)",
    )
    for name, held in (
        ("certfile", "the certificate, with its chain, of the side that was refused"),
        ("keyfile", "its key"),
        ("cafile", "the CAs that it is checked with"),
        ("crlfile", "the revocation lists that it is checked with"),
    ):
        values.file(why, f"--{name}", held)
    told = "its first line is a password of these files; may be repeated"
    values.file(why, "--password-file", told, action="append", default=[])
    why.add_argument(
        "--peer",
        default="",
        help="who sent the alert, with its version if you know it (go1.27): erlang, gnutls, go, "
        "haproxy, java, nginx, node, openssl, python or stunnel",
    )
    why.add_argument("--json", action="store_true", help="one JSON object, for a program")

    calls.add_to(add)
    machines.add_to(add)

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

    group = add("class", "for a teacher: how far a class is", "class handed-in")
    group.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="the files that the learners exported, or a folder in which they are",
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
    for each in (parser, *commands.choices.values()):
        each.built = True
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
