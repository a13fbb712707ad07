"""Exercise of Part 4: the environment in which a device's program uses a key in a TPM.

Here: the check, with a real TPM where one can run, and by the form of the file where not. Not
here: the environment that the lessons use (tpm/provider.py).
"""

from __future__ import annotations

import configparser
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, suppress
from pathlib import Path
from typing import Any

from mtls_lab.common import private_folder, scratch_folder
from mtls_lab.exercises.calling import Called, call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import SECRET, VERSIONS, shown
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.exercises.wrapped import Company, not_run
from mtls_lab.tpm import SoftwareTPM, missing
from mtls_lab.tpm.provider import SIGNS_ALONE, version_of
from mtls_lab.wire import Exchange

__all__ = ["tpm_settings"]

CONF, TCTI = "OPENSSL_CONF", "TPM2OPENSSL_TCTI"
NAME = "openssl.cnf"
#: What the provider of Debian 12 needs.
ASKED_FIRST = "?tpm2.signature=yes"
#: With the provider of Debian 12, a device that loads them the other way fails in TLS 1.2.
IN_ORDER = ("default", "tpm2")
FIRST = "providers are loaded in the order of their names in the file: default comes before tpm2"
PREFERRED = "default_properties says which provider signs and verifies: write it as it was given"
#: Values of activate with which each OpenSSL activates (its crypto/provider_conf.c).
ACTIVATE = ("1", "yes", "true", "on")
ALL_TEXT = "it returns a dict with the names and values of variables, all of them str"
OWN = (
    "the settings are for the device's process: set here, they reach this notebook's other programs"
)


@exercise("a function tpm_settings(folder, tcti, properties)")
def tpm_settings(function: Callable[..., Any]) -> Iterator[str]:
    """Tell OpenSSL in a new process which provider to load, and where its TPM is."""
    with scratch_folder() as folder:
        home = private_folder(folder / "device")
        if missing():
            settings = _settings(function, home, "swtpm:path=/run/tpm/sock", ASKED_FIRST)
            yield "there are both variables, and the file that one of them names"
            _both_providers(Path(settings[CONF]))
            yield "the configuration activates both providers"
            yield not_run("the handshakes of a device with these settings")
        else:
            with SoftwareTPM(folder / "tpm") as chip:
                needs = ASKED_FIRST if version_of(chip) < SIGNS_ALONE else ""
                settings = _settings(function, home, chip.tcti, needs)
                yield "there are both variables, and the file that one of them names"
                yield from _is_served(chip, home, settings, needs)
        _nobody_else_writes(Path(settings[CONF]))
        yield "nobody but the device's owner can change what is loaded"


def _settings(
    function: Callable[..., Any], home: Path, tcti: str, properties: str
) -> dict[str, str]:
    before, mask = dict(os.environ), os.umask(0o002)  # as many systems have it
    try:
        with chdir(home.parent):
            called = call(function, home, tcti, properties)
        changed = dict(os.environ) != before
    finally:
        os.umask(mask)
        os.environ.clear()
        os.environ.update(before)
    settings = _variables(called)
    if changed:
        raise NotYet(f"{called.name} has changed os.environ", OWN)
    for name in (CONF, TCTI):
        if name not in settings:
            raise NotYet(f"the settings have no {name}", f"two variables: {CONF} and {TCTI}")
    if set(settings) != {CONF, TCTI}:
        raise NotYet(
            f"the settings have more than {CONF} and {TCTI}",
            "they are added to what the device's process has: name only what it needs for its TPM",
        )
    if settings[TCTI] != tcti:
        raise NotYet(
            f"{TCTI} is not the text that {called.name} was given", "it says where this TPM is"
        )
    path = Path(settings[CONF])
    if not path.is_absolute():
        raise NotYet(
            f"{CONF} is a relative path", "a program may be started in any folder: name the file"
        )
    if not path.is_file() or path != home / NAME:
        raise NotYet(
            f"{CONF} does not name a file {NAME} in the device's folder",
            "it names the file that was written there",
        )
    if not path.stat().st_mode & stat.S_IRUSR:
        raise NotYet("the device itself may not read its configuration", "its owner may read it")
    return settings


