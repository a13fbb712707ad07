"""A key that cannot be copied: a software TPM, its door, and what OpenSSL needs to use it.

Here: the process of the TPM, the resource manager between it and its clients, keys that it makes,
the environment of a program that uses them, its response codes in words. Not here: the device
itself (`ask_apart` of net/), thefts (experiments/), the command `mtls-lab tpm` (cli/).

    with SoftwareTPM("tpm") as chip:
        create_wrapped_key(chip, "device/tpm.key")
        csr = create_csr(chip, "device/tpm.key", "trusted-client")
        settings = environment(chip, "device")
        ask_apart("GET_SECRET", backend, keyfile="device/tpm.key", …, environment=settings)
"""

from mtls_lab.tpm.chip import Chip, Lock, find
from mtls_lab.tpm.codes import ResponseCode, codes_in, command_name, decode
from mtls_lab.tpm.keys import create_csr, create_wrapped_key, is_wrapped, read_csr
from mtls_lab.tpm.manager import Asked
from mtls_lab.tpm.provider import PACKAGES, environment, missing
from mtls_lab.tpm.questions import Questions
from mtls_lab.tpm.software import SoftwareTPM

__all__ = [
    "PACKAGES",
    "Asked",
    "Chip",
    "Lock",
    "Questions",
    "ResponseCode",
    "SoftwareTPM",
    "codes_in",
    "command_name",
    "create_csr",
    "create_wrapped_key",
    "decode",
    "environment",
    "find",
    "is_wrapped",
    "missing",
    "read_csr",
]
