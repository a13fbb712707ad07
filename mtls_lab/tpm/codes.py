"""The numbers of TPM 2.0 in words: commands, and the response codes by the rules of their bits.

Here: the decoder of response codes (TPM 2.0 Library specification, Part 2, 6.6). Not here: the
words (data/tpm.toml), and what a learner does about them (data/explanations.toml).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from mtls_lab.common import read_facts

__all__ = ["ResponseCode", "code_in_words", "codes_in", "command_name", "decode"]

FORMAT_ONE, PARAMETER, TPM_2, WARNING, SESSION = 1 << 7, 1 << 6, 1 << 8, 1 << 11, 1 << 11
#: Warnings that name a handle or a session by its place: 0x910 to 0x916, and 0x918 to 0x91E.
REFERENCES = {0x10: "handle", 0x18: "session"}
RESOURCE_MANAGERS = {11, 12}
#: As the TSS writes it into a log, and as people quote it.
_WRITTEN = re.compile(r"\b0x([0-9a-fA-F]{3,8})\b")
#: As people and sources name it, and as tpm2-tools put it in words: tpm:parameter(1):….
_NAME = re.compile(r"\bTPM2?_RC_([A-Z][A-Z_0-9]+)")
_WORDS = re.compile(r"\btpm:(?:(parameter|session|handle|error|warn)\(([\d.]+)\):)?\s*(\S.*)")
#: So many letters of a code's words are the same in every release of tpm2-tools.
BEGINNING = 18


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """A response code, taken apart.

    Attributes:
        code: the number as it came.
        name: as the specification has it, without `TPM_RC_`, such as `INTEGRITY`; `""` if the
            number is not one of its.
        about: what of the command it is about, such as `parameter 1`; `""` for all of it.
        words: what it means.
        layer: who says so: `the TPM`, or the software on the way to it.

    Example:
        >>> print(decode(0x1DF))
        0x1df TPM_RC_INTEGRITY: integrity check failed (parameter 1)
        >>> print(decode(0x921).name)
        LOCKOUT
    """

    code: int
    name: str
    about: str
    words: str
    layer: str = "the TPM"

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.code == 0

    def __str__(self) -> str:
        if not self.name:
            return f"{self.code:#x} {self.words}"
        prefix = "TPM_RC_" if self.layer == "the TPM" else "TSS2_RC_"
        about = f" ({self.about})" if self.about else ""
        return f"{self.code:#x} {prefix}{self.name}: {self.words}{about}"


def decode(code: int) -> ResponseCode:
    """Take a response code apart, by the bits that say of which format it is.

    A number that the specification does not have gets no name.
    """
    layer, low = code >> 16, code & 0xFFFF
    if layer in RESOURCE_MANAGERS and low & (FORMAT_ONE | TPM_2):  # it has handed on the TPM's own
        return decode(low)
    if layer:
        who = _facts()["layers"].get(str(layer), "no layer of the TSS")
        return _named(code, "layer_errors", low, "", who)
    if low == 0:
        return ResponseCode(code, "SUCCESS", "", "done")
    if low & FORMAT_ONE:
        return _named(code, "format_one", low & 0x3F, _place(low))
    if not low & TPM_2:
        return ResponseCode(code, "", "", "a code of TPM 1.2, or none")
    return _warning(code) if low & WARNING else _named(code, "errors", low & 0x7F)


def _place(code: int) -> str:
    """What of the command a code of format one is about; empty for no place."""
    number = code >> 8 & 0xF
    if code & PARAMETER:
        return f"parameter {number}" if number else ""
    kind = "session" if code & SESSION else "handle"
    return f"{kind} {number & 7}" if number & 7 else ""


def _warning(code: int) -> ResponseCode:
    for first, what in REFERENCES.items():
        if first <= code & 0x7F < first + 7:
            place = (code & 0x7F) - first
            name = f"REFERENCE_{what[0].upper()}{place}"
            return ResponseCode(code, name, "", f"the {what} at place {place + 1} is not loaded")
    return _named(code, "warnings", code & 0x7F)


def codes_in(text: str) -> tuple[ResponseCode, ...]:
    """Return the response codes that a text quotes, each once, in its order.

    Example:
        >>> [each.name for each in codes_in("Esys_Load() ErrorCode (0x000001df)")]
        ['INTEGRITY']
    """
    numbers = dict.fromkeys(int(found, 16) for found in _WRITTEN.findall(text))
    return tuple(each for each in map(decode, numbers) if each.name and not each.ok)


def code_in_words(line: str) -> int | None:
    """Return the code that a line names, or tells as tpm2-tools do; None if it does neither.

    Example:
        >>> f"{code_in_words('tpm:parameter(1):integrity check failed'):#x}"
        '0x1df'
        >>> f"{code_in_words('Sign: TPM_RC_LOCKOUT'):#x}"
        '0x921'
    """
    if named := _NAME.search(line):
        known = {name: code for code, name, _ in _every()}
        return known.get(named[1])
    if (told := _WORDS.search(line)) is None:
        return None
    kind, number, words = told[1], told[2], _letters(told[3])
    alike = [code for code, _, known in _every() if words.startswith(_letters(known)[:BEGINNING])]
    if not alike:
        return None
    first = alike[0]
    if not first & FORMAT_ONE or kind not in {"parameter", "session", "handle"}:
        return first
    place = int(float(number)) << 8
    return first | place | {"parameter": PARAMETER, "session": SESSION, "handle": 0}[kind]


def _every() -> list[tuple[int, str, str]]:
    """Every code of the TPM's own, without places: number, name, words."""
    bits = {"format_one": FORMAT_ONE, "errors": TPM_2, "warnings": TPM_2 | WARNING}
    return [
        (number | bit, *told)
        for table, bit in bits.items()
        for number, told in _tables()[table].items()
    ]


def _letters(words: str) -> str:
    return re.sub(r"\W", "", words).casefold()


def command_name(code: int) -> str:
    """Return a command's name, such as `Sign`; its number where the specification has none.

    Example:
        >>> command_name(0x15D), command_name(0x999)
        ('Sign', '0x999')
    """
    return str(_tables()["commands"].get(code, f"{code:#x}"))


def _named(
    code: int, table: str, number: int, about: str = "", layer: str = "the TPM"
) -> ResponseCode:
    name, words = _tables()[table].get(number, ("", "a number that the specification lacks"))
    return ResponseCode(code, name, about if name else "", words, layer)


@cache
def _facts() -> dict[str, Any]:
    return read_facts("tpm")


@cache
def _tables() -> dict[str, dict[int, Any]]:
    """The tables by number."""
    tables = ("commands", "format_one", "errors", "warnings", "layer_errors")
    return {
        name: {int(number, 0): value for number, value in _facts()[name].items()} for name in tables
    }
