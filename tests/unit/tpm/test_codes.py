"""Response codes by their bits, compared with the decoder of tpm2-tools where there is one."""

import re
import subprocess

import pytest

from mtls_lab.common import read_facts
from mtls_lab.tpm import codes_in, command_name, decode
from tests.unit.lab import needs

#: So many letters of a code's words are those of tpm2-tools; further on it may say more.
BEGINNING = 18


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0x000, "0x0 TPM_RC_SUCCESS: done"),
        (0x1DF, "0x1df TPM_RC_INTEGRITY: integrity check failed (parameter 1)"),
        (0x98E, "0x98e TPM_RC_AUTH_FAIL: the authorization HMAC check failed and DA counter "
         "incremented (session 1)"),
        (0x99D, "0x99d TPM_RC_POLICY_FAIL: a policy check failed (session 1)"),
        (0x28B, "0x28b TPM_RC_HANDLE: the handle is not correct for the use (handle 2)"),
        (0x902, "0x902 TPM_RC_OBJECT_MEMORY: out of memory for object contexts"),
        (0x12F, "0x12f TPM_RC_AUTH_UNAVAILABLE: authValue or authPolicy is not available for "
         "selected entity"),
        (0x910, "0x910 TPM_RC_REFERENCE_H0: the handle at place 1 is not loaded"),
        (0x91E, "0x91e TPM_RC_REFERENCE_S6: the session at place 7 is not loaded"),
        (0x01F, "0x1f a code of TPM 1.2, or none"),
        (0xFFF_FFFF, "0xfffffff a number that the specification lacks"),
        (0xA000A, "0xa000a TSS2_RC_IO_ERROR: the TPM cannot be reached, or the connection to it "
         "was lost"),
        (0xB01DF, "0x1df TPM_RC_INTEGRITY: integrity check failed (parameter 1)"),
    ],
)  # fmt: skip
def test_a_code_in_words(code: int, told: str) -> None:
    assert str(decode(code)) == told


def test_codes_are_found_in_a_log() -> None:
    log = "Esys_Load() Esys Finish ErrorCode (0x000001df)\nfd 0x10 again 0x1df, at 0xdeadbeef"
    assert [each.code for each in codes_in(log)] == [0x1DF]
    assert codes_in("all is well") == ()


def test_a_command_has_its_name() -> None:
    assert (command_name(0x157), command_name(0x15D)) == ("Load", "Sign")
    assert command_name(0x1) == "0x1"


def test_what_a_command_asks_belongs_to_a_command() -> None:
    facts = read_facts("tpm")
    assert set(facts["asks"]) <= set(facts["commands"].values())


def letters(text: str) -> str:
    return re.sub(r"\W", "", text).casefold()


@pytest.mark.once
def test_tpm2_tools_has_the_same_words() -> None:
    """Every code of the two formats, in one sample of each kind of place."""
    needs("tpm2_rc_decode", "tpm2-tools")
    tables = read_facts("tpm")
    numbers = {int(n, 0) | 0x80 | 0x140: words for n, (_, words) in tables["format_one"].items()}
    numbers |= {int(n, 0) | 0x100: words for n, (_, words) in tables["errors"].items()}
    numbers |= {int(n, 0) | 0x900: words for n, (_, words) in tables["warnings"].items()}
    script = "for code in " + " ".join(map(hex, numbers)) + "; do tpm2_rc_decode $code; done"
    run = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    theirs = [line.split(":", 1)[-1] for line in run.stdout.splitlines()]
    assert len(theirs) == len(numbers)
    differ = {
        hex(code): (ours, said)
        for (code, ours), said in zip(numbers.items(), theirs, strict=True)
        if letters(ours)[:BEGINNING] not in letters(said)
    }
    assert differ == {}
