"""Files on disk: their modes, and one exact message for each way of being the wrong one."""

import base64
import shlex
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mtls_lab import CertificateAuthority, pki
from mtls_lab.common import FileProblem, private_folder
from mtls_lab.pki import pem
from mtls_lab.pki.forms import EXCHANGE, INSTEAD
from tests.unit.lab import files_of_at_most
from tests.unit.requests import create_csr

MAKE_AGAIN = "make the file again"
IN_THE_WAY = (
    "a folder that you may write to",
    "choose another folder, or move away what is in its place",
)
NO_FOLDER = ("a folder that is there", "make it, or choose another folder")
FULL = ("space left on the disk", "make room, then try again")


@pytest.fixture(scope="module")
def identity() -> pem.Identity:
    return CertificateAuthority.create("Lab CA").issue_client("trusted-client")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def problem(action: Callable[[], object]) -> tuple[str, str, str]:
    """The three parts of the message."""
    with pytest.raises(FileProblem) as caught:
        action()
    return caught.value.found, caught.value.expected, caught.value.todo


def der(key: pem.Key) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


# --- Writing


def test_an_identity_survives_the_disk(tmp_path: Path, identity: pem.Identity) -> None:
    issuer = CertificateAuthority.create("Another CA").certificate
    files = pem.Identity(identity.key, identity.certificate, (issuer,)).save(tmp_path, "client")
    assert [file.name for file in files] == ["client.crt", "client.key"]
    read = pem.read_identity(*files)
    assert (read.certificate, read.chain) == (identity.certificate, (issuer,))
    assert der(read.key) == der(identity.key)
    assert pem.read_certificate(files[0]) == identity.certificate


def test_modes(tmp_path: Path, identity: pem.Identity) -> None:
    folder = private_folder(tmp_path / "new" / "folder")
    assert mode(folder) == 0o700
    certfile, keyfile = identity.save(folder, "client")
    assert (mode(certfile), mode(keyfile)) == (0o644, 0o600)


def test_a_key_file_that_everybody_could_read_becomes_private(
    tmp_path: Path, identity: pem.Identity
) -> None:
    keyfile = tmp_path / "client.key"
    keyfile.touch(0o666)
    pem.write_key(keyfile, identity.key)
    assert mode(keyfile) == 0o600


def test_an_old_file_stays_whole_until_the_new_one_takes_its_place(
    tmp_path: Path, identity: pem.Identity
) -> None:
    keyfile = tmp_path / "client.key"
    keyfile.write_bytes(b"the old key")
    with keyfile.open("rb") as reader:
        pem.write_key(keyfile, identity.key)
        assert reader.read() == b"the old key"
    assert der(pem.read_key(keyfile)) == der(identity.key)
    assert list(tmp_path.iterdir()) == [keyfile]


def test_a_key_is_not_written_through_a_link(tmp_path: Path, identity: pem.Identity) -> None:
    public = tmp_path / "public"
    public.touch()
    (tmp_path / "client.key").symlink_to(public)
    pem.write_key(tmp_path / "client.key", identity.key)
    assert public.read_bytes() == b""


def test_what_cannot_be_written(tmp_path: Path, identity: pem.Identity) -> None:
    """A file stands where a folder should be: that stops even root."""
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "client.key"
    found = f"{path} cannot be written (Not a directory)"
    assert problem(lambda: pem.write_key(path, identity.key)) == (found, *IN_THE_WAY)
    found = f"{tmp_path / 'file'} cannot be written (File exists)"
    assert problem(lambda: private_folder(tmp_path / "file")) == (found, *IN_THE_WAY)
    path = tmp_path / "missing" / "client.crt"
    found = f"{path} cannot be written (No such file or directory)"
    assert problem(lambda: pem.write_certificate(path, identity.certificate)) == (found, *NO_FOLDER)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, identity: pem.Identity) -> None:
    (tmp_path / "client.key").mkdir()
    found, *rest = problem(lambda: pem.write_key(tmp_path / "client.key", identity.key))
    assert found == f"{tmp_path / 'client.key'} cannot be written (Is a directory)"
    assert tuple(rest) == IN_THE_WAY
    assert [path.name for path in tmp_path.iterdir()] == ["client.key"]


def test_no_space_left(tmp_path: Path, identity: pem.Identity) -> None:
    path = tmp_path / "client.key"
    path.write_bytes(b"the old key")
    with files_of_at_most(100):
        found, *rest = problem(lambda: pem.write_key(path, identity.key))
    assert (found, *rest) == (f"{path} cannot be written (No space left on device)", *FULL)
    assert path.read_bytes() == b"the old key"
    assert list(tmp_path.iterdir()) == [path]


