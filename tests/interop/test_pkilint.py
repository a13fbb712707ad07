"""Our files under pkilint, DigiCert's linter for RFC 5280, by the commands that it installs."""

import json
import subprocess
import sys

import pytest

from mtls_lab import CertificateAuthority
from mtls_lab.pki import Purpose, pem

#: Runs its commands one after the other: to load it takes longer than to lint.
LINT = """
import importlib, json, sys
for linter, *arguments in json.load(sys.stdin):
    command = importlib.import_module(f"pkilint.bin.lint_{linter}")
    command.main(["lint", "-s", "NOTICE", "-f", "JSON", *arguments])
"""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each linter said, from a notice up."""
    folder = tmp_path_factory.mktemp("lint")
    ca = CertificateAuthority.create("Lab CA")
    ca.revoke(ca.issue("lost", Purpose.CLIENT).certificate)
    pem.write_certificate(folder / "ca.crt", ca.certificate)
    pem.write_crl(folder / "client_ca.crl", ca.crl())
    ca.issue_server(["backend.example", "127.0.0.1"]).save(folder, "server")
    ca.issue_server(["localhost", "127.0.0.1"]).save(folder, "localhost")
    ca.issue_client("trusted-client").save(folder, "client")
    root = CertificateAuthority.create("Lab Root CA", below=1)
    below = root.intermediate("Lab Intermediate CA")
    uri = ["spiffe://lab.example/device/7"]
    device = below.issue("trusted-client", Purpose.CLIENT, names=uri).certificate
    for name, made in (("root", root.certificate), ("below", below.certificate), ("uri", device)):
        pem.write_certificate(folder / f"{name}.crt", made)
    commands = {
        "CA": ["pkix_cert", "ca.crt"],
        "server": ["pkix_cert", "server.crt"],
        "localhost": ["pkix_cert", "localhost.crt"],
        "client": ["pkix_cert", "client.crt"],
        "CA and server": ["pkix_signer_signee_cert_chain", "ca.crt", "server.crt"],
        "CA and client": ["pkix_signer_signee_cert_chain", "ca.crt", "client.crt"],
        "root": ["pkix_cert", "root.crt"],
        "intermediate": ["pkix_cert", "below.crt"],
        "URI": ["pkix_cert", "uri.crt"],
        "root and intermediate": ["pkix_signer_signee_cert_chain", "root.crt", "below.crt"],
        "intermediate and URI": ["pkix_signer_signee_cert_chain", "below.crt", "uri.crt"],
        "CRL": ["crl", "-t", "CRL", "-p", "PKIX", "client_ca.crl"],
    }
    done = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=folder,
        input=json.dumps(list(commands.values())),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        name: [
            f"{finding['severity']} {finding['code']}: {finding['message']}"
            for validator in report["results"]
            for finding in validator["finding_descriptions"]
        ]
        for name, report in zip(commands, reports, strict=True)
    }


@pytest.mark.parametrize(
    "name",
    [
        *("CA", "server", "client", "CA and server", "CA and client", "CRL"),
        *("root", "intermediate", "root and intermediate", "intermediate and URI"),
    ],
)
def test_nothing_to_mind(findings: dict[str, list[str]], name: str) -> None:
    assert findings[name] == []


def test_the_scheme_of_spiffe_is_all_that_it_minds(findings: dict[str, list[str]]) -> None:
    """It knows the schemes of the web only; RFC 3986, section 3.1 leaves them open."""
    (only,) = findings["URI"]
    assert only.startswith("ERROR pkix.invalid_uri_syntax: ")


def test_localhost_is_all_that_it_minds(findings: dict[str, list[str]]) -> None:
    """A name without a dot is no name on the internet; RFC 6761, section 6.3 makes it ours."""
    assert findings["localhost"] == [
        'ERROR pkix.invalid_domain_name_syntax: Invalid domain name syntax: "localhost"'
    ]
