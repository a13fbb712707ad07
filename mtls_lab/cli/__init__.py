"""This machine: is it ready for the lab, and what does its openssl say.

Here: what has to work where a package is missing, so nothing that needs cryptography. Not here:
the command line (cli.py), and how `mtls-lab` is typed here (program.py).
"""

from mtls_lab.machine.doctor import examine
from mtls_lab.machine.installed import Finding, Level
from mtls_lab.machine.terminal import available, openssl

__all__ = ["Finding", "Level", "available", "examine", "openssl"]
