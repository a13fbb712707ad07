"""Files that hold others: manifests, a kubeconfig, JSON, OpenVPN's configuration, keystores."""

import base64
import hashlib
import json
import re
import struct
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from mtls_lab.diagnosing import Client, diagnose, listen
from mtls_lab.explaining import Explanation, explain
from mtls_lab.net import Backend, serve, server_context
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.pki.containers import blocks_in, is_container
from mtls_lab.pki.keystores import read_keystore
from mtls_lab.wire import Failure
from mtls_lab.wire.names import reason_of_alert
from tests.unit.cli.calling import call
from tests.unit.lab import needs

LAB = CertificateAuthority.create("Lab CA")
OTHER = CertificateAuthority.create("Other CA")


Days = tuple[int, int]


def parts(folder: Path, ca: CertificateAuthority = LAB, days: Days = (-1, 30)) -> list[str]:
    """The certificate of a client, its key, and the lab's CA, in PEM form."""
    cert, key = ca.issue("pump-7", Purpose.CLIENT, valid_days=days).save(folder, "pump")
    authority = LAB.certificate.public_bytes(Encoding.PEM).decode()
    return [cert.read_text(), key.read_text(), authority]


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def secret(cert: str, key: str, ca: str) -> str:
    entries = {"ca.crt": ca, "tls.crt": cert, "tls.key": key}
    lines = "".join(f"  {name}: {coded(text)}\n" for name, text in entries.items())
    return f"apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\ndata:\n{lines}"


def secret_in_json(cert: str, key: str, ca: str) -> str:
    entries = {"ca.crt": coded(ca), "tls.crt": coded(cert), "tls.key": coded(key)}
    return json.dumps({"kind": "Secret", "data": entries}, indent=4)


def string_data(cert: str, key: str, ca: str) -> str:
    entries = {"tls.crt": cert, "tls.key": key, "ca.crt": ca}
    lines = (f"  {name}: |\n{indented(text)}" for name, text in entries.items())
    return "kind: Secret\nstringData:\n" + "".join(lines)


def kubeconfig(cert: str, key: str, ca: str) -> str:
    return (
        f"clusters:\n- cluster:\n    certificate-authority-data: {coded(ca)}\n"
        f"users:\n- user:\n    client-certificate-data: {coded(cert)}\n"
        f"    client-key-data: {coded(key)}\n"
    )


def on_one_line(cert: str, key: str, ca: str) -> str:
    return json.dumps(json.loads(secret_in_json(cert, key, ca)), separators=(",", ":"))


def vault(cert: str, key: str, ca: str) -> str:
    return json.dumps({"data": {"certificate": cert, "issuing_ca": ca, "private_key": key}})


def openvpn(cert: str, key: str, ca: str) -> str:
    return f"client\n<ca>\n{ca}</ca>\n<cert>\n{cert}</cert>\n<key>\n{key}</key>\n"


FORMS = (secret, secret_in_json, on_one_line, string_data, kubeconfig, vault, openvpn)
Form = Callable[[str, str, str], str]


def served(folder: Path) -> AbstractContextManager[Backend]:
    """A backend of the lab's CA, which demands a certificate."""
    pem.write_certificate(folder / "ca.pem", LAB.certificate)
    pair = LAB.issue_server(["localhost"]).save(folder, "server")
    return serve(server_context(*pair, client_ca=folder / "ca.pem"))


def asked(path: Path, alert: str = "bad_certificate") -> Explanation:
    failure = Failure("SSLError", reason_of_alert(alert))
    return explain(failure, certfile=path, keyfile=path, cafile=path, course=False)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_inside_is_looked_into(tmp_path: Path, form: Form) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(form(*parts(tmp_path, days=(-9, -2))))
    told = asked(path)
    assert told.why.startswith("In these files, the certificate of CN=pump-7 expired 2 days ago")
    assert told.command == "openssl x509 -in FILE -noout -dates"
    path.write_text(form(*parts(tmp_path, OTHER)))
    told = asked(path, "unknown_ca")
    assert "the issuer of CN=pump-7 is CN=Other CA" in told.why
    assert "all.yaml" in told.why
    cert, _, ca = parts(tmp_path)
    path.write_text(form(cert, parts(tmp_path)[1], ca))
    assert "is not the key of a certificate in" in str(asked(path))


