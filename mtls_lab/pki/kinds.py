"""What a file really holds, whatever it is called: read with limits, told by its bytes.

Here: one bounded read, and the words for each kind of file that is taken for PEM. Not here: what
is in a certificate (description.py), PEM as objects (pem.py), and what a password opens
(passwords.py).
"""

from __future__ import annotations

import base64
import binascii
import codecs
import os
import re
from dataclasses import dataclass

from mtls_lab.errors import FileProblem, why_of
from mtls_lab.files import PathLike, read_file

__all__ = ["EXCHANGE", "INSTEAD", "LIMIT", "Kind", "kind_of", "read_bounded"]

#: The bundle of all public CAs has 0.3 MiB; what is larger holds something else.
LIMIT = 2 * 1024 * 1024

EXCHANGE = "exchange the two file names, or name the other file"
#: What to do about a file that holds neither of the two that are mixed up.
INSTEAD = {
    "a certificate signing request": "name the other file: a request goes to a CA, which makes the "
    "certificate of it",
    "a public key": "name the other file: of a key pair, this is the half that everybody may have",
    "a certificate revocation list": "name the other file: revocation lists have another option",
}

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
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


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is instead of PEM that `ssl` reads.

    Attributes:
        name: a short name for it.
        found: what is said of the file after its name, such as "is a PKCS #12 file".
        todo: how to make PEM of it; `{path}` is the file, as a shell wants it.
    """

    name: str
    found: str
    todo: str


RUN_TOGETHER = Kind(
    "run together",
    "has an END line and the next BEGIN line on one line: a line end is missing between two blocks",
    "put a line end after each END line",
)
ESCAPED = Kind(
    "escaped",
    "has \\n as two characters where its lines should end, as a value of an environment variable "
    "or of JSON does",
    "turn them into line ends, in bash: printf '%b' \"$(cat {path})\" > NEW.pem",
)
ONE_LINE = Kind(
    "one line",
    "has its whole PEM block on one line",
    "make it again, with BEGIN and END each on a separate line",
)
NOT_ALONE = Kind(
    "not alone",
    "has something before or behind the dashes of a BEGIN or END line (spaces, a quotation mark, a "
    "character that cannot be seen): these lines have to stand alone",
    "take away what is beside the dashes, such as the indentation of a YAML file",
)
BARE_CR = Kind(
    "bare cr",
    "ends its lines with CR alone, as old Mac programs do: OpenSSL sees one line",
    "turn them into line ends: tr '\\r' '\\n' < {path} > NEW.pem",
)
CUT_OFF = Kind(
    "cut off",
    "is cut off: its last block has a BEGIN line and no END line",
    "copy it again, or write the whole of it",
)
DASHES = Kind(
    "dashes",
    "has a BEGIN line without its five hyphens, or in other letters: an editor, a chat or a copy "
    "by hand has changed it",
    "write it as -----BEGIN CERTIFICATE----- (or PRIVATE KEY), in plain ASCII",
)
ENTRIES = Kind(
    "entries",
    "holds files in base64 under names, as a Secret of Kubernetes and a kubeconfig do",
    "write each entry into a file, without the base64: kubectl get secret NAME -o "
    "jsonpath='{.data.tls\\.crt}' | base64 -d > tls.crt",
)
TWICE = Kind(
    "entries twice",
    "holds files under names that were encoded in base64 twice",
    "encode each once: base64 -w0 FILE; kubectl create secret and stringData take it as it is",
)
#: After a name, the base64 of BEGIN and its hyphens, or the base64 of that.
_ENTRY = re.compile(
    rb"""(?<![\w./-])[\w./-]{1,80}["']?[ \t]?:[ \t]{0,8}["']?(LS0tLS1CRUdJTi|TFMwdExTMUNSVWRKVG)"""
)
UTF_16 = Kind("utf-16", "is text in UTF-16", "save it as plain ASCII or UTF-8")
JKS = Kind(
    "jks",
    "is a Java keystore (JKS or JCEKS)",
    "convert it: keytool -importkeystore -srckeystore {path} -destkeystore NEW.p12 "
    "-deststoretype pkcs12, then openssl pkcs12 -in NEW.p12 -out NEW.pem",
)
PACKED = Kind("packed", "is compressed or an archive (zip, gzip, tar, …)", "unpack it first")
#: The first bytes of zip, gzip, bzip2, xz, zstd and 7z; what tar has behind a name.
_PACKED = re.compile(
    rb"PK\x03\x04|\x1f\x8b|BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf|[\s\S]{257}ustar"
)
PAGE = Kind("page", "is a web page or XML", "download the file itself, not its page")
#: By their beginning, or by what is in them: files that were to become another one on their way.
_ON_THE_WAY = {
    re.compile(rb"version https://git-lfs\.github\.com/"): Kind(
        "lfs pointer",
        "is a pointer of Git LFS in the place of the file",
        "fetch the file itself: git lfs pull",
    ),
    re.compile(
        rb"\$ANSIBLE_VAULT;|\0GITCRYPT\0|age-encryption\.org/"
        rb"|-----BEGIN (?:PGP MESSAGE|AGE ENCRYPTED)|[\s\S]{0,4096}\bENC\[AES256_GCM,"
    ): Kind(
        "still encrypted",
        "is encrypted as a whole (Ansible Vault, SOPS, git-crypt, age or PGP)",
        "decrypt it where it is deployed, with the tool that encrypted it",
    ),
    re.compile(rb"(?:\$\{|\{\{|<%)[^\r\n]{1,200}\s*$"): Kind(
        "placeholder",
        "holds a placeholder that nothing has filled in (${…}, {{ … }})",
        "see that the value has this name, and that the program that fills it in was run",
    ),
    re.compile(rb"PuTTY-User-Key-File-"): Kind(
        "putty",
        "holds a key in PuTTY's own form (.ppk)",
        "convert it: puttygen {path} -O private-openssh-new -o COPY, then ssh-keygen -p -m PKCS8 "
        "-f COPY",
    ),
    re.compile(rb"(?:ssh-(?:rsa|ed25519)|ecdsa-sha2-\S{1,30}) AAAA"): Kind(
        "ssh public",
        "holds a public key of SSH, as for authorized_keys",
        "have a certificate issued by a CA: TLS knows no keys of SSH",
    ),
}


