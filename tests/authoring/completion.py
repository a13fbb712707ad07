"""The completion of shells for `mtls-lab`, written by shtab from the command's own arguments.

Here: which arguments are files, and the files in data/completion/. Not here: printing them
(mtls_lab/cli/completion.py). `python -m tests.authoring.completion` writes them anew.

Learners install no library for it, and no command starts slower: the scripts are finished.
"""

import argparse
from pathlib import Path

import shtab

from mtls_lab.cli.parser import parser_of
from mtls_lab.common import resource_folder

#: Those that shtab and we can try.
SHELLS = ("bash", "zsh")


def script(shell: str) -> str:
    """The completion for one shell."""
    parser = parser_of("mtls-lab")
    for each in _parsers(parser):
        for action in each._actions:
            if action.type is Path or action.metavar == "FILE":
                folder = "FOLDER" in (action.metavar or "")
                action.complete = shtab.DIRECTORY if folder else shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(parser, shell=shell)


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return list(commands.choices.values())


def main() -> None:
    for shell in SHELLS:
        path = resource_folder("data") / "completion" / f"mtls-lab.{shell}"
        path.write_text(script(shell), encoding="utf-8")
        print(path.name)


if __name__ == "__main__":
    main()
