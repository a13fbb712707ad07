"""Readers of what a TPM has sent: every value there and back, and no damage does harm."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtls_lab.common import FileProblem
from mtls_lab.pki import create_key
from mtls_lab.tpm import Attribute, Public, RSAPublic, Signature, Statement
from mtls_lab.tpm.endorsed import RSA_ENDORSEMENT_KEY
from mtls_lab.tpm.keys import Wrapped, parsed, read_wrapped, write_wrapped
from mtls_lab.tpm.structures import CERTIFIED, GENERATED, MOST, Reader
from tests.unit.damage import changed

POINT = create_key().public_key().public_numbers()
X, Y = (each.to_bytes(32, "big") for each in (POINT.x, POINT.y))
PUBLIC = Public(Attribute.SIGN | Attribute.FIXED_TPM, bytes(32), X, Y, signs=True)
STATEMENT = Statement(GENERATED, CERTIFIED, PUBLIC.qualified(0x4000000B), b"nonce", PUBLIC.name)
SIGNATURE = bytes.fromhex("0018000b") + b"\0\x20" + X + b"\0\x20" + Y
#: A file as tpm2-openssl writes it: a loadable key without a PIN, under the owner's storage key.
WRAPPED = Wrapped(0x40000001, PUBLIC.encoded(), b"encrypted")

READERS = {
    "public": (Public.read, PUBLIC.encoded()),
    "rsa": (RSAPublic.read, replace(RSA_ENDORSEMENT_KEY, modulus=X * 8).encoded()),
    "statement": (Statement.read, STATEMENT.encoded()),
    "signature": (Signature.read, SIGNATURE),
}


@given(
    attributes=st.integers(0, 2**32 - 1),
    policy=st.sampled_from([b"", bytes(range(32))]),
    kind=st.tuples(st.booleans(), st.booleans()),
)
def test_a_public_area_there_and_back(
    attributes: int, policy: bytes, kind: tuple[bool, bool]
) -> None:
    area = Public(Attribute(attributes), policy, X, Y, *kind)
    assert Public.read(area.encoded()) == area
    assert area.key.public_numbers() == POINT


def test_a_statement_there_and_back() -> None:
    assert Statement.read(STATEMENT.encoded()) == STATEMENT
    assert Signature.read(SIGNATURE) == Signature(POINT.x, POINT.y)


def test_the_name_depends_on_every_byte() -> None:
    names = {
        PUBLIC.name,
        Public(Attribute.SIGN, bytes(32), X, Y, signs=True).name,
        Public(PUBLIC.attributes, b"", X, Y, signs=True).name,
        Public(PUBLIC.attributes, bytes(32), Y, X, signs=True).name,
        Public(PUBLIC.attributes, bytes(32), X, Y).name,
    }
    assert len(names) == 5
    assert PUBLIC.qualified(0x40000001) != PUBLIC.qualified(0x4000000B)


@pytest.mark.parametrize("name", READERS)
def test_every_truncation_is_refused(name: str) -> None:
    read, whole = READERS[name]
    for end in range(len(whole)):
        with pytest.raises(ValueError, match=r"^(a structure that ends after \d+ bytes)$"):
            read(whole[:end])
    with pytest.raises(ValueError, match=r"^1 bytes after the end of a structure$"):
        read(whole + b"\0")


@pytest.mark.parametrize("name", READERS)
def test_damage_is_read_or_refused_and_never_more(name: str) -> None:
    """Whatever was changed: a value, or the one error that the reader documents."""
    read, whole = READERS[name]
    luck = random.Random(name)
    reasons = []
    for _ in range(3000):
        try:
            read(changed(whole, luck))
        except ValueError as refused:
            reasons.append(str(refused))
    assert 1000 < len(reasons) < 2900
    assert max(map(len, reasons)) < 80


@given(data=st.binary(max_size=300))
def test_anything_is_read_or_refused(data: bytes) -> None:
    for read, _ in READERS.values():
        with pytest.raises(ValueError, match=r"."):
            read(b"\xff" + data)  # nothing begins so


def test_a_long_structure_is_not_looked_at() -> None:
    with pytest.raises(ValueError, match=r"^a structure of 1025 bytes, which is over 1024$"):
        Reader(bytes(MOST + 1))
    with pytest.raises(ValueError, match=r"^33 bytes where 32 fit$"):
        Reader(b"\0\x21" + bytes(33)).sized(32)


def test_other_keys_are_named() -> None:
    rsa = b"\0\x01" + PUBLIC.encoded()[2:]
    with pytest.raises(ValueError, match=r"^a key of type 0x1$"):
        Public.read(rsa)
    with pytest.raises(ValueError, match=r"^a key of type 0x23$"):
        RSAPublic.read(PUBLIC.encoded())
    with pytest.raises(ValueError):  # noqa: PT011 - cryptography's own words, of each version
        _ = RSA_ENDORSEMENT_KEY.key  # a template has no modulus
    off = Public(Attribute.SIGN, b"", X, X)
    with pytest.raises(ValueError):  # noqa: PT011 - cryptography's own words, of each version
        _ = off.key


# --- The file of a wrapped key


def test_a_wrapped_key_there_and_back(tmp_path: Path) -> None:
    write_wrapped(tmp_path / "key", WRAPPED)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert read_wrapped(tmp_path / "key") == WRAPPED
    assert max(map(len, (tmp_path / "key").read_text("ascii").splitlines())) <= 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
        "-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n",
        "-----BEGIN TSS2 PRIVATE KEY-----\n?\n-----END TSS2 PRIVATE KEY-----\n",
    ],
)
def test_no_wrapped_key_is_one_message(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text, "ascii")
    with pytest.raises(FileProblem, match="holds no key that a TPM has wrapped"):
        read_wrapped(tmp_path / "key")


def test_a_damaged_file_is_read_or_refused() -> None:
    luck, outcomes = random.Random("wrapped"), set()
    area, private = WRAPPED.public, WRAPPED.private
    inner = bytes.fromhex("06066781050a0103a0030101ff020440000001")
    for half in (area, private):
        inner += bytes([4, len(half) + 2]) + len(half).to_bytes(2, "big") + half
    der = b"\x30\x81" + bytes([len(inner)]) + inner
    assert parsed(der) == WRAPPED
    for _ in range(3000):
        try:
            parsed(changed(der, luck))
        except ValueError as refused:
            outcomes.add(str(refused))
    assert len(outcomes) >= 4
    for end in range(len(der)):
        with pytest.raises(ValueError, match=r"."):
            parsed(der[:end])
