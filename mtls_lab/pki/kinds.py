"""What a file really holds, whatever it is called: read with limits, told by its bytes.

Here: one bounded read, and which kind of file is taken for PEM, with the words for DER and base64.
Not here: the words for all other kinds (forms.py), what is in a certificate (description.py), PEM
as objects (pem.py), and what a password opens (passwords.py).
"""

from __future__ import annotations

import base64
import binascii
import codecs
import os
import re
import struct

from mtls_lab.common import FileProblem, PathLike, read_file, why_of
from mtls_lab.pki.forms import (
    BARE_CR,
    BY_BLOCK,
    CUT_OFF,
    DASHES,
    ENCRYPTED,
    ENTRIES,
    ESCAPED,
    IN_JSON,
    JKS,
    NOT_ALONE,
    ON_THE_WAY,
    ONE_LINE,
    PACKED,
    PAGE,
    RUN_TOGETHER,
    STORES,
    SYSTEMD,
    TWICE,
    UTF_16,
    Kind,
)

__all__ = ["LIMIT", "OLD", "kind_of", "read_bounded"]

#: The bundle of all public CAs has 0.3 MiB; what is larger holds something else.
LIMIT = 2 * 1024 * 1024

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 #]{1,40})-----")
_END = re.compile(rb"-----END [A-Z0-9 #]{1,40}-----")
_ESCAPED = re.compile(rb"-----BEGIN [A-Z0-9 ]{1,40}-----\\n")
#: A BEGIN line that is none: fewer hyphens, dashes of other alphabets, small letters.
_WORDS = re.compile(
    rb"(?i)BEGIN[ \xc2\xa0]{1,2}(?:CERTIFICATE|[A-Z ]{0,20}PRIVATE[ \xc2\xa0]{1,2}KEY)"
)
_DASHES = re.compile(rb"(?:-|\xe2\x80[\x90-\x95]|\xe2\x88\x92){2,9}\s?\Z")
#: What is no word before the dashes of a later block: an indentation, or the 0x1A that `copy` of
#: Windows puts between two files. OpenSSL then passes over the block; the mark of UTF-8 it skips.
_BEHIND = re.compile(
    rb"(?m)^(?!\xef\xbb\xbf-)[^\w\r\n-]{1,16}-----(?:BEGIN|END) [A-Z0-9 ]{1,40}-----"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]{64,}")
#: DER of the object identifiers of signedData and of encryptedData and data (RFC 2315, section 14).
_PKCS7_SIGNED = bytes.fromhex("06092a864886f70d010702")
_PKCS7_DATA = bytes.fromhex("06092a864886f70d010701")
#: After a name, the base64 of BEGIN and its hyphens, or the base64 of that.
_ENTRY = re.compile(
    rb"""(?<![\w./-])[\w./-]{1,80}["']?[ \t]?:[ \t]{0,8}["']?(LS0tLS1CRUdJTi|TFMwdExTMUNSVWRKVG)"""
)
#: The same of JKS and of PKCS #12.
_STORE = re.compile(
    rb"""(?<![\w./-])[\w./-]{1,80}["']?[ \t]?:[ \t]{0,8}["']?(?:/u3\+7Q|MI[I-L].[\w+/]{2}IBAz)"""
)
#: The first bytes of zip, gzip, bzip2, xz, zstd and 7z; what tar has behind a name.
_PACKED = re.compile(
    rb"PK\x03\x04|\x1f\x8b|BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf|[\s\S]{257}ustar"
)
#: What its head says after its first 16 bytes: the sizes of key, block, IV and tag, as of
#: AES-256-GCM (systemd, src/shared/creds-util.c).
_CREDENTIAL = struct.pack("<4I", 32, 1, 12, 16)
#: PKCS #12's own encryption with RC4 or RC2 (RFC 7292, appendix C).
OLD = re.compile(rb"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01[\x01\x02\x05\x06]")


def read_bounded(path: PathLike, expected: str) -> bytes:
    """Read a file of at most `LIMIT` bytes; never wait for one that is no file.

    Raises:
        FileProblem: it cannot be opened, is a folder, a pipe or a device, or is too large.
    """
    try:
        return read_file(path, most=LIMIT)
    except (OSError, ValueError) as error:
        why = why_of(error)
        large = "larger than" in why
        raise FileProblem(
            f"{os.fspath(path)} " + (f"is {why}" if large else f"cannot be read ({why})"),
            f"{expected} in PEM form",
            "check the name and the folder, or make the file again",
            "large" if large else "closed" if isinstance(error, PermissionError) else "",
        ) from None


