"""What a TPM said, if a failure or a line quotes one of its response codes.

Here: finding the code and the state that data/explanations.toml asks for. Not here: what a code
means (tpm/codes.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mtls_lab.common import printable
from mtls_lab.explaining.symptoms import Symptoms

__all__ = ["coded", "quoted"]

#: Who quotes a TPM's code writes one of these as well; a lone code is asked about as such.
_SIGNS = re.compile(
    r"\[SSL\] (PEM|EVP) lib \(0x|"
    r"Esys_|TPM_RC_|TSS2_|\btpm:|tpm2?[_:]|\bTPM Error|ErrorCode \(0x|^\s*0x[0-9a-fA-F]{3,8}\s*$"
)
#: Of a line, as much is read as words of a code may have.
LONGEST = 1000
#: How the TSS writes that it reached no TPM, and its code for that, TSS2_RC_IO_ERROR.
_NO_TPM = (
    *("No standard TCTI could be loaded", "Failed to instantiate TCTI"),
    "Failed to open specified TCTI device file",
)
_UNREACHED = "0xa000a"
#: How a failure ends that the lab's own device had because of its TPM (net/apart.py), and how the
#: error ends that says what to ask (tpm/conversation.py).
_ENDS = re.compile(r'\("?(0x[0-9a-f]{3,8})"?\)$')
#: The states that have an entry of their own; every other code is told by its words alone.
_OWN = {
    *("INTEGRITY", "AUTH_FAIL", "BAD_AUTH", "LOCKOUT", "OBJECT_MEMORY", "SESSION_MEMORY"),
    *("MEMORY", "SESSION_HANDLES", "OBJECT_HANDLES", "POLICY_FAIL", "PCR_CHANGED", "PCR"),
    *("AUTH_UNAVAILABLE", "IO_ERROR", "NO_CONNECTION", "GENERAL_FAILURE", "TICKET", "RETRY"),
    *("FAILURE", "VALUE"),
}


def coded(seen: Symptoms) -> Symptoms:
    """Add what the TPM said, if the failure ends with its code."""
    found = _ENDS.search(seen.failure.text)
    if found is None:
        return seen
    code, state = _told(found[1], seen.failure.text)
    return replace(seen, state=state, words=(("code", code),)) if state else seen


def quoted(text: str) -> Symptoms | None:
    """Return what a line or a log tells of a TPM; None if it quotes no code of one."""
    from mtls_lab.explaining.raised import SHOWN  # noqa: PLC0415 - it is loaded for lines only

    signed = "0x" in text and _SIGNS.search(text)
    if not signed and not any(sign in text for sign in ("tpm:", "TPM_RC_", "TPM2_RC_", *_NO_TPM)):
        return None
    for line in text.splitlines():
        for number in _numbers(line, bare=bool(signed)):
            code, state = _told(number, line)
            if state:
                says = printable(line.strip()[:SHOWN])
                return Symptoms(
                    state=state, words=(("code", code),), says=says, stack="TPM 2.0 software (TSS)"
                )
    return None


def _numbers(line: str, *, bare: bool) -> Iterator[str]:
    """Give the codes of a line, which may have them as numbers, by name or in words."""
    from mtls_lab.tpm.codes import code_in_words  # noqa: PLC0415 - few failures have one

    if bare:
        yield from re.findall(r"\b0x[0-9a-fA-F]{3,8}\b", line)
    if (code := code_in_words(line[:LONGEST])) is not None:
        yield f"{code:#x}"
    if any(sign in line for sign in _NO_TPM):
        yield _UNREACHED


def _told(number: str, by: str) -> tuple[str, str]:
    """Return a code in words, and its state; no state if it is no code of a TPM.

    Args:
        number: the code.
        by: what quotes it, which may name the command.
    """
    from mtls_lab.tpm.codes import decode  # noqa: PLC0415 - few failures have one

    code = decode(int(number, 16))
    if code.ok or not code.name:
        return "", ""
    if code.name == "INTEGRITY" and "ActivateCredential" in by:
        return str(code), "tpm: credential"
    return str(code), f"tpm: {code.name if code.name in _OWN else 'other'}"