#: Blocks that ssl does not read.
_BY_BLOCK = {
    b"TSS2 PRIVATE KEY": Kind(
        "tss2",
        "holds a key that only a TPM can open (TSS2 PRIVATE KEY)",
        "start the program on the machine with this TPM, with OPENSSL_CONF naming a "
        "configuration that loads the tpm2 provider, as mtls-lab ask does by itself: the "
        "key cannot be converted",
    ),
    b"PKCS7": Kind(
        "pkcs7",
        "holds a PKCS #7 bundle of certificates",
        "convert it: openssl pkcs7 -print_certs -in {path} -out NEW.pem",
    ),
    b"OPENSSH PRIVATE KEY": Kind(
        "openssh",
        "holds a key in OpenSSH's own form",
        "convert a copy of it: ssh-keygen -p -m PKCS8 -f COPY",
    ),
}


def read_bounded(path: PathLike, expected: str) -> bytes:
    """Read a file of at most `LIMIT` bytes; never wait for one that is no file.

    Raises:
        FileProblem: it cannot be opened, is a folder, a pipe or a device, or is too large.
    """
    try:
        return read_file(path, most=LIMIT)
    except (OSError, ValueError) as error:
        why = why_of(error)
        raise FileProblem(
            f"{os.fspath(path)} "
            + (f"is {why}" if "larger than" in why else f"cannot be read ({why})"),
            f"{expected} in PEM form",
            "check the name and the folder, or make the file again",
        ) from None


def kind_of(data: bytes) -> Kind | None:
    """Return what the bytes are, if it is something that people take for PEM.

    Example:
        >>> kind_of(b"-----BEGIN TSS2 PRIVATE KEY-----").found
        'holds a key that only a TPM can open (TSS2 PRIVATE KEY)'
    """
    blocks = (_BY_BLOCK.get(match[1]) for match in _BLOCK.finditer(data[:LIMIT]))
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
        (_ESCAPED.search(data), ESCAPED),
        (block and b"\r" in start and b"\n" not in data, BARE_CR),
        (block and one_line, ONE_LINE),
        (_BLOCK.search(data) and not _begins_and_ends(data), NOT_ALONE),
        (1 < data.count(b"-----BEGIN ") > data.count(b"-----END "), CUT_OFF),
        (not _BLOCK.search(data) and any(map(_DASHES.search, before)), DASHES),
        (data[:2] in {b"\xff\xfe", b"\xfe\xff"}, UTF_16),
        (entry, TWICE if entry and entry[1].startswith(b"TF") else ENTRIES),
        (data[:4] in {b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"}, JKS),
        (start[:1] == b"<", PAGE),
    ):
        if holds:
            return kind
    for begins, kind in _ON_THE_WAY.items():
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
            "convert it: openssl pkcs12 -in {path} -out NEW.pem -nodes, and protect the new file",
        )
    return None


def _bare(data: bytes) -> Kind | None:
    """Base64 without its BEGIN and END lines, if that is what it is."""
    try:
        first = base64.b64decode(b"".join(data[:65536].split())[:64], validate=True)
    except binascii.Error:
        return None
    if first[:1] == b"\x30":
        return Kind(
            "bare",
            "holds base64 without its BEGIN and END lines",
            "put -----BEGIN CERTIFICATE----- before it and -----END CERTIFICATE----- after it "
            "(or PRIVATE KEY)",
        )
    if first.startswith(b"-----BEGIN"):
        return Kind(
            "base64 twice",
            "holds a PEM file that was encoded in base64 once more, as in a Kubernetes Secret",
            "decode it: base64 -d {path}",
        )
    return None
