"""A key that cannot be copied: a software TPM, its door, and what OpenSSL needs to use it.

Here: the process of the TPM, the resource manager between it and its clients, keys that it makes,
the environment of a program that uses them, its response codes in words. Not here: the device
itself (`ask_apart` of net/), thefts (experiments/), the command `mtls-lab tpm` (cli/).

    with SoftwareTPM("tpm") as chip:
        create_wrapped_key(chip, "device/tpm.key")
        csr = create_csr(chip, "device/tpm.key", "trusted-client")
        settings = chip.environment("device")
        ask_apart("GET_SECRET", backend, keyfile="device/tpm.key", …, environment=settings)
"""

from mtls_lab.tpm.attesting import (
    Evidence,
    attestation_key,
    certify_key,
    make_credential,
    open_credential,
)
from mtls_lab.tpm.chip import Chip, Lock, find
from mtls_lab.tpm.codes import codes_in, command_name, decode
from mtls_lab.tpm.conversation import Conversation, Refusal
from mtls_lab.tpm.endorsed import RSAPublic, endorsement_certificates, endorsement_key
from mtls_lab.tpm.keys import (
    Wrapped,
    create_csr,
    create_sealed_key,
    create_wrapped_key,
    read_wrapped,
)
from mtls_lab.tpm.manager import Asked
from mtls_lab.tpm.measured import measure, policy_for
from mtls_lab.tpm.provider import missing
from mtls_lab.tpm.questions import Questions
from mtls_lab.tpm.software import SoftwareTPM
from mtls_lab.tpm.structures import Attribute, Public, Signature, Statement

__all__ = [
    "Asked",
    "Attribute",
    "Chip",
    "Conversation",
    "Evidence",
    "Lock",
    "Public",
    "Questions",
    "RSAPublic",
    "Refusal",
    "Signature",
    "SoftwareTPM",
    "Statement",
    "Wrapped",
    "attestation_key",
    "certify_key",
    "codes_in",
    "command_name",
    "create_csr",
    "create_sealed_key",
    "create_wrapped_key",
    "decode",
    "endorsement_certificates",
    "endorsement_key",
    "find",
    "make_credential",
    "measure",
    "missing",
    "open_credential",
    "policy_for",
    "read_wrapped",
]