# --- Reading the wrong file


def as_pem(label: str, data: bytes) -> bytes:
    body = base64.encodebytes(data).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


@pytest.fixture(scope="module")
def wrong_files(tmp_path_factory: pytest.TempPathFactory, identity: pem.Identity) -> Path:
    """A file of each wrong kind."""
    folder = tmp_path_factory.mktemp("wrong")
    identity.save(folder, "right")
    key, certificate = identity.key, identity.certificate
    pem.write_csr(folder / "client.csr", create_csr(key, "trusted-client"))
    pem.write_crl(folder / "ca.crl", CertificateAuthority.create("Lab CA").crl())
    password = serialization.BestAvailableEncryption(b"secret")
    whole = (folder / "right.crt").read_bytes()
    contents = {
        "cert.der": certificate.public_bytes(Encoding.DER),
        "key.der": der(key),
        "sec1.der": key.private_bytes(
            Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        ),
        "empty": b"",
        "blank": b" \n\n",
        "garbage": bytes(range(200, 256)),
        "zero.txt": b"0 is not how a PEM file starts\n",
        "damaged.crt": whole[:60] + b"!!!!" + whole[64:],
        "short.crt": as_pem("CERTIFICATE", certificate.public_bytes(Encoding.DER)[:-10]),
        "damaged.key": as_pem("PRIVATE KEY", der(key)[:-10]),
        "encrypted.key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, password),
        "public.key": key.public_key().public_bytes(
            Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "rsa.key": rsa.generate_private_key(65537, 2048).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    return folder


READERS = {"a certificate": pem.read_certificate, "a private key": pem.read_key}


@pytest.mark.parametrize("expected", READERS)
@pytest.mark.parametrize(
    ("name", "found", "todo"),
    [
        ("missing", "{} cannot be read (No such file or directory)", None),
        ("folder", "{} cannot be read (Is a directory)", None),
        ("empty", "{} is empty", MAKE_AGAIN),
        ("blank", "{} is empty", MAKE_AGAIN),
        ("garbage", "{} is not a PEM file", MAKE_AGAIN),
        ("zero.txt", "{} is not a PEM file", MAKE_AGAIN),
        (
            "client.csr",
            "{} holds a certificate signing request",
            INSTEAD["a certificate signing request"],
        ),
        (
            "ca.crl",
            "{} holds a certificate revocation list",
            INSTEAD["a certificate revocation list"],
        ),
        ("public.key", "{} holds a public key", INSTEAD["a public key"]),
    ],
)
def test_the_wrong_file_for_both(
    wrong_files: Path, expected: str, name: str, found: str, todo: str | None
) -> None:
    path = wrong_files / name
    assert problem(lambda: READERS[expected](path)) == (
        found.format(path),
        f"{expected} in PEM form",
        todo or "check the name and the folder, or make the file again",
    )


@pytest.mark.parametrize(
    ("expected", "name", "found", "todo"),
    [
        ("a certificate", "right.key", "{} holds a private key", EXCHANGE),
        ("a certificate", "encrypted.key", "{} holds a private key with a password", EXCHANGE),
        (
            "a certificate",
            "cert.der",
            "{} is in DER form",
            "convert it, and use the new file: openssl x509 -inform DER -in {0} -out {1}",
        ),
        ("a private key", "right.crt", "{} holds a certificate", EXCHANGE),
        ("a private key", "encrypted.key", "{} holds a private key with a password", EXCHANGE),
        (
            "a private key",
            "key.der",
            "{} is in DER form",
            "convert it, and use the new file: openssl pkey -inform DER -in {0} -out {1}",
        ),
        (
            "a private key",
            "sec1.der",
            "{} is in DER form",
            "convert it, and use the new file: openssl pkey -inform DER -in {0} -out {1}",
        ),
    ],
)
def test_the_wrong_file_for_one(
    wrong_files: Path, expected: str, name: str, found: str, todo: str
) -> None:
    path = wrong_files / name
    assert problem(lambda: READERS[expected](path)) == (
        found.format(path),
        f"{expected} in PEM form",
        todo.format(path, path.with_suffix(".pem")),
    )


def test_a_file_in_der_form_is_not_converted_onto_itself(wrong_files: Path, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes((wrong_files / "key.der").read_bytes())
    *_, todo = problem(lambda: pem.read_key(path))
    assert todo.endswith(f"-in {path} -out {tmp_path / 'key.new.pem'}")


def test_a_command_names_a_file_as_a_shell_wants_it(wrong_files: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my files"
    folder.mkdir()
    path = folder / "my key.der"
    path.write_bytes((wrong_files / "sec1.der").read_bytes())
    *_, todo = problem(lambda: pem.read_key(path))
    assert shlex.split(todo)[-4:] == ["-in", str(path), "-out", str(folder / "my key.pem")]
    path.write_bytes(b"-----BEGIN PKCS7-----\n")
    *_, todo = problem(lambda: pem.read_key(path))
    assert shlex.split(todo)[-4:] == ["-in", str(path), "-out", "NEW.pem"]


@pytest.mark.parametrize("name", ["damaged.crt", "short.crt"])
def test_a_damaged_certificate(wrong_files: Path, name: str) -> None:
    found, *rest = problem(lambda: pem.read_certificate(wrong_files / name))
    assert found.startswith(f"{wrong_files / name} holds a damaged certificate (")
    assert rest == ["a whole certificate", "make it again"]


def test_a_damaged_key(wrong_files: Path) -> None:
    found, *rest = problem(lambda: pem.read_key(wrong_files / "damaged.key"))
    assert found.startswith(f"{wrong_files / 'damaged.key'} holds a damaged key (")
    assert rest == ["a whole key", "make it again"]


def test_every_truncation_of_a_file_is_a_file_problem(
    tmp_path: Path, identity: pem.Identity
) -> None:
    files = identity.save(tmp_path, "cut")
    for path, read in zip(files, READERS.values(), strict=True):
        whole = path.read_bytes()
        for end in range(len(whole) - len("-----\n")):
            path.write_bytes(whole[:end])
            problem(lambda path=path, read=read: read(path))  # type: ignore[misc]


def test_a_key_of_another_kind(wrong_files: Path) -> None:
    assert problem(lambda: pem.read_key(wrong_files / "rsa.key")) == (
        f"{wrong_files / 'rsa.key'} holds a key of another kind",
        "an EC key: the lab's own tools make and read no other",
        "for the lab, create_key() makes one; ssl and openssl take this key as it is",
    )


def test_a_key_of_another_certificate(wrong_files: Path, tmp_path: Path) -> None:
    certfile, keyfile = wrong_files / "right.crt", tmp_path / "other.key"
    pem.write_key(keyfile, pki.create_key())
    assert problem(lambda: pem.read_identity(certfile, keyfile)) == (
        f"{keyfile} is not the key of {certfile}",
        "the key that the certificate was requested with",
        "take the pair that was made together, or make both again",
    )


def test_two_files_in_one(tmp_path: Path, identity: pem.Identity) -> None:
    certfile, keyfile = identity.save(tmp_path, "client")
    both = tmp_path / "both.pem"
    both.write_bytes(keyfile.read_bytes() + certfile.read_bytes())
    assert pem.read_identity(both, both).certificate == identity.certificate


@pytest.mark.parametrize("label", ["PRIVATE KEY", "EC PRIVATE KEY"])
def test_both_forms_of_a_key(tmp_path: Path, identity: pem.Identity, label: str) -> None:
    form = PrivateFormat.PKCS8 if label == "PRIVATE KEY" else PrivateFormat.TraditionalOpenSSL
    text = identity.key.private_bytes(Encoding.PEM, form, NoEncryption())
    assert text.startswith(f"-----BEGIN {label}-----".encode())
    (tmp_path / "client.key").write_bytes(text)
    assert der(pem.read_key(tmp_path / "client.key")) == der(identity.key)


def test_csr_and_crl_are_written_as_pem(wrong_files: Path) -> None:
    csr = x509.load_pem_x509_csr((wrong_files / "client.csr").read_bytes())
    crl = x509.load_pem_x509_crl((wrong_files / "ca.crl").read_bytes())
    assert csr.is_signature_valid
    assert isinstance(csr.public_key(), ec.EllipticCurvePublicKey)
    assert crl.issuer.rfc4514_string() == "CN=Lab CA"


def test_of_many_keys_the_first_are_read(tmp_path: Path) -> None:
    keys = [pki.create_key() for _ in range(pem.MOST_KEYS + 1)]
    for number, key in enumerate(keys):
        pem.write_key(tmp_path / f"{number}.key", key)
    several = b"".join((tmp_path / f"{number}.key").read_bytes() for number in range(len(keys)))
    (tmp_path / "several.key").write_bytes(several)
    read = [key.public_key() for key in pem.read_keys(tmp_path / "several.key")]
    assert read == [key.public_key() for key in keys[: pem.MOST_KEYS]]
    (tmp_path / "several.key").write_bytes(several.replace(b"\nM", b"\nX", 1))
    assert pem.read_keys(tmp_path / "several.key") == []
