"""The lab as a client of a TPM: one conversation, in which keys are derived, loaded and used.

Here: commands with their authorizations and what they return (TPM 2.0 Library specification,
Part 3). Not here: what they are good for (attesting.py, measured.py), and the bytes of a head
(commands.py).
"""

from __future__ import annotations

import struct
from contextlib import ExitStack
from typing import Protocol, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from mtls_lab.common import LabError, why_of
from mtls_lab.tpm import commands
from mtls_lab.tpm.caller import TIMEOUT, connected
from mtls_lab.tpm.chip import Chip
from mtls_lab.tpm.codes import command_name, decode
from mtls_lab.tpm.structures import (
    ECC,
    ECDSA,
    INSIDE,
    NULL,
    SHA256,
    Attribute,
    Public,
    Reader,
    sized,
)

__all__ = ["ENDORSEMENT", "OWNER", "Conversation", "Refusal", "selection", "session_start"]

#: Part 2, 7.4: where primary keys come from.
OWNER, NOTHING, ENDORSEMENT = 0x40000001, 0x40000007, 0x4000000B
#: Part 2, 6.5.2.
CREATE_PRIMARY, ACTIVATE, CERTIFY, POLICY_SECRET = 0x131, 0x147, 0x148, 0x151
CREATE, LOAD, SIGN, LOAD_EXTERNAL, START_SESSION = 0x153, 0x157, 0x15D, 0x167, 0x176
READ_MEMORY, MEMORY_PUBLIC, PCR_READ, PCR_EXTEND = 0x14E, 0x169, 0x17E, 0x182
#: Part 2, 6.11: a session in which a policy is proved.
POLICY = 1
#: Part 2, 6.6.3: the TPM wants to be asked again, as it may for a key with a count of wrong PINs.
RETRY, TRIES = 0x922, 5
#: Part 2, 10.7.3: the hash comes from outside, and no ticket says that this TPM made it.
NO_TICKET = struct.pack(">HIH", 0x8024, NOTHING, 0)


class _Area(Protocol):
    """A public area, of a key or of a template."""

    @classmethod
    def read(cls, data: bytes) -> Self: ...

    def encoded(self) -> bytes: ...


Area = TypeVar("Area", bound=_Area)


class Refusal(LabError):
    """The TPM said no.

    Attributes:
        code: what it said.
    """

    def __init__(self, command: str, number: int) -> None:
        self.command, self.number = command, number
        self.code = decode(number)
        super().__init__(
            f"{command}: {self.code}",
            "a command that the TPM carries out",
            f'ask what it means: explain("{number:#x}")',
        )

    def __reduce__(self) -> tuple[type[Refusal], tuple[str, int]]:
        return type(self), (self.command, self.number)


def session_start() -> bytes:
    """Return TPM2_StartAuthSession for a policy, without encryption."""
    parts = struct.pack(">II", NOTHING, NOTHING) + sized(bytes(16)) + sized(b"")
    return commands.command(START_SESSION, parts + struct.pack(">BHH", POLICY, NULL, SHA256))