@pytest.mark.parametrize("form", FORMS)
def test_what_fits_is_not_blamed(tmp_path: Path, form: Form) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(form(*parts(tmp_path)))
    assert asked(path).files == ()
    files = ("--certfile", path, "--keyfile", path, "--cafile", path)
    done = call("explain", *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing wrong was found" in done.stdout
    # The key is found beside its certificate, as in a PEM file that holds both.
    assert call("explain", "--certfile", path, "--cafile", path).returncode == 0


def test_a_config_map_of_cas_has_no_certificate_to_present(tmp_path: Path) -> None:
    cert, _, ca = parts(tmp_path)
    (tmp_path / "map.yaml").write_text(f"kind: ConfigMap\ndata:\n  bundle.pem: |\n{indented(ca)}")
    (tmp_path / "my.crt").write_text(cert)
    failure = Failure("SSLError", reason_of_alert("unknown_ca"))
    cert_file, ca_file = tmp_path / "my.crt", tmp_path / "map.yaml"
    told = explain(failure, certfile=cert_file, cafile=ca_file, course=False)
    assert re.search(r"in which \S+my\.crt is right and leads to ", told.why)


def test_of_several_secrets_in_one_file_none_is_taken(tmp_path: Path) -> None:
    """Which one is meant, the server's or the client's, nobody has said."""
    path = tmp_path / "all.yaml"
    path.write_text(f"{secret(*parts(tmp_path))}---\n{secret(*parts(tmp_path, days=(-9, -2)))}")
    told = asked(path, "certificate_expired")
    assert "In these files" not in told.why
    assert "all.yaml holds files in base64 under names" in str(told.files)
    assert "several that may be meant, or none, so it was not looked into" in str(told.files)


def test_a_secret_without_a_ca_has_none_to_verify_with(tmp_path: Path) -> None:
    cert, key, _ = parts(tmp_path)
    entries = f"  tls.crt: {coded(cert)}\n  tls.key: {coded(key)}\n"
    (tmp_path / "s.yaml").write_text(f"kind: Secret\ndata:\n{entries}")
    told = asked(tmp_path / "s.yaml", "unknown_ca")
    assert re.search(r"s\.yaml has no entry with the certificate of a CA", told.why)
    assert told.fix == "Add it: in a Secret of Kubernetes, as ca.crt."


@pytest.mark.parametrize("form", FORMS)
def test_a_server_is_called_with_what_is_inside(tmp_path: Path, form: Form) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(form(*parts(tmp_path)))
    with served(tmp_path) as backend:
        told = diagnose(backend, cafile=path, certfile=path, server_hostname="localhost")
    assert told.causes == ()
    assert any("all.yaml: CN=pump-7, issued by CN=Lab CA" in line.text for line in told.lines)
    assert any(line.text.startswith("CN=pump-7, issued by CN=Lab CA") for line in told.lines)


def test_a_kubeconfig_may_name_files(tmp_path: Path) -> None:
    """As that of minikube does, and as kubectl reads it: from the folder of the kubeconfig."""
    _, _, ca = parts(tmp_path)
    (tmp_path / "ca.crt").write_text(ca)
    path = tmp_path / "config"
    path.write_text(
        "clusters:\n- cluster:\n    certificate-authority: ca.crt\nusers:\n- user:\n"
        f'    client-certificate: "{(tmp_path / "pump.crt").as_posix()}"\n'
        "    client-key: pump.key\n"
    )
    with served(tmp_path) as backend:
        told = diagnose(backend, cafile=path, certfile=path, server_hostname="localhost")
    assert told.causes == ()
    path.write_text("client-certificate: .\nclient-key: /dev/zero\n")
    assert not is_container(path)


def test_kubectl_is_refused_with_a_certificate_that_has_expired(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(kubeconfig(*parts(tmp_path, days=(-9, -2))))
    said = "error: You must be logged in to the server (Unauthorized)"
    told = explain(said, certfile=path, course=False)
    assert told.entry == "kube_unauthorized"
    assert told.why.startswith("In these files, the certificate of CN=pump-7 expired 2 days ago")
    path.write_text(kubeconfig(*parts(tmp_path)))
    assert "a token in its place" in explain(said, certfile=path, course=False).why


@pytest.mark.parametrize("form", ["Secret", "JKS", "PKCS #12"])
def test_what_is_trusted_may_be_in_a_secret_or_in_a_truststore(tmp_path: Path, form: str) -> None:
    path, told = tmp_path / "trusted", list[Client]()
    if form == "Secret":
        path.write_text(secret(*parts(tmp_path)))
    elif form == "JKS":
        path.write_bytes(keystore(entry(2, LAB.certificate.public_bytes(Encoding.DER))))
    else:
        locked = BestAvailableEncryption(b"barley")
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(None, None, None, [LAB.certificate], locked)
        )
    stranger = OTHER.issue_client("stranger").save(tmp_path, "stranger")
    pair = LAB.issue_server(["localhost"]).save(tmp_path, "server")
    with listen(
        certfile=pair[0], keyfile=pair[1], client_ca=path, password="barley", tell=told.append
    ) as at:
        seen = diagnose(
            at,
            cafile=path,
            certfile=stranger[0],
            keyfile=stranger[1],
            password="barley",
            server_hostname="localhost",
        )
    assert [cause.name for cause in seen.causes] == ["untrusted"]
    if form == "Secret":
        path.write_text(secret(*parts(tmp_path)).replace("ca.crt", "other.crt"))
        (cause, *_) = diagnose(("127.0.0.1", 9), cafile=path).causes
        assert "trusted has no entry with the certificate of a CA, or several." in cause.says
        assert cause.fix == "Add it: in a Secret of Kubernetes, as ca.crt."
    assert any(line.text.endswith("/trusted: CN=Lab CA") for line in seen.lines)
    why = (line.text for line in told[0].lines if line.label == "why")
    assert "the issuer of CN=stranger is CN=Other CA" in next(why)
    if form == "PKCS #12":
        (cause, *_) = diagnose(("127.0.0.1", 9), cafile=path, password="rye").causes
        assert "the one that was given does not open it" in cause.says


def test_a_check_of_what_is_inside_names_a_file_to_be(tmp_path: Path) -> None:
    """No command reads a Secret."""
    path = tmp_path / "s.yaml"
    path.write_text(secret(*parts(tmp_path, OTHER)))
    with served(tmp_path) as backend:
        told = diagnose(backend, cafile=path, certfile=path, server_hostname="localhost")
    assert [cause.name for cause in told.causes] == ["untrusted"]
    assert told.causes[0].command == "openssl x509 -in FILE -noout -subject -issuer"


def test_a_pair_of_which_half_is_inside_does_not_load(tmp_path: Path) -> None:
    cert, _, _ = parts(tmp_path)
    path = tmp_path / "s.yaml"
    path.write_text(f"kind: Secret\ndata:\n  tls.crt: {coded(cert)}\n")
    (cause,) = diagnose(("127.0.0.1", 9), certfile=path).causes[:1]
    assert cause.name == "file"
    assert "tls.crt of" in cause.says
    assert "s.yaml holds a certificate, and no key is beside it" in cause.says


@pytest.mark.parametrize("form", FORMS)
def test_a_pair_that_does_not_fit_is_told_and_not_the_file_around_it(
    tmp_path: Path, form: Form
) -> None:
    cert, _, ca = parts(tmp_path)
    path = tmp_path / "all.yaml"
    path.write_text(form(cert, parts(tmp_path)[1], ca))
    (cause, *_) = diagnose(("127.0.0.1", 9), cafile=path, certfile=path).causes
    assert cause.says.startswith("The key is not the one that the certificate was made for. In ")
    assert "all.yaml is not the key of a certificate in" in cause.says


def test_the_key_of_a_ca_is_told_as_one(tmp_path: Path) -> None:
    cert, key = LAB.issue_client("pump-7").save(tmp_path, "pump")
    pem.write_certificate(tmp_path / "ca.pem", LAB.certificate)
    pem.write_key(key, LAB.key)
    told = diagnose(("127.0.0.1", 9), cafile=tmp_path / "ca.pem", certfile=cert, keyfile=key)
    (cause, *_) = told.causes
    assert "is the key of the CA CN=Lab CA, not that of a certificate in" in cause.says


def test_a_key_that_is_inside_may_have_a_password(tmp_path: Path) -> None:
    cert, _, ca = parts(tmp_path)
    key = pem.read_any_key(tmp_path / "pump.key").private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"barley")
    )
    path = tmp_path / "s.yaml"
    path.write_text(secret(cert, key.decode(), ca))
    (cause,) = diagnose(("127.0.0.1", 9), certfile=path).causes[:1]
    assert re.match(r"tls\.key of \S+s\.yaml holds a private key with a password\.", cause.says)
    assert "the password of the key" in cause.fix
    with served(tmp_path) as backend:
        told = diagnose(
            backend, cafile=path, certfile=path, password="barley", server_hostname="localhost"
        )
    assert told.causes == ()


