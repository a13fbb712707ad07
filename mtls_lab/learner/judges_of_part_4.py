"""What happened in a run of Part 4, as the key of an answer: judges.py says how that is asked.

Here: the predictions about keys in a TPM, a device's life and attestation. Not here: those of
Parts 1 to 3, and the list of all (judges.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtls_lab.wire import Exchange, Stage

if TYPE_CHECKING:
    from mtls_lab.experiments import KeySearch

__all__ = ["PART_4", "served"]


def served(exchange: Exchange) -> str:
    """Say of an exchange whether the device was served."""
    return "served" if exchange.ok else "refused"


# --- A key in a TPM --------------------------------------------------------------------------


def copied_key(thief: Exchange) -> str:
    """Judge how far the thief's exchange came."""
    if thief.ok:
        return "served"
    return "load" if thief.device.stage is Stage.SETUP else "refused"


def key_in_memory(of_file: KeySearch, of_tpm: KeySearch) -> str:
    """Judge in whose memory the key was found."""
    if of_tpm.found:
        return "both"
    return "file" if of_file.found else "neither"


def copied_chip(thief: Exchange) -> str:
    """Judge the exchange of whoever has the copy of the TPM."""
    return served(thief)


def tpm_session(_device: Exchange, thief: Exchange) -> str:
    """Judge the exchange of whoever has the session."""
    return served(thief)


# --- A device's life -------------------------------------------------------------------------


def birth_at_work(thief: Exchange) -> str:
    """Judge how far the exchange with the birth certificate came."""
    if thief.ok:
        return "served"
    return "rule" if thief.backend and thief.backend.version else "handshake"


def other_name(office: Exchange, at_work: Exchange | None = None) -> str:
    """Judge what the office answered, and what its certificate was good for."""
    if not office.ok:
        return "office"
    return "served" if at_work and at_work.ok else "backend"


def old_key(_device: Exchange, thief: Exchange) -> str:
    """Judge the thief's exchange with the office."""
    if thief.ok:
        return "signed"
    return "office" if thief.backend and thief.backend.version else "tls"


def clock_1970(exchange: Exchange) -> str:
    """Judge which side refused a certificate."""
    failure = exchange.device.failure
    if failure is not None and failure.verify_code is not None:
        return "device"
    return "nobody" if exchange.ok else "backend"


def swapped_context(exchange: Exchange) -> str:
    """Judge the exchange of the revoked device."""
    return served(exchange)


def dropped_early(renewed: Exchange, other: Exchange) -> str:
    """Judge which of the two was served."""
    if renewed.ok:
        return "both" if other.ok else "renewed"
    return "old" if other.ok else "neither"


def leaked_ca(office: Exchange, at_work: Exchange) -> str:
    """Judge where the forged certificate was good for something."""
    if office.ok:
        return "both" if at_work.ok else "office"
    return "work" if at_work.ok else "neither"


# --- Attestation -----------------------------------------------------------------------------


def borrowed_ek(asked: Exchange, opened: object) -> str:
    """Judge what the office said, and whether the TPM of the thief opened it."""
    if not asked.ok:
        return "office"
    return "nonce" if isinstance(opened, bytes) else "tpm"


def loaded_key(enrolled: object) -> str:
    """Judge the office's answer; a refusal of the TPM comes in its place."""
    if not isinstance(enrolled, Exchange):
        return "tpm"
    return "signed" if enrolled.ok else "office"


def forged_statement(enrolled: object) -> str:
    """Judge the office's answer; a refusal of the TPM comes in its place."""
    if not isinstance(enrolled, Exchange):
        return "credential"
    return "signed" if enrolled.ok else "signature"


def changed_firmware(exchange: Exchange) -> str:
    """Judge at which stage the device ended."""
    if exchange.ok:
        return "served"
    stages = {Stage.SETUP: "load", Stage.HANDSHAKE: "sign"}
    return stages.get(exchange.device.stage, "backend")


def measured_again(exchange: Exchange) -> str:
    """Judge whether the device was served."""
    return "signs" if exchange.ok else "refuses"


#: In the order of data/predictions.toml.
PART_4 = (
    *(copied_key, key_in_memory, copied_chip, tpm_session),
    *(birth_at_work, other_name, old_key, clock_1970, swapped_context),
    *(dropped_early, leaked_ca),
    *(borrowed_ek, loaded_key, forged_statement, changed_firmware, measured_again),
)
