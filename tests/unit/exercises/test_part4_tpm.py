"""What the checks of Part 4 say of work on a key in a TPM: untouched, wrong, unsafe and right."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from mtls_lab import checks, decode, pem
from mtls_lab.exercises import Outcome, wrapped
from mtls_lab.exercises.part4 import must_revoke as revoking
from mtls_lab.exercises.part4 import tpm_settings as settings_module
from mtls_lab.tpm import SoftwareTPM, create_wrapped_key, read_wrapped
from mtls_lab.tpm.provider import SIGNS_ALONE, version_of
from tests import needed
from tests.unit.exercises.verdicts import Attempts, Hold, named

NOT_YET, UNSAFE, RIGHT = Outcome.NOT_YET, Outcome.UNSAFE, Outcome.RIGHT
NOT_ATTEMPTED = Outcome.NOT_ATTEMPTED
#: The systems of the matrix have no software TPM: what a check says there is tested here as well.
Settings = dict[str, str]


def untouched(*_: object) -> Any:
    return ...


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a software TPM."""
    for each in (wrapped, revoking, settings_module):
        monkeypatch.setattr(each, "missing", lambda: ("swtpm",))


# --- 1. Tell OpenSSL where the key is

CONFIGURATION = """\
openssl_conf = start
[start]
providers = both
alg_section = rules
[both]
default = active
tpm2 = active
[active]
activate = 1
[rules]
default_properties = PROPERTIES
"""


def configured(
    text: str = CONFIGURATION, mode: int = 0o600, name: str = "openssl.cnf", **other: str
) -> Callable[[Path, str, str], Settings]:
    """A function that writes this configuration."""

    def tpm_settings(folder: Path, tcti: str, properties: str) -> Settings:
        path = folder / name
        path.write_text(text.replace("PROPERTIES", properties))
        path.chmod(mode)
        return {"OPENSSL_CONF": str(path), "TPM2OPENSSL_TCTI": tcti} | other

    return tpm_settings


def changed(old: str, new: str) -> Callable[[Path, str, str], Settings]:
    """A function that writes the right configuration, but for this."""
    return configured(CONFIGURATION.replace(old, new))


def for_the_notebook(folder: Path, tcti: str, properties: str) -> Settings:
    settings = configured()(folder, tcti, properties)
    os.environ.update(settings)
    return settings


def with_the_whole_environment(folder: Path, tcti: str, properties: str) -> Settings:
    return dict(os.environ) | configured()(folder, tcti, properties)


def returns_the_path(folder: Path, tcti: str, properties: str) -> Path:
    configured()(folder, tcti, properties)
    return folder / "openssl.cnf"


def without_the_tpm(folder: Path, tcti: str, properties: str) -> Settings:
    settings = configured()(folder, tcti, properties)
    del settings["TPM2OPENSSL_TCTI"]
    return settings


def as_the_umask_is(folder: Path, tcti: str, properties: str) -> Settings:
    path = folder / "openssl.cnf"
    path.write_text(CONFIGURATION.replace("PROPERTIES", properties))
    return {"OPENSSL_CONF": str(path), "TPM2OPENSSL_TCTI": tcti}


