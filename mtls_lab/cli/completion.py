"""The command `mtls-lab completion`: what makes a shell complete `mtls-lab`.

Here: printing a finished script. Not here: writing it; tests/authoring/completion.py does, so that
no command loads a library for it.
"""

from __future__ import annotations

import argparse

from mtls_lab.common import resource_folder

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Print the script for a shell; return 0."""
    script = resource_folder("data") / "completion" / f"mtls-lab.{options.shell}"
    print(script.read_text("utf-8"), end="")
    return 0