class Conversation:
    """A conversation with a TPM; its resource manager forgets at its end what was loaded.

    Args:
        chip: the TPM.

    Raises:
        LabError: it cannot be reached, is lost meanwhile, or is none; so does every method.
        Refusal: it said no; so does every method.
        ValueError: what it said is not what a TPM says; so does every method.
    """

    def __init__(self, chip: Chip) -> None:
        self._end = ExitStack()
        try:
            self._send = self._end.enter_context(connected(chip.tcti, TIMEOUT))
        except (OSError, ValueError) as error:
            self._end.close()
            raise _unreached(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    # --- Keys

    def create_primary(self, hierarchy: int, template: Area) -> tuple[int, Area]:
        """Derive the key of a template from a seed: the same one each time."""
        said = self._run(
            CREATE_PRIMARY, [hierarchy], sized(_NO_SECRET) + sized(template.encoded()) + _NO_PCRS
        )
        handle, reader = _handle_first(said)
        return handle, template.read(reader.sized())

    def parent(self, handle: int) -> int:
        """Return the handle of a parent: the owner's storage key is derived, others are there."""
        return self.create_primary(handle, STORAGE_KEY)[0] if handle == OWNER else handle

    def create(self, parent: int, template: Public, pin: str = "") -> tuple[bytes, bytes]:
        """Let it make a new key; return its public area, and the private one, wrapped."""
        secret = sized(sized(pin.encode()) + sized(b""))
        said = self._run(CREATE, [parent], secret + sized(template.encoded()) + _NO_PCRS)
        reader = _parameters(said)
        private = reader.sized()
        return reader.sized(), private

    def load(self, parent: int, public: bytes, private: bytes) -> int:
        """Let it unwrap a key; return its handle."""
        return _handle_first(self._run(LOAD, [parent], sized(private) + sized(public)))[0]

    def load_external(self, key: ec.EllipticCurvePrivateKey, public: Public) -> int:
        """Hand it a key that was made elsewhere; return its handle."""
        number = key.private_numbers().private_value.to_bytes(32, "big")
        sensitive = struct.pack(">H", ECC) + sized(b"") + sized(b"") + sized(number)
        parameters = sized(sensitive) + sized(public.encoded()) + struct.pack(">I", NOTHING)
        return _parts(self._ask(commands.command(LOAD_EXTERNAL, parameters))).number(4)

    # --- Uses of keys

    def certify(self, key: int, signer: int, nonce: bytes) -> tuple[bytes, bytes]:
        """Let it state what a loaded key is; return the statement and its signature."""
        scheme = struct.pack(">H", NULL)
        reader = _parameters(self._run(CERTIFY, [key, signer], sized(nonce) + scheme))
        return reader.sized(), reader.rest()

    def sign(self, key: int, digest: bytes) -> bytes:
        """Let it sign a hash from outside; return the signature."""
        scheme = struct.pack(">HH", ECDSA, SHA256)
        return _parameters(self._run(SIGN, [key], sized(digest) + scheme + NO_TICKET)).rest()

    def activate(self, key: int, endorsement: int, credential: bytes) -> bytes:
        """Let it open a credential that was made for it and for this key; return what is in it.

        An endorsement key is used under its own policy: its owner's authorization is proved in a
        session first (TCG EK Credential Profile, B.6.2).
        """
        session = _parts(self._ask(session_start())).number(4)
        self._run(POLICY_SECRET, [ENDORSEMENT, session], sized(b"") * 3 + bytes(4), named=1)
        sessions = [commands.PASSWORD, session]
        said = self._run(ACTIVATE, [key, endorsement], credential, sessions=sessions)
        return _parameters(said).sized(32)

    # --- Its memory

    def memory_size(self, place: int) -> int:
        """Return how many bytes lie in a place of its memory (TPM2_NV_ReadPublic)."""
        reader = _parts(self._ask(commands.command(MEMORY_PUBLIC, struct.pack(">I", place))))
        about = Reader(reader.sized())
        about.take(4 + 2 + 4)  # the place, the hash of its name, its attributes
        about.sized()  # its policy
        return about.number(2)

    def read_memory(self, place: int, count: int, start: int) -> bytes:
        """Return bytes of a place that everybody may read."""
        parameters = struct.pack(">HH", count, start)
        return _parameters(self._run(READ_MEMORY, [place, place], parameters, named=1)).sized()

    # --- What was measured

    def read_pcr(self, number: int) -> bytes:
        """Return what was measured into a register, as one hash."""
        reader = _parts(self._ask(commands.command(PCR_READ, selection(number))))
        reader.take(4 + len(selection(number)))
        reader.one_of("digests", 1, size=4)
        return reader.sized(32)

    def extend_pcr(self, number: int, digest: bytes) -> None:
        """Measure: the register becomes the hash of what it was and of this digest."""
        self._run(PCR_EXTEND, [number], struct.pack(">IH", 1, SHA256) + digest)

    # --- Commands

    def _run(
        self,
        code: int,
        handles: list[int],
        parameters: bytes,
        *,
        named: int | None = None,
        sessions: list[int] | None = None,
    ) -> bytes:
        """Run a command whose handles (or the first `named`) are authorized by no password."""
        used = sessions or [commands.PASSWORD] * (len(handles) if named is None else named)
        area = b"".join(struct.pack(">IHBH", each, 0, 1, 0) for each in used)
        head = struct.pack(f">{len(handles)}I", *handles) + struct.pack(">I", len(area)) + area
        return self._ask(commands.command(code, head + parameters, tag=commands.SESSIONS))

    def _ask(self, command: bytes) -> bytes:
        for _ in range(TRIES):
            try:
                response = self._send(command)
            except (OSError, ValueError) as error:
                raise _unreached(error) from None
            if (code := commands.code_of(response)) != RETRY:
                break
        if code:
            raise Refusal(command_name(commands.code_of(command)), code)
        return response


def selection(number: int) -> bytes:
    """Return the list that names one register, in the bank of SHA-256 (Part 2, 10.9.7)."""
    return struct.pack(">IHB", 1, SHA256, 3) + (1 << number).to_bytes(3, "little")


def _parts(response: bytes) -> Reader:
    return Reader(commands.body(response))


def _handle_first(response: bytes) -> tuple[int, Reader]:
    """The handle that a response with sessions begins with, and what is behind it."""
    reader = _parts(response)
    return reader.number(4), Reader(reader.take(reader.number(4)))


def _parameters(response: bytes) -> Reader:
    """What a response with sessions gives, without the sessions behind it (Part 1, 18.10)."""
    reader = _parts(response)
    return Reader(reader.take(reader.number(4)))


def _unreached(error: Exception) -> LabError:
    return LabError(
        f"a TPM that cannot be reached, or was lost meanwhile ({why_of(error)})",
        "a TPM that runs",
        "start the TPM again",
    )


#: The parent of every key that is wrapped for the owner ("TPM 2.0 Key Files", section 3.1.8).
STORAGE_KEY = Public(
    INSIDE | Attribute.USER_WITH_AUTH | Attribute.NO_DA | Attribute.RESTRICTED | Attribute.DECRYPT,
    storage=True,
)
#: A new key without a PIN; and none of the registers is recorded with it.
_NO_SECRET, _NO_PCRS = sized(b"") * 2, sized(b"") + bytes(4)
