"""A key for one measured state: what was measured, and the policy that names it.

Here: platform configuration registers (PCRs), the digest of a policy, and the session that proves
it for a program which cannot (TPM 2.0 Library specification, Part 1, 17 and 19; Part 3, 23.7). Not
here: making the key (keys.py).

OpenSSL's provider for a TPM gives passwords and proves no policies. So the resource manager does:
a policy about PCRs holds no secret, and the TPM itself decides whether it is fulfilled.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

from mtls_lab.tpm import commands
from mtls_lab.tpm.chip import Chip
from mtls_lab.tpm.conversation import Conversation, selection, session_start
from mtls_lab.tpm.structures import Public, Reader, sized

__all__ = ["AUTH_UNAVAILABLE", "MEASURED", "by_policy", "measure", "policy_for", "register_of"]

#: The register of the lab: the first of those that an operating system measures into.
MEASURED = 8
#: Part 2, 6.6.3: the first handle's key may not be used so, such as with a password.
AUTH_UNAVAILABLE = 0x12F
POLICY_PCR, READ_PUBLIC = 0x17F, 0x173
#: What stands in a response where an authorization by a password was.
_PASSWORD_DONE = struct.pack(">HBH", 0, 1, 0)


def measure(chip: Chip, data: bytes) -> bytes:
    """Measure what is about to run into register 8; return what the register is then.

    Raises:
        LabError: the TPM cannot be reached, or refuses.
    """
    with Conversation(chip) as tpm:
        tpm.extend_pcr(MEASURED, hashlib.sha256(data).digest())
        return tpm.read_pcr(MEASURED)


def register_of(*measured: bytes) -> bytes:
    """Return what register 8 is after these were measured, one after the other, since the start.

    Example:
        >>> register_of() == bytes(32), register_of(b"a", b"b") == register_of(b"b", b"a")
        (True, False)
    """
    value = bytes(32)
    for each in measured:
        value = hashlib.sha256(value + hashlib.sha256(each).digest()).digest()
    return value


def policy_for(*measured: bytes) -> bytes:
    """Return the policy of a key that works only after these were measured: TPM2_PolicyPCR.

    Example:
        >>> policy_for(b"firmware 1").hex()[:8]
        '87193e1a'
    """
    state = hashlib.sha256(register_of(*measured)).digest()
    begun = bytes(32) + struct.pack(">I", POLICY_PCR) + selection(MEASURED) + state
    return hashlib.sha256(begun).digest()


def by_policy(ask: Callable[[bytes], bytes], command: bytes) -> bytes | None:
    """Run a command again whose key wants a policy: with a session in which PCRs were named.

    Args:
        ask: takes a command to the TPM.
        command: one that names one key, authorized by a password.

    Returns:
        The response, as if a password had been enough; None where that is not the matter.
    """
    key = command[commands.HEAD : commands.HEAD + 4]
    try:
        said = ask(commands.command(READ_PUBLIC, key))
        if not Public.read(Reader(said[commands.HEAD :]).sized()).policy:
            return None
    except ValueError:  # a key of a kind that the lab does not make
        return None
    begun = ask(session_start())
    session = begun[commands.HEAD : commands.HEAD + 4]
    ask(commands.command(POLICY_PCR, session + sized(b"") + selection(MEASURED)))
    (old,) = struct.unpack_from(">I", command, commands.HEAD + 4)
    area = session + struct.pack(">HBH", 0, 0, 0)
    rest = command[commands.HEAD + 8 + old :]
    head = key + struct.pack(">I", len(area)) + area
    response = ask(commands.command(commands.code_of(command), head + rest, tag=commands.SESSIONS))
    if commands.code_of(response):
        ask(commands.flush(int.from_bytes(session, "big")))
        return response
    (size,) = struct.unpack_from(">I", response, commands.HEAD)
    given = response[commands.HEAD : commands.HEAD + 4 + size]
    return commands.command(0, given + _PASSWORD_DONE, tag=commands.SESSIONS)
