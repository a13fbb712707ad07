"""A kata as the learner has it: kept, shown, and judged however it is repaired.

Here: the folder, every kind of repair, a contexts.py that does not run. Not here: the faults
themselves (test_faults.py).
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509

from mtls_lab.common import FileProblem, LabError
from mtls_lab.exercises import Outcome
from mtls_lab.kata import Kata, exam, faults
from mtls_lab.kata.faults import catalogue, drawn
from mtls_lab.kata.folder import make
from mtls_lab.learner import openssl
from mtls_lab.learner.progress import FILE
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from tests.unit.kata.repairs import repair
from tests.unit.lab import files_of_at_most
from tests.unit.requests import create_csr

LISTED = "context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF"
MAY_SPEAK = 'names == ["trusted-client"]'
REQUIRED = "verify_mode = ssl.CERT_REQUIRED"
DEVICE = 'context = ssl.create_default_context(cafile="device/server_ca.pem")'


pytestmark = pytest.mark.usefixtures("folder")


def having(name: str) -> Kata:
    """A kata of this fault's level that has it; if it has another one, that is repaired.

    No seed has the fault of an example any more; a folder of before may have it.
    """
    level = catalogue()[name].level
    if catalogue()[name].example:
        make(Path("kata", f"{level}-before"), (catalogue()[name],), crl=False)
        return Kata.create("before", level)
    seed = next(n for n in count() if name in {each.name for each in drawn(n, level)})
    kata = Kata.create(seed, level)
    for fault in drawn(seed, level):
        if fault.name != name:
            repair(fault, kata.folder)
    return kata


def edit(kata: Kata, *changes: tuple[str, str]) -> None:
    path = kata.folder / "contexts.py"
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


def ca_of(kata: Kata, side: str) -> CertificateAuthority:
    folder = kata.folder / "ca"
    return CertificateAuthority.load(folder / f"{side}_ca.crt", folder / f"{side}_ca.key")


# --- Repairs that open the door


def served(rule: str) -> tuple[str, str]:
    return MAY_SPEAK, rule


def nobody_on_the_list(kata: Kata) -> None:
    pem.write_crl(kata.folder / "backend/client_ca.crl", ca_of(kata, "client").crl())


def edit_and_renew(kata: Kata, ciphers: str) -> None:
    """Repair the backend's certificate, and open the device's context to any cipher."""
    ca_of(kata, "server").issue_server(["localhost"]).save(kata.folder / "backend", "server")
    edit(kata, (DEVICE, f'{DEVICE}\n    context.set_ciphers("{ciphers}")'))


def trust(*cas: str, sides: tuple[str, ...]) -> Callable[[Kata], None]:
    """Write these CAs, of the folder, into the files of these sides."""

    def do(kata: Kata) -> None:
        known = [pem.read_certificate(kata.folder / f"ca/{ca}_ca.crt") for ca in cas]
        for side in sides:
            pem.write_certificate(kata.folder / side, *known)

    return do


def with_the_roles_exchanged(kata: Kata) -> None:
    """The files are exchanged: new certificates that suit them, instead of the files back."""
    ca_of(kata, "server").issue_client("trusted-client").save(kata.folder / "device", "client")
    ca_of(kata, "client").issue_server(["localhost"]).save(kata.folder / "backend", "server")


def with_one_new_ca(kata: Kata) -> None:
    """Its key is nowhere on the disk."""
    with_the_roles_exchanged(kata)
    ca = CertificateAuthority.create("One CA")
    ca.issue_client("trusted-client").save(kata.folder / "device", "client")
    ca.issue_server(["localhost"]).save(kata.folder / "backend", "server")
    for side in TRUST:
        pem.write_certificate(kata.folder / side, ca.certificate)


def without_the_clock(kata: Kata) -> None:
    edit(kata, (DEVICE, f"{DEVICE}\n    context.verify_flags |= {NO_CHECK_TIME}"))


def with_public_cas_on_the_device(kata: Kata) -> None:
    with_the_same_key(kata)
    edit(kata, (DEVICE, f"{DEVICE}\n    context.load_default_certs()"))


def with_public_cas_on_the_backend(kata: Kata) -> None:
    with_openssl(kata)
    load = "context.load_default_certs(ssl.Purpose.CLIENT_AUTH)"
    edit(kata, (REQUIRED, f"{REQUIRED}\n    {load}"))


def with_a_list_that_is_read_once(kata: Kata) -> None:
    with_a_rule_that_reads_the_list(kata)
    edit(
        kata,
        (LISTED, "pass"),
        ("def listed", "CRL = Path(FILE).read_bytes()\n\n\ndef listed"),
        ('Path("backend/client_ca.crl").read_bytes()', "CRL"),
        ("FILE", '"backend/client_ca.crl"'),
    )


TRUST = "device/server_ca.pem", "backend/client_ca.pem"
#: X509_V_FLAG_NO_CHECK_TIME, which the ssl module has no name for.
NO_CHECK_TIME = 0x200000


def with_a_second_ca(side: str, file: str) -> Callable[[Kata], None]:
    """Trust a CA made for the purpose beside the own one; its key is nowhere on the disk."""

    def do(kata: Kata) -> None:
        ca = CertificateAuthority.create("New CA")
        identity = (
            ca.issue_server(["localhost"])
            if side == "server"
            else ca.issue_client("trusted-client")
        )
        identity.save(kata.folder / Path(file).parent, side)
        other = "backend/client_ca.pem" if side == "client" else "device/server_ca.pem"
        own = pem.read_certificate(kata.folder / other)
        pem.write_certificate(kata.folder / other, own, ca.certificate)

    return do


UNSAFE: list[tuple[str, Callable[[Kata], object], str]] = [
    (
        "client_expired",
        lambda kata: edit(kata, (REQUIRED, "verify_mode = ssl.CERT_NONE"), served("True")),
        'Mallory, without a certificate, got "open sesame"',
    ),
    (
        "client_loads_nothing",
        lambda kata: edit(
            kata,
            (REQUIRED, "verify_mode = ssl.CERT_OPTIONAL"),
            served(f"certificate is None or {MAY_SPEAK}"),
        ),
        'Mallory, without a certificate, got "open sesame"',
    ),
    (
        "backend_never_asks",
        lambda kata: edit(kata, ("ssl.CERT_NONE", "ssl.CERT_OPTIONAL")),
        "Mallory, without a certificate, finished the handshake",
    ),
    (
        "server_name",
        lambda kata: edit(kata, (DEVICE, f"{DEVICE}\n    context.check_hostname = False")),
        "Mallory, with another server's certificate, answered",
    ),
    (
        "server_expired",
        lambda kata: edit(
            kata,
            (
                DEVICE,
                f"{DEVICE}\n    context.check_hostname = False"
                "\n    context.verify_mode = ssl.CERT_NONE",
            ),
        ),
        "Mallory, with a certificate of her own CA, answered",
    ),
    (
        "client_name",
        lambda kata: edit(kata, served("True")),
        "Mallory, as a device of yours that is called another-client, got",
    ),
    (
        "client_name",
        lambda kata: edit(kata, served('names == ["another-client"]')),
        "Mallory, as a device of yours that is called another-client, got",
    ),
    (
        "rule_reads_issuer",
        lambda kata: edit(kata, served('"trusted-client" in str(certificate)')),
        "Mallory, as a device of yours that is called not-trusted-client, got",
    ),
    (
        "rule_compares_short_name",
        lambda kata: edit(
            kata,
            ('key == "CN"', 'key == "commonName"'),
            served('names[0].startswith("trusted-client")'),
        ),
        "Mallory, as a device of yours that is called trusted-client-2, got",
    ),
    (
        "crl_expired",
        lambda kata: edit(kata, ("context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF", "pass")),
        "Mallory, with another certificate that is revoked, got",
    ),
    (
        "client_purpose",
        lambda kata: (
            ca_of(kata, "client")
            .issue("trusted-client", None)
            .save(kata.folder / "device", "client")
        ),
        "device/client.crt has no extended key usage, so it is good for every purpose",
    ),
    (
        "client_purpose",
        lambda kata: (
            ca_of(kata, "client")
            .issue("trusted-client", tuple(Purpose))
            .save(kata.folder / "device", "client")
        ),
        "the extended key usage of device/client.crt names more than one purpose",
    ),
    (
        "server_purpose",
        lambda kata: (
            ca_of(kata, "server")
            .issue("localhost", None, names=["localhost"])
            .save(kata.folder / "backend", "server")
        ),
        "the backend's certificate has no extended key usage, so it is good for every purpose",
    ),
    (
        "server_expired",
        lambda kata: edit_and_renew(kata, "ALL:@SECLEVEL=0"),
        'Mallory, without any certificate, answered "a word of Mallory\'s"',
    ),
    (
        "client_revoked",
        nobody_on_the_list,
        "Mallory, with the certificate that is revoked, got",
    ),
    (
        "cas_exchanged",
        trust("server", "client", sides=TRUST),
        "Mallory, with a certificate of ca/server_ca, got",
    ),
    (
        "client_ca_is_server_ca",
        trust("server", "client", sides=TRUST[1:]),
        "Mallory, with a certificate of ca/server_ca, got",
    ),
    (
        "server_ca_is_client_ca",
        trust("client", "server", sides=TRUST[:1]),
        "Mallory, with a certificate of ca/client_ca, answered",
    ),
    (
        "cas_exchanged",
        with_the_roles_exchanged,
        "Mallory, with a certificate of ca/server_ca, got",
    ),
    (
        "server_ca_is_client_ca",
        lambda kata: (
            ca_of(kata, "client")
            .issue_server(["localhost"])
            .save(kata.folder / "backend", "server")
        ),
        "Mallory, with a certificate of ca/client_ca, answered",
    ),
    (
        "cas_exchanged",
        with_one_new_ca,
        "the backend and the device both trust CN=One CA",
    ),
    (
        "server_expired",
        without_the_clock,
        "Mallory, with a certificate of the backend, expired, answered",
    ),
    (
        "client_expired",
        lambda kata: edit(
            kata, (REQUIRED, f"{REQUIRED}\n    context.verify_flags |= {NO_CHECK_TIME}")
        ),
        "Mallory, with the certificate of a device, expired, got",
    ),
    (
        "crl_expired",
        lambda kata: edit(kata, (LISTED, f"{LISTED} | {NO_CHECK_TIME}")),
        "Mallory, with the certificate of a device, expired, got",
    ),
    (
        "server_expired",
        with_public_cas_on_the_device,
        "Mallory, with a certificate of a public CA, answered",
    ),
    (
        "client_expired",
        with_a_second_ca("client", "device/client.crt"),
        "besides its own CA, the backend trusts a CN=New CA that is not in the folder ca",
    ),
    (
        "server_expired",
        with_a_second_ca("server", "backend/server.crt"),
        "besides its own CA, the device trusts a CN=New CA that is not in the folder ca",
    ),
    (
        "client_expired",
        with_public_cas_on_the_backend,
        "Mallory, with a certificate of a public CA, got",
    ),
    (
        "crl_expired",
        with_a_list_that_is_read_once,
        "Mallory, with another certificate that is revoked, got",
    ),
]


@pytest.mark.parametrize(
    ("name", "repair", "found"), UNSAFE, ids=[f"{n}-{each[0]}" for n, each in enumerate(UNSAFE)]
)
def test_a_repair_that_opens_the_door(
    name: str, repair: Callable[[Kata], object], found: str
) -> None:
    kata = having(name)
    assert kata.check().outcome is Outcome.NOT_YET
    repair(kata)
    assert kata.ask().ok
    result = kata.check()
    assert result.outcome is Outcome.UNSAFE
    assert result.found.startswith(found)


RETURNS = "Mallory, with the session of a device that has been revoked since, and neither"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([], f"TLS 1.3: {RETURNS}"),
        # A ticket is then no more than an ID, and the backend keeps the session.
        ([(LISTED, f"{LISTED}\n    context.options |= ssl.OP_NO_TICKET")], f"TLS 1.3: {RETURNS}"),
        (
            [(LISTED, f"{LISTED}\n    context.num_tickets = 0"), ("TLSv1_3", "TLSv1_2")],
            f"TLS 1.2: {RETURNS}",
        ),
        ([(LISTED, f"{LISTED}\n    context.num_tickets = 0")], ""),
    ],
)
def test_a_session_that_outlives_the_list(changes: list[tuple[str, str]], found: str) -> None:
    """The device is served, and `kata` says that the check tries everybody else."""
    kata = having("backend_resumes")
    assert str(kata).endswith("It is served. Is everybody else refused? kata.check() tries.")
    edit(kata, *changes)
    result = kata.check()
    assert result.outcome is (Outcome.UNSAFE if found else Outcome.RIGHT)
    assert result.found[: len(found)] == found
    assert bool(result.found) == bool(found)
    assert ("3d_stolen_session" in result.rule) == bool(found)


# --- Repairs by every other way


def with_the_address(kata: Kata) -> None:
    issued = ca_of(kata, "server").issue_server(["localhost", "127.0.0.1"])
    issued.save(kata.folder / "backend", "server")


def by_another_name(kata: Kata) -> None:
    edit(kata, ('SERVER_HOSTNAME = "localhost"', 'SERVER_HOSTNAME = "backend.example"'))


def with_a_new_ca(kata: Kata) -> None:
    """Its key is nowhere on the disk."""
    ca = CertificateAuthority.create("New CA")
    ca.issue_server(["localhost"]).save(kata.folder / "backend", "server")
    pem.write_certificate(kata.folder / "device/server_ca.pem", ca.certificate)


def with_new_devices_ca(kata: Kata) -> None:
    ca = CertificateAuthority.create("New CA")
    ca.issue_client("trusted-client").save(kata.folder / "device", "client")
    pem.write_certificate(kata.folder / "backend/client_ca.pem", ca.certificate)


def with_a_new_ca_for_each(kata: Kata) -> None:
    with_a_new_ca(kata)
    with_new_devices_ca(kata)


def without_the_keys_of_the_cas(kata: Kata) -> None:
    """They are kept elsewhere, as they should be; and something in the folder is no file."""
    with_new_devices_ca(kata)
    for key in kata.folder.glob("ca/*.key"):
        key.unlink()
    (kata.folder / "notes").symlink_to("nowhere")


def with_a_ca_of_openssl(kata: Kata) -> None:
    """It has no subject key identifier, and its key is on the disk."""
    os.chdir(kata.folder)
    Path("ca.cnf").write_text("[req]\ndistinguished_name=dn\n[dn]\n", "utf-8")
    openssl(
        "req -x509 -config ca.cnf -key ca/client_ca.key -subj '/CN=Client CA' -days 30"
        " -addext subjectKeyIdentifier=none -addext basicConstraints=critical,CA:TRUE"
        " -out ca/client_ca.crt"
    )
    ca = pem.read_certificate("ca/client_ca.crt")
    assert x509.SubjectKeyIdentifier.oid not in {each.oid for each in ca.extensions}
    pem.write_certificate("backend/client_ca.pem", ca)
    with_openssl(kata)


def with_openssl(kata: Kata) -> None:
    os.chdir(kata.folder)
    extensions = (
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=clientAuth\n"
    )
    openssl("req -new -key device/client.key -subj /O=Works/CN=trusted-client -out client.csr")
    openssl(
        "x509 -req -in client.csr -CA ca/client_ca.crt -CAkey ca/client_ca.key -days 30 "
        "-CAcreateserial -out device/client.crt -extfile -",
        stdin=extensions,
    )


def with_the_same_key(kata: Kata) -> None:
    key = pem.read_key(kata.folder / "backend/server.key")
    csr = create_csr(key, "localhost", ["localhost"])
    certificate = ca_of(kata, "server").sign(csr, Purpose.SERVER)
    pem.write_certificate(kata.folder / "backend/server.crt", certificate)


def trust_the_intermediate(kata: Kata) -> None:
    files = kata.folder / "device/server_ca.pem", kata.folder / "ca/issuing_ca.crt"
    pem.write_certificate(files[0], *map(pem.read_certificate, files))


def without_the_intermediate(kata: Kata) -> None:
    ca_of(kata, "server").issue_server(["localhost"]).save(kata.folder / "backend", "server")


def with_tls_1_2(kata: Kata) -> None:
    edit(
        kata,
        ("minimum_version = ssl.TLSVersion.TLSv1_3", "minimum_version = ssl.TLSVersion.TLSv1_2"),
    )


def with_a_rule_of_its_own(kata: Kata) -> None:
    """It fails on whoever brings no certificate, which is a no."""
    text = (kata.folder / "contexts.py").read_text("utf-8").partition("def authorize")[0]
    text += (
        "def authorize(certificate):\n"
        '    return dict(pair for (pair,) in certificate["subject"]) == {\n'
        '        "commonName": "trusted-client"\n    }\n'
    )
    (kata.folder / "contexts.py").write_text(text, "utf-8")


def with_a_rule_that_reads_the_list(kata: Kata) -> None:
    """It is asked about every connection, resumed or not."""
    path = kata.folder / "contexts.py"
    text = path.read_text("utf-8").replace("import ssl", "import ssl\n" + READ_LIST)
    path.write_text(text.replace(MAY_SPEAK, f"{MAY_SPEAK} and not listed(certificate)"), "utf-8")


def with_a_rule_instead_of_the_flag(kata: Kata) -> None:
    """The list in the file is renewed as well, for it has expired."""
    with_a_rule_that_reads_the_list(kata)
    edit(kata, (LISTED, "pass"))
    nobody_on_the_list(kata)


def with_a_rule_that_knows_its_folder(kata: Kata) -> None:
    """Its list has another name."""
    with_a_rule_instead_of_the_flag(kata)
    (kata.folder / "revoked.pem").write_bytes((kata.folder / "backend/client_ca.crl").read_bytes())
    here = '(Path(__file__).resolve().parent / "revoked.pem")'
    edit(kata, ('Path("backend/client_ca.crl")', here))


READ_LIST = """
from pathlib import Path

