"""The openssl command line, for the commands that the notebooks show.

Here: running one command and saying plainly when that is not possible. Not here: what the
commands mean. The lab works without the program; it is the second opinion.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess

from mtls_lab.common import LabError, ToolMissing, expect_text, why_of

__all__ = ["available", "openssl"]

#: Every command that the lab shows takes milliseconds.
TIMEOUT = 20


def available() -> bool:
    """Whether this machine has the program."""
    return shutil.which("openssl") is not None


def openssl(arguments: str, *, stdin: str = "", show: bool = False) -> str:
    """Run `openssl ARGUMENTS`, print the command and how it went, and return its output.

    Args:
        arguments: as they stand on a command line, without shell syntax.
        stdin: what the command reads from its standard input.
        show: print the output too. Off by default, for it differs between releases.

    Without the program, the message says so and the notebook goes on.

    Raises:
        LabError: the arguments are no text, or a quotation in them does not end.

    Example:
        >>> output = openssl("version")
        $ openssl version
        ok
    """
    expect_text(arguments, "what openssl is to do")
    try:
        words = shlex.split(arguments)
    except ValueError:
        raise LabError(
            "a quotation mark, and none that ends it",
            "arguments as on a command line",
            "add the other one, or write \\' for one that is meant itself",
        ) from None
    print("$ openssl", " ".join(arguments.split()))
    program = shutil.which("openssl")
    if program is None:
        return _without(
            "no program called openssl on this machine",
            "To see both, install it "
            "(apt install openssl, brew install openssl, conda install openssl)",
        )
    try:
        result = subprocess.run(
            [program, *words],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # of a certificate in DER, say
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _without(
            f"{program} does not work (no answer in {TIMEOUT} s)",
            "Or run what waits, such as s_server, in a terminal",
        )
    except OSError as error:
        return _without(
            f"{program} does not work ({why_of(error)})", "Or to see both, repair this program"
        )
    output = (result.stdout + result.stderr).strip()
    if show or result.returncode:
        print(output)
    if result.returncode:
        print(f"failed with exit code {result.returncode}")
    elif not show:
        print("ok")
    return output


def _without(found: str, todo: str) -> str:
    """Say why there is no output, and that the notebook goes on; return none."""
    go_on = "go on: the files made in Python are used"
    print(ToolMissing(found, "openssl 3.0 or newer", f"{go_on}. {todo}"))
    return ""