def kind_of(data: bytes) -> Kind | None:
    """Return what the bytes are, if it is something that people take for PEM.

    Example:
        >>> kind_of(b"-----BEGIN TSS2 PRIVATE KEY-----").found
        'holds a key that only a TPM can open (TSS2 PRIVATE KEY)'
    """
    blocks = (BY_BLOCK.get(match[1]) for match in _BLOCK.finditer(data[:LIMIT]))
    return next(filter(None, blocks), None) or _by_form(data)


def _by_form(data: bytes) -> Kind | None:
    """By what is around the blocks, or in place of them."""
    start = data[:4096].lstrip()
    before = (data[max(0, each.start() - 32) : each.start()] for each in _WORDS.finditer(data))
    block = start.startswith(b"-----BEGIN ")
    one_line, entry = not re.search(rb"[\r\n]", start.rstrip()), _ENTRY.search(data)
    for holds, kind in (
        (_PACKED.match(data), PACKED),
        (re.search(rb"-----END [A-Z0-9 ]{1,40}----------BEGIN ", data), RUN_TOGETHER),
        (start[:1] == b"{" and _ESCAPED.search(data), IN_JSON),
        (_ESCAPED.search(data), ESCAPED),
        (block and b"\r" in start and b"\n" not in data, BARE_CR),
        (block and one_line, ONE_LINE),
        (b"-----END " in data and not _END.search(data), DASHES),
        (_BLOCK.search(data) and not _begins_and_ends(data), NOT_ALONE),
        (1 < data.count(b"-----BEGIN ") > data.count(b"-----END "), CUT_OFF),
        (not _BLOCK.search(data) and any(map(_DASHES.search, before)), DASHES),
        (_STORE.search(data), STORES),
        (entry, TWICE if entry and entry[1].startswith(b"TF") else ENTRIES),
        (data[:4] in {b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"}, JKS),
        (start[:1] == b"<", PAGE),
    ):
        if holds:
            return kind
    for begins, kind in (*ON_THE_WAY.items(), *ENCRYPTED.items(), *UTF_16.items()):
        if begins.match(start):
            return kind
    if data[:1] == b"\x30" and not data.isascii():
        return _der(data)
    if not _BLOCK.search(data) and _BASE64.fullmatch(data[:65536]):
        return _bare(data)
    return None


def _begins_and_ends(data: bytes) -> bool:
    """Whether a BEGIN line and an END line stand alone, where there are such.

    It skips the mark of UTF-8 and takes away what is blank at the end of a line (`get_name` and
    `sanitize_line` in crypto/pem/pem_lib.c).
    """
    text = data.removeprefix(codecs.BOM_UTF8)
    there = [end for end in (b"BEGIN", b"END") if b"-----%s " % end in text]
    alone = all(re.search(rb"(?m)^-----%s [^\r\n]{1,80}-----\s*$" % end, text) for end in there)
    return alone and not _BEHIND.search(text)


def _der(data: bytes) -> Kind | None:
    head = data[:64]
    if _PKCS7_SIGNED in head[:32]:
        return Kind(
            "pkcs7",
            "is a PKCS #7 bundle of certificates in DER form",
            "convert it: openssl pkcs7 -inform DER -print_certs -in {path} -out NEW.pem",
        )
    # A PFX is a SEQUENCE of the version, 3, and of a content of the type data (RFC 7292).
    if b"\x02\x01\x03" in head[:16] and _PKCS7_DATA in head:
        return Kind(
            "pkcs12",
            "is a PKCS #12 file (.p12, .pfx), which holds key and certificates together",
            f"convert it: openssl pkcs12{' -legacy' * bool(OLD.search(data))} -in {{path}} -out "
            "NEW.pem -nodes, and protect the new file",
        )
    return None


def _bare(data: bytes) -> Kind | None:
    """Base64 without its BEGIN and END lines, if that is what it is."""
    try:
        first = base64.b64decode(b"".join(data[:65536].split())[:64], validate=True)
    except binascii.Error:
        return None
    if first[:1] == b"\x30" and (inner := _der(first)):
        todo = f"decode it first: base64 -d {{path}} > NEW.p12; {inner.name} has its own form"
        return Kind(f"base64 of {inner.name}", f"holds base64 of what {inner.found}", todo)
    if first[:1] == b"\x30":
        return Kind(
            "bare",
            "holds base64 without its BEGIN and END lines",
            "put -----BEGIN CERTIFICATE----- before it and -----END CERTIFICATE----- after it "
            "(or PRIVATE KEY)",
        )
    if first[16:32] == _CREDENTIAL:
        return SYSTEMD
    if first.startswith(b"-----BEGIN"):
        return Kind(
            "base64 twice",
            "holds a PEM file that was encoded in base64 once more, as in a Kubernetes Secret",
            "decode it: base64 -d {path}",
        )
    return None