SETTINGS: Attempts = {
    **named(NOT_ATTEMPTED, untouched),
    **named(NOT_YET, for_the_notebook, returns_the_path, without_the_tpm),
    **named(NOT_YET, with_the_whole_environment),
    "another TPM": (configured(TPM2OPENSSL_TCTI="device:/dev/tpm0"), NOT_YET),
    "a relative path": (configured(OPENSSL_CONF="openssl.cnf"), NOT_YET),
    "a file elsewhere": (configured(OPENSSL_CONF="/nowhere/openssl.cnf"), NOT_YET),
    "another name": (configured(name="tpm.cnf"), NOT_YET),
    "nobody may read it": (configured(mode=0), NOT_YET),
    "no provider of the TPM": (changed("tpm2 = active\n", ""), NOT_YET),
    "no default provider": (changed("default = active\n", ""), NOT_YET),
    "the two in the other order": (
        changed("default = active\ntpm2 = active", "tpm2 = active\ndefault = active"),
        NOT_YET,
    ),
    "properties of its own": (changed("PROPERTIES", "?provider=tpm2"), NOT_YET),
    "activated with yes": (changed("activate = 1", "activate = yes"), RIGHT),
    "a dict of paths": (
        lambda folder, tcti, _: {"OPENSSL_CONF": folder, "TPM2OPENSSL_TCTI": tcti},
        NOT_YET,
    ),
    "everybody may write": (configured(mode=0o666), UNSAFE),
    "as the umask is": (as_the_umask_is, UNSAFE),
    "both variables": (configured(), RIGHT),
}


#: Refused by OpenSSL with the provider of Debian 12, whose words are held, and not by later ones.
ONCE_WRONG = ("the two in the other order", "properties of its own")


@pytest.mark.once
@needed.TPM
@pytest.mark.parametrize("name", SETTINGS)
def test_tpm_settings(name: str, hold: Hold, tmp_path: Path) -> None:
    function, outcome = SETTINGS[name]
    before = dict(os.environ)
    result = checks.tpm_settings(function)
    assert dict(os.environ) == before
    if name in ONCE_WRONG:
        with SoftwareTPM(tmp_path / "tpm") as chip:
            if version_of(chip) >= SIGNS_ALONE:
                assert result.outcome is RIGHT
                return
    hold(result, outcome)


# --- 2. The TPM says no: what next?

STEPS = {
    "AUTH_FAIL": "ask",
    "BAD_AUTH": "ask",
    "LOCKOUT": "wait",
    "INTEGRITY": "new key",
    "RETRY": "again",
}


def by_name(other: str = "report", **changed: str) -> Callable[[int], str]:
    """Decide by the names, some of them differently."""
    return lambda code: (STEPS | changed).get(decode(code).name, other)


def by_number(code: int) -> str:
    met = {0x98E: "ask", 0x921: "wait", 0x1DF: "new key", 0x922: "again"}
    return met.get(code, "report")


#: The codes of the hint, by what is left without sessions and parameters.
KNOWN = {code & 0xFF: code for code in (0x98E, 0x9A2, 0x921, 0x1DF, 0x922)}

NEXT: Attempts = {
    "the last eight bits": (
        lambda code: STEPS.get(decode(KNOWN.get(code & 0xFF, 0x101)).name, "report"),
        NOT_YET,
    ),
    **named(NOT_ATTEMPTED, untouched),
    **named(NOT_YET, by_number),
    "an error for the others": (lambda code: STEPS[decode(code).name], NOT_YET),
    "another word": (by_name(AUTH_FAIL="retry"), NOT_YET),
    "a wrong PIN is told to somebody": (by_name(AUTH_FAIL="report"), NOT_YET),
    "a wrong PIN is tried again": (by_name(AUTH_FAIL="again"), UNSAFE),
    "a locked TPM is asked again": (by_name(LOCKOUT="again"), UNSAFE),
    "a locked TPM is given up": (by_name(LOCKOUT="new key"), UNSAFE),
    "a wrong PIN costs the key": (by_name(AUTH_FAIL="new key", BAD_AUTH="new key"), UNSAFE),
    "whatever else costs the key": (by_name("new key"), UNSAFE),
    "whatever else is tried again": (by_name("again"), UNSAFE),
    "a PIN for a locked TPM": (by_name(LOCKOUT="ask"), UNSAFE),
    "by name": (by_name(), RIGHT),
}


@pytest.mark.parametrize("name", NEXT)
def test_next_step(name: str, hold: Hold) -> None:
    function, outcome = NEXT[name]
    hold(checks.next_step(function), outcome)


# --- 3. Find every key that can be copied

