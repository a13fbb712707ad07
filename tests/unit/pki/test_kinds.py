"""What a file is in place of PEM: told by its bytes, made by the tools that people use."""

import base64
import io
import json
import re
import ssl
import struct
import subprocess
import time
import urllib.parse
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtls_lab.common import FileProblem
from mtls_lab.pki import CertificateAuthority, pem
from mtls_lab.pki.bundles import read_bundle
from mtls_lab.pki.kinds import LIMIT, kind_of, read_bounded
from mtls_lab.pki.passwords import is_costly

#: By the name of the kind: an openssl command that makes it of my.crt and my.key.
MADE = {
    "pkcs7": "crl2pkcs7 -nocrl -certfile my.crt -out odd",
    "pkcs7 der": "crl2pkcs7 -nocrl -certfile my.crt -outform DER -out odd",
    "pkcs12": "pkcs12 -export -in my.crt -inkey my.key -passout pass:x -out odd",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    CertificateAuthority.create("Lab CA").issue_client("device").save(tmp_path, "my")
    return tmp_path


def openssl(folder: Path, arguments: str) -> None:
    subprocess.run(
        ["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True, timeout=60
    )


@pytest.mark.parametrize("made", MADE)
def test_what_openssl_makes(folder: Path, made: str) -> None:
    openssl(folder, MADE[made])
    kind = kind_of((folder / "odd").read_bytes())
    assert kind is not None
    assert kind.name == made.split(maxsplit=1)[0]
    with pytest.raises(FileProblem) as caught:
        pem.read_certificate(folder / "odd")
    assert kind.found in caught.value.found
    assert f"openssl {kind.name}" in caught.value.todo


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            "pkcs12 -export -in my.crt -inkey my.key -passout pass:x -nomac -iter 4000001",
            "hashed too often",
        ),
        ("pkcs12 -export -in my.crt -inkey my.key -passout pass:x", ""),
        ("pkcs12 -export -in my.crt -inkey my.key -passout pass:x -certpbe PBE-SHA1-3DES", ""),
        ("pkcs8 -topk8 -in my.key -passout pass:x -iter 4000001", "with a password"),
        ("pkcs8 -topk8 -in my.key -passout pass:x", ""),
        (
            "pkcs8 -topk8 -in my.key -passout pass:x -v1 PBE-SHA1-3DES -iter 4000001",
            "with a password",
        ),
    ],
)
def test_a_password_that_is_hashed_without_end(folder: Path, made: str, said: str) -> None:
    openssl(folder, f"{made} -out odd")
    assert is_costly((folder / "odd").read_bytes()) is bool(said)
    read = read_bundle if made.startswith("pkcs12") else pem.read_any_key
    with pytest.raises(FileProblem, match=said) if said else nullcontext():
        assert read(folder / "odd", "x")