def test_of_several_nobody_knows_which_to_present(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(f"{secret(*parts(tmp_path))}---\n{secret(*parts(tmp_path))}")
    (cause,) = diagnose(("127.0.0.1", 9), certfile=path).causes[:1]
    assert "all.yaml holds files under names: several that may be meant, or none." in cause.says


@pytest.mark.parametrize("name", ["--certfile", "--keyfile"])
def test_what_is_not_looked_into_is_not_called_right(tmp_path: Path, name: str) -> None:
    """Two Secrets, of which one is meant."""
    path = tmp_path / "all.yaml"
    path.write_text(f"{secret(*parts(tmp_path))}---\n{secret(*parts(tmp_path))}")
    done = call("explain", name, path)
    assert done.returncode == 1
    assert "all.yaml holds files under names: several that may be meant, or none." in done.stdout


def block(word: str) -> str:
    return f"-----BEGIN {word}-----\nTUlJQg==\n-----END {word}-----\n"


def in_json(entries: dict[str, str]) -> str:
    return json.dumps({name: {"sensitive": True, "value": text} for name, text in entries.items()})


#: How values are written, by what writes them so.
WRITTEN: dict[str, Callable[[dict[str, str]], str]] = {
    "terraform output -json": in_json,
    "terraform output": lambda entries: "".join(
        f"{name} = <<EOT\n{text}EOT\n" for name, text in entries.items()
    ),
    "an indented here-document": lambda entries: "".join(
        f"{name} = <<-EOT\n{indented(text)}EOT\n" for name, text in entries.items()
    ),
    ".env": lambda entries: "".join(
        f'{name}="{text}"\n'.replace("\n", "\\n") + "\n" for name, text in entries.items()
    ),
    ".env of docker": lambda entries: "".join(
        f"{name}={text}".replace("\n", "\\n") + "\n" for name, text in entries.items()
    ),
    ".env in lines": lambda entries: "".join(
        f"{name}='{text}'\n" for name, text in entries.items()
    ),
    ".env in base64": lambda entries: "".join(
        f"{name}={coded(text)}\n" for name, text in entries.items()
    ),
    "folded base64": lambda entries: "".join(
        f"{name}: >-\n  {coded(text)[:60]}\n  {coded(text)[60:]}\n"
        for name, text in entries.items()
    ),
    "configs of Compose": lambda entries: "configs:\n" + "".join(
        f"  {name}:\n    content: |\n  {indented(text)}".replace("\n    -", "\n      -")
        for name, text in entries.items()
    ),
    "env of a container": lambda entries: "env:\n" + "".join(
        f"- name: {name}\n  value: |\n{indented(text)}" for name, text in entries.items()
    ),
    "Envoy": lambda entries: "".join(
        f"{name}:\n  inline_bytes: {coded(text)}\n" for name, text in entries.items()
    ),
    "a table of Vault": lambda entries: "Key    Value\n" + "".join(
        f"{name}    {text}" for name, text in entries.items()
    ),
    "TOML": lambda entries: "".join(
        f'{name} = """\n{text}"""\n' for name, text in entries.items()
    ),
    "properties": lambda entries: "".join(
        f"{name}={text}".replace("\n", "\\n\\\n  ") + "\n" for name, text in entries.items()
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", WRITTEN)
def test_a_value_has_a_name_however_it_is_written(form: str) -> None:
    entries = {
        "client_cert": block("CERTIFICATE") * 2,
        "client_key": block("PRIVATE KEY"),
        "rootCA": block("CERTIFICATE"),
    }
    found = blocks_in(WRITTEN[form](entries).encode())
    assert {name: value.decode() for name, value in found.items()} == entries


def test_a_key_beside_a_secret_is_not_told_to_be_alone(tmp_path: Path) -> None:
    cert, key, ca = parts(tmp_path)
    (tmp_path / "s.yaml").write_text(f"data:\n  tls.crt: {coded(cert)}\n  ca.crt: {coded(ca)}\n")
    files = ("--certfile", tmp_path / "s.yaml", "--keyfile", tmp_path / "pump.key")
    assert call("explain", *files).returncode == 0
    (tmp_path / "pump.key").write_text(key.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"))
    done = call("explain", *files)
    assert "pump.key holds a key in OpenSSH's own form" in done.stdout
    assert "2. " not in done.stdout


def test_a_heading_is_no_name() -> None:
    text = f"The key:\n{block('PRIVATE KEY')}issuer=\n{block('CERTIFICATE')}"
    assert blocks_in(text.encode()) == {}


def test_plain_pem_holds_nothing_under_a_name(tmp_path: Path) -> None:
    cert, key, ca = parts(tmp_path)
    text = f"Certificate:\n    Data:\n        Version: 3 (0x2)\n{cert}{ca}{key}"
    assert blocks_in(text.encode()) == {}
    (tmp_path / "my.pem").write_text(text)
    assert not is_container(tmp_path / "my.pem")
    assert not is_container(tmp_path / "not-there")


@pytest.mark.parametrize(
    "data",
    [
        b"-" * 2_000_000,
        b"\n" * 2_000_000,
        b"<ca>-----BEGIN " * 130_000,
        b"a: |\n  \n" * 200_000,
        b'"a" ' * 500_000,
        b"a:" + b"A" * 1_900_000 + b"!",
        b"a: |\n" + b" \n" * 900_000,
        b"value: -----BEGIN A-----MI-----END B-----" * 50_000,
        b"-----BEGIN A-----MI-----END A-----" * 60_000,
    ],
    ids=["dashes", "lines", "tags", "blocks", "names", "base64", "one block", "no end", "no name"],
)
def test_a_hostile_file_is_read_in_time(data: bytes) -> None:
    assert blocks_in(data) == {}


def entry(kind: int, *certificates: bytes, key: bytes = b"key") -> bytes:
    """One entry of a JKS file: its kind, alias and date, a key, a chain."""
    made = struct.pack(">I", kind) + b"\0\1a" + bytes(8)
    if kind == 1:
        made += struct.pack(">I", len(key)) + key + struct.pack(">I", len(certificates))
    for each in certificates:
        made += b"\0\5X.509" + struct.pack(">I", len(each)) + each
    return made


def keystore(*entries: bytes) -> bytes:
    return b"\xfe\xed\xfe\xed" + struct.pack(">II", 2, len(entries)) + b"".join(entries) + bytes(20)


def test_a_keystore_of_java_is_looked_into_without_its_password(tmp_path: Path) -> None:
    """The form is that which keytool of Java 17 writes with -deststoretype JKS."""
    ca, other = (each.certificate.public_bytes(Encoding.DER) for each in (LAB, OTHER))
    old = LAB.issue("pump-7", Purpose.CLIENT, valid_days=(-9, -2)).certificate
    (tmp_path / "k.jks").write_bytes(
        keystore(entry(2, other), entry(1, old.public_bytes(Encoding.DER), ca))
    )
    (tmp_path / "t.jks").write_bytes(keystore(entry(2, ca)))
    assert len(read_keystore(tmp_path / "k.jks", trusted=False)) == 2
    assert len(read_keystore(tmp_path / "k.jks", trusted=True)) == 2
    told = explain(
        Failure("SSLError", reason_of_alert("certificate_expired")),
        certfile=tmp_path / "k.jks",
        cafile=tmp_path / "t.jks",
        course=False,
    )
    assert "the certificate of CN=pump-7 expired 2 days ago" in told.why
    reads = f"keytool -list -rfc -keystore {tmp_path / 'k.jks'} | openssl x509 -noout"
    assert told.command.startswith(reads)
    good = LAB.issue_client("pump-7").certificate.public_bytes(Encoding.DER)
    (tmp_path / "k.jks").write_bytes(keystore(entry(1, good, ca)))
    done = call("explain", "--certfile", tmp_path / "k.jks", "--cafile", tmp_path / "t.jks")
    assert (done.returncode, done.stderr) == (1, "")  # for the key alone, which no password opened
    assert "1. " in done.stdout
    assert "2. " not in done.stdout


@pytest.mark.parametrize("size", [4, 11, 30, 200])
def test_a_keystore_that_is_cut_off_gets_one_answer(tmp_path: Path, size: int) -> None:
    whole = keystore(entry(2, LAB.certificate.public_bytes(Encoding.DER)))
    (tmp_path / "t.jks").write_bytes(whole[:size])
    told = explain(
        Failure("SSLError", reason_of_alert("unknown_ca")), cafile=tmp_path / "t.jks", course=False
    )
    (found,) = told.files
    assert found.endswith("t.jks is a Java keystore")


def locked(key: bytes, word: str) -> bytes:
    """A key of a JKS file, as Java's KeyProtector makes it; read with keytool's files by hand."""
    secret, salt = word.encode("utf-16-be"), bytes(range(20))
    last, stream = salt, b""
    while len(stream) < len(key):
        last = hashlib.sha1(secret + last, usedforsecurity=False).digest()
        stream += last
    body = salt + bytes(a ^ b for a, b in zip(key, stream, strict=False))
    body += hashlib.sha1(secret + key, usedforsecurity=False).digest()
    algorithm = bytes.fromhex("300e060a2b060104012a0211010105000481") + bytes([len(body)])
    return b"\x30\x81" + bytes([len(algorithm + body)]) + algorithm + body


def with_key(folder: Path, word: str = "barley") -> tuple[Path, Path]:
    """A keystore of a client and the key in it, and another client's key."""
    made = LAB.issue_client("pump-7")
    form = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    cert = made.certificate.public_bytes(Encoding.DER)
    whole = keystore(entry(1, cert, key=locked(made.key.private_bytes(*form), word)))
    (folder / "k.jks").write_bytes(whole)
    return folder / "k.jks", OTHER.issue_client("other").save(folder, "other")[0]


def test_the_key_in_a_keystore_is_used_with_its_password(tmp_path: Path) -> None:
    path, other = with_key(tmp_path)
    with served(tmp_path) as backend:
        told = diagnose(
            backend,
            cafile=tmp_path / "ca.pem",
            certfile=path,
            password=["rye", "barley"],
            server_hostname="localhost",
        )
    assert told.causes == ()
    for word, said in (
        (["rye"], "the one that was given does not open it"),
        ((), "and none was given"),
    ):
        (cause,) = diagnose(("127.0.0.1", 9), certfile=path, password=word).causes[:1]
        assert said in cause.says
    # Held against another certificate, too.
    told_of = explain("[SSL] PEM lib", certfile=other, keyfile=path, password="barley")
    assert "k.jks is not the key of a certificate in" in str(told_of)


def with_two_keys(path: Path) -> None:
    """PKCS #12 as keytool writes it."""
    needs("keytool", "default-jdk-headless")
    for alias in ("one", "two"):
        what = ("-genkeypair", "-alias", alias, "-dname", f"CN={alias}", "-keyalg", "EC")
        where = ("-storetype", "PKCS12", "-keystore", str(path), "-storepass", "barley")
        subprocess.run(["keytool", *what, *where], check=True, capture_output=True)


@pytest.mark.once
def test_which_of_several_keys_is_presented_is_asked(tmp_path: Path) -> None:
    """Where the refusal says why, it is the reason; else it may be the other key's certificate."""
    one, _ = with_key(tmp_path)
    (tmp_path / "two.jks").write_bytes(
        one.read_bytes()[:8] + struct.pack(">I", 2) + 2 * one.read_bytes()[12:-20] + bytes(20)
    )
    with_two_keys(tmp_path / "two.p12")
    unclear, clear = (
        Failure("SSLError", reason_of_alert(each))
        for each in ("certificate_unknown", "certificate_expired")
    )
    for path in (tmp_path / "two.jks", tmp_path / "two.p12"):
        told = explain(unclear, certfile=path, password="barley", course=False)
        assert f"{path.name} holds 2 private keys" in told.why
        assert "private keys" not in explain(clear, certfile=path, password="barley").why
    told = explain(unclear, certfile=one, password="barley", course=False)
    assert "private keys" not in told.why


def test_each_file_may_have_a_password_of_its_own(tmp_path: Path) -> None:
    path, other = with_key(tmp_path)
    key = pem.read_any_key(tmp_path / "other.key")
    (tmp_path / "other.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"rye"))
    )
    (tmp_path / "one").write_text("barley\n")
    (tmp_path / "two").write_text("rye\n")
    words = ("--password-file", tmp_path / "one", "--password-file", tmp_path / "two")
    done = call("explain", "--certfile", other, "--keyfile", tmp_path / "other.key", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert call("explain", "--certfile", path, *words).returncode == 0
    done = call("explain", "--certfile", path, *words[2:])
    told = "k.jks is a Java keystore, whose key has a password, and the one that was given does not"
    assert f"{told} open it." in done.stdout
    assert "Fix: Give that of the key, which need not be that of the keystore." in done.stdout
    done = call("explain", "--certfile", path)
    assert done.returncode == 1
    told = "k.jks is a Java keystore, whose key has a password, and none was given.\n"
    assert f"{told}   Fix: Add --password-file FILE." in done.stdout
    pem.write_pkcs12(tmp_path / "ca.p12", OTHER.issue_client("other"), b"rye")
    done = call("explain", "--cafile", tmp_path / "ca.p12")
    assert "ca.p12 is a PKCS #12 file with a password, and none was given." in done.stdout


def test_a_keystore_that_is_cut_off_is_not_to_be_converted(tmp_path: Path) -> None:
    path, _ = with_key(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    (tmp_path / "one").write_text("barley\n")
    done = call("explain", "--certfile", path, "--password-file", tmp_path / "one")
    assert done.returncode == 1
    assert "k.jks is not a whole keystore of Java." in done.stdout
    assert "Fix: Make it again." in done.stdout
    assert "2. " not in done.stdout