PLAIN = rb"-----BEGIN (?!TSS2)[A-Z ]*PRIVATE KEY-----"


def is_der(data: bytes, *, pin: bool = True) -> bool:
    try:
        serialization.load_der_private_key(data, None)
    except ValueError:
        return False
    except TypeError:
        return pin
    return True


def stops_at_a_pin(folder: Path) -> list[Path]:
    """The solution of before."""
    for path in folder.rglob("*"):
        if path.is_file():
            with suppress(ValueError):
                serialization.load_der_private_key(path.read_bytes(), None)
    return finds(PLAIN)(folder)


def no_der_with_a_pin(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [
        path
        for path in files
        if re.search(PLAIN, path.read_bytes()) or is_der(path.read_bytes(), pin=False)
    ]


def finds(
    pattern: bytes, *, der: bool = True, files: str = "*", unless: bytes = b"\0no such\0"
) -> Callable[[Path], list[Path]]:
    """Look for a pattern below a folder."""

    def copyable(folder: Path) -> list[Path]:
        data = {path: path.read_bytes() for path in folder.rglob(files) if path.is_file()}
        return [
            path
            for path, read in data.items()
            if unless not in read and (re.search(pattern, read) or (der and is_der(read)))
        ]

    return copyable


def as_text(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if "BEGIN PRIVATE KEY" in path.read_text()]


def in_this_folder_alone(folder: Path) -> list[Path]:
    return [path for path in (folder / "device").iterdir() if is_plain(path)]


def is_plain(path: Path) -> bool:
    data = path.read_bytes()
    return bool(re.search(PLAIN, data)) or is_der(data)


def relative(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in finds(PLAIN)(folder)]


COPYABLE: Attempts = {
    **named(NOT_ATTEMPTED, untouched),
    **named(NOT_YET, as_text),
    "nothing": (lambda _folder: [], NOT_YET),
    "whether there is one": (lambda folder: bool(finds(PLAIN)(folder)), NOT_YET),
    "wrapped ones too": (finds(rb"-----BEGIN .*PRIVATE KEY-----"), NOT_YET),
    "a word": (finds(b"PRIVATE KEY"), NOT_YET),
    "public keys too": (finds(rb"-----BEGIN (?!TSS2|CERT)[A-Z ]*KEY-----"), NOT_YET),
    **named(NOT_YET, stops_at_a_pin),
    **named(UNSAFE, in_this_folder_alone, no_der_with_a_pin),
    "by their names": (finds(PLAIN, files="*.key"), UNSAFE),
    "one BEGIN line": (finds(rb"-----BEGIN PRIVATE KEY-----"), UNSAFE),
    "without RSA": (finds(rb"-----BEGIN (EC |ENCRYPTED )?PRIVATE KEY-----"), UNSAFE),
    "without OpenSSH": (finds(rb"-----BEGIN (EC |RSA |ENCRYPTED )?PRIVATE KEY-----"), UNSAFE),
    "without a PIN": (finds(rb"-----BEGIN (EC |RSA )?PRIVATE KEY-----"), UNSAFE),
    "a wrapped one excuses": (finds(PLAIN, unless=b"BEGIN TSS2"), UNSAFE),
    "without DER": (finds(PLAIN, der=False), UNSAFE),
    **named(RIGHT, relative),
    "all of them": (finds(PLAIN), RIGHT),
}


@pytest.mark.parametrize("name", COPYABLE)
def test_copyable(name: str, hold: Hold) -> None:
    function, outcome = COPYABLE[name]
    hold(checks.copyable(function), outcome)


@pytest.mark.once
@needed.TPM
def test_a_wrapped_key_of_the_check_is_like_a_real_one(tmp_path: Path) -> None:
    with SoftwareTPM(tmp_path / "tpm") as chip:
        create_wrapped_key(chip, tmp_path / "real.key")
    real = (tmp_path / "real.key").read_bytes().split()
    made = wrapped.wrapped_key().split()
    assert (made[:4], made[-4:]) == (real[:4], real[-4:])
    assert made[4][:20] == real[4][:20]  # the type
    (tmp_path / "made.key").write_bytes(wrapped.wrapped_key())
    one, other = (read_wrapped(tmp_path / f"{name}.key") for name in ("made", "real"))
    assert (one.parent, one.pin, len(one.public)) == (other.parent, other.pin, len(other.public))
    assert one.pin is False
    assert abs(len(b"".join(made)) - len(b"".join(real))) < 8


# --- 4. A device is stolen: must it be revoked?


BLOCK = re.compile(rb"(?s)" + PLAIN + rb".*?-----END [A-Z ]+-----")


def revokes(
    *,
    chip: bool = True,
    pin: bool = True,
    compares: bool = True,
    files: str = "*",
    der: bool = True,
    blocks: int | None = None,
) -> Callable[[Path], bool]:
    """Decide with some of the rules."""

    def must_revoke(folder: Path) -> bool:
        if chip and list(folder.rglob("tpm2-00.permall")):
            return True
        certified = pem.read_certificate(folder / "device.crt").public_key()
        for path in finds(PLAIN, files=files)(folder):
            data = path.read_bytes()
            tries = [(serialization.load_der_private_key, data)] * der
            tries += [
                (serialization.load_pem_private_key, each) for each in BLOCK.findall(data)[:blocks]
            ]
            for load, each in tries:
                try:
                    key = load(each, None)
                except ValueError:
                    continue
                except TypeError:
                    if pin:
                        return True
                    continue
                if not compares or key.public_key() == certified:
                    return True
        return False

    return must_revoke


def of_whole_files(folder: Path) -> bool:
    """The solution of before."""
    if list(folder.rglob("tpm2-00.permall")):
        return True
    certified = pem.read_certificate(folder / "device.crt").public_key()
    for path in finds(PLAIN)(folder):
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except TypeError:
            return True
        if key.public_key() == certified:
            return True
    return False


def any_key_file(folder: Path) -> bool:
    return (folder / "device.key").exists()


REVOKE: Attempts = {
    **named(NOT_ATTEMPTED, untouched),
    **named(NOT_YET, any_key_file, of_whole_files),
    "always": (lambda _folder: True, NOT_YET),
    "never": (lambda _folder: False, NOT_YET),
    "the paths": (finds(PLAIN), NOT_YET),
    "any other key": (revokes(compares=False), NOT_YET),
    "needs a key": (
        lambda folder: "TSS2" not in (folder / "device.key").read_text(),
        NOT_YET,
    ),
    "a PIN protects": (revokes(pin=False), UNSAFE),
    "no DER": (revokes(der=False), UNSAFE),
    "the first of a file": (revokes(blocks=1), UNSAFE),
    "no backup": (revokes(files="device.key"), UNSAFE),
    "a TPM protects": (revokes(chip=False), UNSAFE),
    "all that a thief can use": (revokes(), RIGHT),
}


@pytest.mark.once
@needed.TPM
@pytest.mark.parametrize("name", REVOKE)
def test_must_revoke(name: str, hold: Hold) -> None:
    function, outcome = REVOKE[name]
    hold(checks.must_revoke(function), outcome)


# --- Where there is no software TPM

ELSEWHERE = {
    "tpm_settings": (SETTINGS, "because this machine lacks swtpm"),
    "must_revoke": (REVOKE, "lacks swtpm: the theft with the copied TPM"),
}


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("check", "name"), [(check, name) for check, (each, _) in ELSEWHERE.items() for name in each]
)
def test_without_a_tpm(check: str, name: str) -> None:
    attempts, told = ELSEWHERE[check]
    function, outcome = attempts[name]
    result = getattr(checks, check)(function)
    assert result.outcome is outcome, result
    assert outcome is not RIGHT or told in str(result)
