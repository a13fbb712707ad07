"""The openssl command line, for the commands that the notebooks show.

Here: running one command and saying plainly when that is not possible. Not here: what the
commands mean. The lab works without the program; it is the second opinion.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess

from mtls_lab.errors import ToolMissing

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

    Example:
        >>> output = openssl("version")
        $ openssl version
        ok
    """
    print("$ openssl", " ".join(arguments.split()))
    program = shutil.which("openssl")
    if program is None:
        print(
            ToolMissing(
                "no program called openssl on this machine",
                "openssl 3.0 or newer",
                "go on: the files made in Python are used. To see both, install it "
                "(apt install openssl, brew install openssl, conda install openssl)",
            )
        )
        return ""
    try:
        result = subprocess.run(
            [program, *shlex.split(arguments)],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # of a certificate in DER, say
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else f"no answer in {TIMEOUT} s"
        print(
            ToolMissing(
                f"{program} does not work ({why})",
                "openssl 3.0 or newer",
                "go on: the files made in Python are used. To see both, repair this program",
            )
        )
        return ""
    output = (result.stdout + result.stderr).strip()
    if show or result.returncode:
        print(output)
    if result.returncode:
        print(f"failed with exit code {result.returncode}")
    elif not show:
        print("ok")
    return output