def packed(text: bytes) -> bytes:
    """An archive whose file is stored as it is, with BEGIN and END lines and all."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("my.crt", text)
    return into.getvalue()


def test_two_megabytes_of_dashes_are_read_at_once() -> None:
    """Each of them might begin a BEGIN line."""
    started = time.process_time()
    assert kind_of(b"-" * LIMIT) is None
    assert time.process_time() - started < 2


def test_what_people_make_of_pem(folder: Path) -> None:
    text = (folder / "my.crt").read_bytes()
    key = (folder / "my.key").read_bytes()
    body = b"".join(text.splitlines()[1:-1])
    odd = {
        "escaped": text.replace(b"\n", b"\\n"),
        "one line": text.replace(b"\n", b" "),
        "run together": text.rstrip() + key,
        "cut off": text + key[:-40],
        "utf-16": text.decode().encode("utf-16"),
        "bare": body,
        "base64 twice": base64.b64encode(text),
        "entries": b"data:\n  tls.crt: " + base64.b64encode(text),
        "entries twice": b"data:\n  tls.crt: " + base64.b64encode(base64.b64encode(text)),
        "page": b"\n<!doctype html><title>404</title>",
        "packed": packed(text),
        "jks": b"\xfe\xed\xfe\xed" + bytes(40),
        "tss2": text.replace(b"CERTIFICATE", b"TSS2 PRIVATE KEY"),
        "openssh": text.replace(b"CERTIFICATE", b"OPENSSH PRIVATE KEY"),
        "lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
        "still encrypted": b"$ANSIBLE_VAULT;1.1;AES256\n6433\n",
        "systemd": base64.b64encode(bytes(16) + struct.pack("<4I", 32, 1, 12, 16) + bytes(99)),
        "pkcs11": b"pkcs11:token=device;object=client;type=private\n",
        "database": b"SQLite format 3\0" + bytes(80),
        "base64 of pkcs12": base64.b64encode(
            bytes.fromhex("3082099f020103308209650609" + "2a864886f70d010701") + bytes(99)
        ),
        "pgp": text.replace(b"CERTIFICATE", b"PGP PRIVATE KEY BLOCK"),
        "tss": text.replace(b"CERTIFICATE", b"TSS KEY BLOB"),
        "stores": b"data:\n  k.jks: " + base64.b64encode(b"\xfe\xed\xfe\xed" + bytes(60)),
        "placeholder": b"${CLIENT_CERT}\n",
        "putty": b"PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\nEncryption: none\n",
        "url encoded": urllib.parse.quote(text).encode(),
        "jwk": b'{"kty": "EC", "crv": "P-256", "d": "jpsQnnGQmL"}',
        "ssh public": b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me\n",
    }
    for name, data in odd.items():
        kind = kind_of(data)
        assert kind is not None, name
        assert kind.name == name
    for data, order in ((odd["utf-16"][2:], "LE"), (text.decode().encode("utf-16-be"), "BE")):
        kind = kind_of(data)
        assert kind is not None
        assert f"iconv -f UTF-16{order} " in kind.todo
    for data in (text, key, text + key, text.replace(b"\n", b"\r\n"), b"", b"hello", b"0" * 200):
        assert kind_of(data) is None


def test_who_encrypted_a_file_is_told() -> None:
    """The first bytes of the binary ones: GnuPG 2.2.40 with -c and -e."""
    for data, tool in (
        (b"age-encryption.org/v1\n", "age"),
        (b"\x8c\x0d\x04\x09\x03\x02\xb7\x96", "GnuPG"),
        (b"\x84\x5e\x03\xbd\x2e\xe4\xda\xdf", "GnuPG"),
        (b"\x85\x01\x0c\x03\xbd\x2e\xe4\xda", "GnuPG"),
        (b'{"data": "ENC[AES256_GCM,data:p6", "sops": {}}', "SOPS"),
        (b"tls_key: ENC[PKCS7,MIIBiQYJKoZIhvcNAQcDoIIB]", "hiera-eyaml"),
        (b"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n", "SealedSecret"),
        (b"vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQ\n", "Vault"),
        (b"Salted__\xe7\x8a\x10", "openssl enc"),
        (b"U2FsdGVkX19h4koQfT/pRs1U5RCb/L2XrTh2ss0rtCk=\n", "openssl enc"),
    ):
        kind = kind_of(data)
        assert kind is not None, tool
        assert kind.name == "still encrypted"
        assert tool in kind.found


#: What becomes of the lines of a PEM file on its way, by the kind that it is then.
BESIDE: dict[str, Callable[[str], str]] = {
    "not alone: indented": lambda text: re.sub("(?m)^", "  ", text),
    "not alone: tabs": lambda text: re.sub("(?m)^", "\t", text),
    "not alone: YAML": lambda text: "tls.crt: |\n" + re.sub("(?m)^", "  ", text),
    "not alone: quoted": lambda text: f'"{text.strip()}"\n',
    "not alone: what cannot be seen": lambda text: "\u200b" + text,
    "in json:": lambda text: json.dumps({"cert": text}),
    "escaped: a value of JSON": json.dumps,
    "not alone: a page": lambda text: text.replace("\n", "<br>\n"),
    "not alone: numbers": lambda text: re.sub("(?m)^(?=.)", "    17\t", text),
    "bare cr:": lambda text: text.replace("\n", "\r"),
    "dashes: four": lambda text: text.replace("-----BEGIN", "----BEGIN"),
    "dashes: of a word processor": lambda text: text.replace("-----BEGIN", "\u2013\u2014BEGIN"),
    "dashes: a space that does not break": lambda text: text.replace("N C", "N\xa0C"),
    "dashes: at the end": lambda text: text.strip()[:-1],
    "dashes: small letters": lambda text: text.replace("BEGIN CERTIF", "Begin Certif"),
    ": blanks behind": lambda text: text.replace("\n", " \t\n"),
    ": CR CR LF": lambda text: text.replace("\n", "\r\r\n"),
    ": words around": lambda text: f"Bag Attributes\n  friendlyName: my\n{text}the end\n",
    ": a mark of UTF-8": lambda text: "\ufeff" + text,
}


@pytest.mark.parametrize("before", ["\x1a", "  ", "\u200b"])
def test_it_sees_a_later_block_as_openssl_does(folder: Path, before: str) -> None:
    """`copy a.crt+a.key` of Windows writes 0x1A between the two."""
    parts = [(folder / name).read_text(encoding="utf-8") for name in ("my.crt", "my.key")]
    both = folder / "both.pem"
    both.write_text(before.join(parts), encoding="utf-8")
    kind = kind_of(both.read_bytes())
    assert kind is not None
    assert kind.name == "not alone"
    with pytest.raises(ssl.SSLError, match="PEM lib"):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(both)


@pytest.mark.parametrize("name", BESIDE)
def test_it_sees_a_line_as_openssl_does(folder: Path, name: str) -> None:
    text = (folder / "my.crt").read_text(encoding="utf-8")
    odd = folder / "odd.crt"
    odd.write_bytes(BESIDE[name](text).encode())
    kind = kind_of(odd.read_bytes())
    assert (kind.name if kind else "") == name.partition(":")[0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if kind is None:
        context.load_cert_chain(odd, folder / "my.key")
        assert pem.read_certificate(odd) == pem.read_certificate(folder / "my.crt")
    else:
        with pytest.raises(ssl.SSLError, match="PEM lib"):
            context.load_cert_chain(odd, folder / "my.key")
        with pytest.raises(FileProblem) as caught:
            pem.read_certificate(odd)
        assert kind.found in caught.value.found
        if kind.name == "not alone":
            made = caught.value.todo.partition(": ")[2].replace("NEW.pem", str(folder / "new.crt"))
            subprocess.run(made, shell=True, check=True, timeout=60)  # noqa: S602 - as a learner does
            context.load_cert_chain(folder / "new.crt", folder / "my.key")


def test_parameters_are_no_key(folder: Path) -> None:
    openssl(folder, "ecparam -name prime256v1 -out odd.key")
    with pytest.raises(FileProblem) as caught:
        pem.read_any_key(folder / "odd.key")
    assert caught.value.found.endswith("holds something else in PEM form: EC PARAMETERS")


@pytest.mark.parametrize("block", ["TRUSTED", "X509"])
def test_an_older_name_of_the_block_is_read(folder: Path, block: str) -> None:
    plain = pem.read_certificate(folder / "my.crt")
    if block == "TRUSTED":
        openssl(folder, "x509 -in my.crt -trustout -addtrust clientAuth -out odd")
    else:
        text = (folder / "my.crt").read_text(encoding="utf-8")
        (folder / "odd").write_text(text.replace("CERTIFICATE", "X509 CERTIFICATE"), "utf-8")
    assert block in (folder / "odd").read_text(encoding="utf-8")
    assert pem.read_certificates(folder / "odd") == [plain]


def test_a_file_has_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * LIMIT)
    assert len(read_bounded(path, "a key")) == LIMIT
    path.write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(FileProblem, match="file is larger than 2 MiB"):
        read_bounded(path, "a key")
    with pytest.raises(FileProblem, match="cannot be read"):
        read_bounded("a\0b", "a key")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"0\x82", b"-----BEGIN ", b"\xfe\xed"]))
def test_any_bytes_are_told_or_not(data: bytes, start: bytes) -> None:
    kind = kind_of(start + data)
    assert kind is None or kind.found.isprintable()