from cryptography import x509


def listed(certificate):
    crl = x509.load_pem_x509_crl(Path("backend/client_ca.crl").read_bytes())
    return crl.get_revoked_certificate_by_serial_number(int(certificate["serialNumber"], 16))
"""


@pytest.mark.parametrize(
    ("name", "repair"),
    [
        ("backend_resumes", with_a_rule_that_reads_the_list),
        ("crl_expired", with_a_rule_instead_of_the_flag),
        ("crl_not_loaded", with_a_rule_that_knows_its_folder),
        ("cas_exchanged", with_a_new_ca_for_each),
        ("client_ca_may_not_sign", without_the_keys_of_the_cas),
        ("client_ca_is_no_ca", with_a_ca_of_openssl),
        ("server_address", with_the_address),
        ("server_name", by_another_name),
        ("server_expired", with_a_new_ca),
        ("server_purpose", with_the_same_key),
        ("client_expired", with_openssl),
        ("client_ca_is_no_ca", with_new_devices_ca),
        ("server_chain", trust_the_intermediate),
        ("server_chain", without_the_intermediate),
        ("versions", with_tls_1_2),
        ("rule_reads_issuer", with_a_rule_of_its_own),
    ],
)
def test_another_way_to_repair_is_right(name: str, repair: Callable[[Kata], object]) -> None:
    kata = having(name)
    repair(kata)
    result = kata.check()
    assert result.right, result


# --- A contexts.py that gives no contexts

BODY = "    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
#: Without work for the machine.
FOR_EVER = "while True: __import__('time').sleep(0.01)"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "import ssl",
            "import ssl\nif",
            "contexts.py raised SyntaxError: invalid syntax in line 4",
        ),
        ("import ssl", "import sll", "contexts.py raised ModuleNotFoundError: "),
        (
            "import ssl",
            "raise SystemExit",
            "contexts.py raised SystemExit in line 3 of contexts.py",
        ),
        ("import ssl", f"import ssl\n{FOR_EVER}", "contexts.py had not returned after 1 s"),
        (BODY, BODY + f"    {FOR_EVER}\n", "backend_context had not returned after 1 s"),
        (BODY, "", "backend_context raised "),
        (BODY, BODY + "    ssl.nothing\n", "backend_context raised AttributeError: "),
        (BODY, BODY + "    exit()\n", "backend_context raised SystemExit: "),
        (BODY, BODY + "    return\n", "backend_context returned None"),
        (BODY, BODY + "    return 'it'\n", "backend_context returned a str"),
        ("def backend_context", "def backend", "contexts.py has no function backend_context"),
        (
            "def device_context()",
            "device_context = 1\ndef device()",
            "contexts.py has no function dev",
        ),
        ("def authorize", "def rule", "contexts.py has no function authorize"),
        (
            'SERVER_HOSTNAME = "localhost"',
            "SERVER_HOSTNAME = 1",
            "SERVER_HOSTNAME in contexts.py is 1",
        ),
        ('"localhost"', '"bäckend"', "SERVER_HOSTNAME in contexts.py is 'bäckend'"),
        (
            "    subject =",
            f"    {FOR_EVER}\n    subject =",
            "authorize had not returned after 1 s",
        ),
        (
            "    subject =",
            "    subject = names\n    subject =",
            "authorize raised UnboundLocalError: ",
        ),
        ("(certificate):", "():", "authorize raised TypeError: "),
    ],
)
def test_contexts_that_do_not_run(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str, found: str
) -> None:
    if FOR_EVER in new:  # the others return, and have their time
        monkeypatch.setattr(exam, "RULE_LIMIT" if "subject" in new else "LIMIT", 1.0)
    kata = having("client_name")
    edit(kata, (old, new))
    result = kata.check()
    assert result.outcome is Outcome.NOT_YET
    assert result.found.startswith(found), result
    assert result.seen == ()
    assert f"  {found}" in str(kata)  # it can still be shown
    with pytest.raises(LabError):
        kata.ask()


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ('SERVER_HOSTNAME = "localhost"', "SERVER_HOSTNAME = None", "device   setup ✗ ValueError"),
        ("ssl.PROTOCOL_TLS_SERVER", "ssl.PROTOCOL_TLS_CLIENT", "backend  connect ✓  handshake ✗"),
        ('"backend/server.key"', '"backend/no.key"', "backend  setup ✗ FileNotFoundError: ENOENT"),
        ('"device/server_ca.pem"', '"/no/ca.pem"', "device   setup ✗ FileNotFoundError: ENOENT"),
    ],
)
def test_contexts_that_ssl_refuses(old: str, new: str, shown: str) -> None:
    kata = having("client_name")
    edit(kata, (old, new))
    assert shown in str(kata.ask())
    result = kata.check()
    assert result.outcome is Outcome.NOT_YET
    assert shown in result.found


def test_no_contexts_at_all() -> None:
    kata = having("client_name")
    (kata.folder / "contexts.py").unlink()
    assert kata.check().found == "contexts.py is not there"
    (kata.folder / "contexts.py").write_bytes(b"\xff\x00")
    assert "contexts.py raised " in kata.check().found


def test_a_change_counts_at_once() -> None:
    """In the same second, with the same size: no bytecode of the version before is used."""
    kata = having("client_name")
    for name in ("ssl.one", "ssl.two"):
        edit(kata, (BODY, f"    {name}\n"))
        assert name.removeprefix("ssl.") in kata.check().found
        edit(kata, (f"    {name}\n", BODY))
    assert not list(kata.folder.rglob("__pycache__"))


# --- The folder


def test_it_shows_itself() -> None:
    kata = having("client_expired")
    head, where, *files, empty, asks, device, backend, start = str(kata).splitlines()
    assert head == f"Kata 1/{kata.seed}: one fault, and its message names it"
    assert where == f"  in kata/1-{kata.seed}"
    assert files == [
        "  ca       client_ca.crt  client_ca.key  server_ca.crt  server_ca.key",
        "  backend  client_ca.pem  server.crt  server.key",
        "  device   client.crt  client.key  server_ca.pem",
        "           contexts.py",
    ]
    assert (empty, asks) == ("", "The device asks for the secret:")
    assert device.endswith("first read ✗ SSLError: SSLV3_ALERT_CERTIFICATE_EXPIRED")
    assert backend.endswith("certificate has expired (verify code 10)")
    assert start.startswith("Start with the side that refuses")
    assert str(Path.cwd()) not in str(kata)
    assert repr(kata) == f"<Kata 1/{kata.seed}>"


def test_not_yet_shows_both_sides_and_not_the_answer() -> None:
    kata = having("client_ca_is_server_ca")
    result = kata.check()
    assert str(kata.ask().device) in result.found
    assert str(kata.ask().backend) in result.found
    assert "client_ca.pem" not in str(result)
    # On a page they stand one below the other, in columns.
    lines = re.findall(
        r"<code style=\"([^\"]*)\">((?:device|backend) .*?)</code>", result._repr_html_()
    )
    assert [line.index("connect") for _, line in lines] == [9, 9]
    assert all("monospace" in style and "white-space:pre" in style for style, _ in lines)


def test_the_learners_work_is_kept() -> None:
    kata = having("client_expired")
    edit(kata, ("import ssl", "import ssl  # mine"))
    (kata.folder / "device" / "notes.txt").write_text("mine")
    again = Kata.create(kata.seed)
    assert again == kata
    assert again.changed() == ["contexts.py", "device/notes.txt"]
    assert "  Changed since it was made, and kept: contexts.py, device/notes.txt" in str(again)


def test_a_fresh_one_keeps_the_old_beside_it() -> None:
    kata = having("client_expired")
    edit(kata, ("import ssl", "import ssl  # mine"))
    old = (kata.folder / "contexts.py").read_text()
    for number in ("", "1"):
        fresh = Kata.create(kata.seed, fresh=True)
        assert fresh.changed() == []
        assert fresh.folder.with_name(f"{fresh.folder.name}.old{number}").is_dir()
    assert (kata.folder.with_name(f"{kata.folder.name}.old") / "contexts.py").read_text() == old
    assert {path.name for path in kata.folder.parent.iterdir()} == {
        kata.folder.name,
        f"{kata.folder.name}.old",
        f"{kata.folder.name}.old1",
    }


def test_one_whose_certificates_have_expired_is_made_again() -> None:
    """A year later, each of its faults would look like that one."""
    kata = having("client_expired")
    edit(kata, ("import ssl", "import ssl  # mine"))
    assert Kata.create(kata.seed).changed() == ["contexts.py"]
    ca = CertificateAuthority.create("Server CA")
    last_year = ca.issue("Server CA", None, valid_days=(-366, -1))
    pem.write_certificate(kata.folder / "ca" / "server_ca.crt", last_year.certificate)
    again = Kata.create(kata.seed)
    assert again.changed() == []
    kept = f"{kata.folder.name}.old"
    assert f"\n  Kept beside it: {kept}, whose certificates have expired\n" in str(again)
    assert "# mine" in (kata.folder.with_name(kept) / "contexts.py").read_text()


def test_the_keys_are_fresh_and_nobody_elses(folder: Path) -> None:
    one, other = (Kata.create("anna", 3, folder / name) for name in "ab")
    for file in one.folder.rglob("*.key"):
        assert file.read_bytes() != (other.folder / file.relative_to(one.folder)).read_bytes()
        assert file.stat().st_mode & 0o077 == 0
    assert str(one).splitlines()[2:] == str(other).splitlines()[2:]


def test_it_does_not_matter_where_the_learner_is() -> None:
    kata = having("client_expired")
    os.chdir(kata.folder)
    assert Kata.create(kata.seed) == kata
    assert kata.check().outcome is Outcome.NOT_YET
    assert Path.cwd() == kata.folder


def test_a_folder_of_somebody_else_stays(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "file").write_text("mine")
    with pytest.raises(FileProblem, match="exists, but it is not a kata's folder"):
        Kata.create("anna", folder=folder / "mine")
    assert [path.name for path in (folder / "mine").iterdir()] == ["file"]


def test_a_folder_that_cannot_be_made(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(FileProblem):
        Kata.create("anna", folder=folder / "file" / "kata")


def test_half_a_kata_is_made_again(folder: Path) -> None:
    half = folder / "kata" / ".1-anna.new"
    half.mkdir(parents=True)
    (half / "contexts.py").write_text("half")
    assert Kata.create("anna").changed() == []
    assert not half.exists()


def test_attempts_are_noted_and_an_untouched_kata_is_none(folder: Path) -> None:
    kata = having("client_expired")
    kata.check()
    assert not (folder / FILE).exists()
    edit(kata, ("import ssl", "import ssl  # mine"))
    kata.check()
    for fault in drawn(kata.seed, 1):
        repair(fault, kata.folder)
    kata.check()
    events = [json.loads(line) for line in (folder / FILE).read_text().splitlines()]
    assert events == [
        {"exercise": f"kata 1/{kata.seed}", "outcome": outcome} for outcome in ("not yet", "right")
    ]


def test_a_kata_whose_folder_is_gone(folder: Path) -> None:
    kata = having("client_expired")
    kata.folder.rename(folder / "gone")
    assert kata.check().found == "the folder of the kata is gone"
    for what in (kata.ask, kata.changed, kata.__str__, kata._repr_html_):
        with pytest.raises(FileProblem, match="the folder of the kata is gone") as caught:
            what()
        assert caught.value.todo == "create the kata again"


def test_a_kata_whose_files_are_gone() -> None:
    kata = having("client_expired")
    for file in kata.folder.glob("[!.]*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    _title, _where, changed, _empty, _asks, came = str(kata).splitlines()
    assert changed.startswith("  Changed since it was made, and kept: backend/client_ca.pem, ")
    assert came == "  contexts.py is not there"


def test_a_check_never_raises(folder: Path) -> None:
    kata = having("client_expired")
    too_large = kata.folder / "device" / "capture.pcapng"
    with too_large.open("wb") as file:
        file.truncate(1 << 26)
    assert not kata.check().right
    with pytest.raises(FileProblem, match=r"capture\.pcapng cannot be read"):
        kata.changed()
    too_large.unlink()
    (kata.folder / ".kata" / "made.json").unlink()
    assert kata.check().found == f"{kata.folder} exists, but it is not a kata's folder"
    assert not (folder / FILE).exists()


def test_the_attacks_leave_the_list_byte_for_byte() -> None:
    """They renew the list of a rule that reads it: in a copy."""
    kata = having("crl_expired")
    with_a_rule_instead_of_the_flag(kata)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in kata.folder.rglob("*.c*")}
    assert kata.check().right
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in kata.folder.rglob("*.c*")} == before


def test_the_attacks_change_no_file() -> None:
    kata = having("client_expired")
    kata.check()
    assert kata.changed() == []
    for fault in drawn(kata.seed, 1):
        repair(fault, kata.folder)
    assert kata.check().right
    assert kata.check().right
    assert kata.changed() == ["device/client.crt", "device/client.key"]


# --- A folder that was made by the lab of before


def made_before(kata: Kata) -> None:
    """Turn a folder into one of before: its backend gives tickets, and nothing counts versions."""
    noted = kata.folder / ".kata" / "made.json"
    assert json.loads(noted.read_text("utf-8"))["version"] == 3
    if kata.level == 3:
        edit(
            kata,
            ("    context.num_tickets = 0  # the list is checked in a full handshake only\n", ""),
        )
    digests = {
        path.relative_to(kata.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(kata.folder.rglob("*"))
        if path.is_file() and path != noted
    }
    noted.write_text(json.dumps(digests), "utf-8")


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_folder_of_before_is_kept_and_judged_as_it_was(level: int) -> None:
    """Whatever its seed would draw today, and whatever the check tries today."""
    kata = Kata.create("lena", level)
    for fault in drawn("lena", level):
        repair(fault, kata.folder)
    once = faults.drawn_before("lena", level) or drawn("lena", level)
    for fault in once:
        fault.break_(kata.folder)
    made_before(kata)
    again = Kata.create("lena", level)
    assert again.changed() == []
    for fault in once:
        assert again.check().outcome is Outcome.NOT_YET
        repair(fault, kata.folder)
    result = again.check()
    assert result.right, result
    assert again.changed()
    assert not any("old session" in each for each in result.seen)
    assert Kata.create("lena", level, fresh=True).changed() == []


def test_a_folder_of_before_is_attacked_all_the_same() -> None:
    """With everything but a session: nothing else has changed in what a kata comes with."""
    kata = having("client_ca_is_server_ca")
    made_before(kata)
    trust("server", "client", sides=TRUST[1:])(kata)
    assert kata.ask().ok
    result = kata.check()
    assert result.outcome is Outcome.UNSAFE
    assert result.found.startswith("Mallory, with a certificate of ca/server_ca, got")


def test_a_folder_of_today_says_how_it_was_made() -> None:
    kata = having("crl_expired")
    for fault in drawn(kata.seed, 3):
        repair(fault, kata.folder)
    assert any("old session" in each for each in kata.check().seen)
    (kata.folder / ".kata" / "made.json").write_text('{"version": "two"}', "utf-8")
    with pytest.raises(FileProblem, match="not a kata's folder"):
        kata.changed()


def test_a_full_disk_leaves_no_keys_behind(tmp_path: Path) -> None:
    with files_of_at_most(10), pytest.raises(FileProblem, match="No space left on device"):
        make(tmp_path / "kata", (), crl=False)
    assert [path for path in tmp_path.iterdir() if "kata" in path.name] == []