def _variables(called: Called) -> dict[str, str]:
    settings = called.returned("it returns the variables as a dict")
    if not isinstance(settings, dict):
        raise NotYet(f"{called.name} returned {shown(settings)}", ALL_TEXT)
    if odd := [each for each in [*settings, *settings.values()] if not isinstance(each, str)]:
        raise NotYet(f"{called.name} returned a dict with {shown(odd[0])} in it", ALL_TEXT)
    return settings


def _is_served(
    chip: SoftwareTPM, home: Path, settings: Mapping[str, str], properties: str
) -> Iterator[str]:
    company = Company.make()
    company.certify(chip, home, "tpm")
    for words, version in reversed(VERSIONS.items()):
        exchange = company.visited(home, "tpm", settings, version)
        if exchange.reply != SECRET:
            rule = _rule(exchange, Path(settings[CONF]), properties)
            raise NotYet(f"{words}: the device is not served: {_why(exchange)}", rule)
        if not any(each.name == "Sign" for each in chip.questions.asked):
            raise NotYet(f"{words}: the TPM was not asked to sign", "its key is in the TPM")
        yield f"{words}: the device is served, and its TPM has signed"


def _why(exchange: Exchange) -> str:
    failure = exchange.device.failure
    return f"{failure.error}: {failure.text}" if failure else f"it received {exchange.reply!r}"


def _rule(exchange: Exchange, path: Path, properties: str) -> str:
    text = exchange.device.failure.text if exchange.device.failure else ""
    if "PEM lib" in text:
        return (
            "the file of the key is read by the provider tpm2: is it active in the configuration?"
        )
    if "CERTIFICATE_VERIFY_FAILED" in text or "EVP lib" in text:
        return PREFERRED
    with suppress(configparser.Error, KeyError, OSError, ValueError):
        active, preferred = _active(path)
        if [name for name in active if name in IN_ORDER] == list(reversed(IN_ORDER)):
            return FIRST
        if preferred != properties:
            return PREFERRED
    return "OpenSSL does its own work with the provider default: is it active as well?"


def _active(path: Path) -> tuple[list[str], str]:
    """Read which providers are activated, in which order, and the default properties.

    Raises:
        configparser.Error, KeyError, OSError, ValueError: something is missing.
    """
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(f"[ ]\n{path.read_text('utf-8')}")
    start = parser[parser[" "]["openssl_conf"].strip()]
    providers = parser[start["providers"]].items()
    active = [name for name, section in providers if parser[section]["activate"] in ACTIVATE]
    return active, parser[start["alg_section"]]["default_properties"]


def _both_providers(path: Path) -> None:
    """Look at the file where no TPM can be asked. Raises NotYet."""
    rule = (
        "openssl_conf names a section, its providers one with default and tpm2, each activate = 1"
    )
    try:
        active, properties = _active(path)
    except (configparser.Error, KeyError, OSError, ValueError) as error:
        raise NotYet(f"the configuration is not complete ({error})", rule) from None
    for name in IN_ORDER:
        if name not in active:
            raise NotYet(f"the configuration does not activate {name}", rule)
    if active.index("default") > active.index("tpm2"):
        raise NotYet("the configuration names tpm2 before default", FIRST)
    if properties != ASKED_FIRST:
        raise NotYet(
            "default_properties is not the text that was given",
            PREFERRED,
        )


def _nobody_else_writes(path: Path) -> None:
    """Raise Unsafe if others could change what the device's program loads."""
    if path.stat().st_mode & 0o022:
        raise Unsafe(
            "other users can write the configuration, and so let the device load what they like",
            "a provider is code: its configuration has the mode 0o644 or less",
        )
