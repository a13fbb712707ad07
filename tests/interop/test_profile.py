"""Mozilla's "intermediate" TLS profile (version 5.7), by real handshakes of openssl with a backend.

sslyze says the same of both contexts; it holds cryptography at an old release, so it is not among
the tools of the tests. A backend passes if it refuses whoever offers everything that the profile
leaves out, and nothing else.
"""

import json
import re
import ssl
from pathlib import Path

from mtls_lab import serve
from mtls_lab.attacks import lab_protections
from mtls_lab.net import Backend, server_context
from tests.interop.command import openssl
from tests.repository.files import ROOT
from tests.unit.lab import Lab

#: What the profile lists, by OpenSSL's names.
CIPHERS_12 = {
    *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    *("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    *("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"),
    *("DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-CHACHA20-POLY1305"),
}
CIPHERS_13 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
GROUPS = ["X25519", "P-256", "P-384"]
#: The others that OpenSSL has for TLS 1.3, since 3.0 and since 3.5.
OTHERS = ["P-521", "X448", *(f"ffdhe{size}" for size in (2048, 3072, 4096, 6144, 8192))]
HYBRID = ["X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"]


def shakes_hands(backend: Backend, *offer: str) -> bool:
    """Whether a client that offers this, and no certificate, gets as far as a cipher suite."""
    host, port = backend.address
    said = openssl("s_client", "-connect", f"{host}:{port}", *offer)
    chosen = re.search(r"(?m)^New, .*Cipher is (\S+)$|^    Cipher    : (\S+)$", said.stdout)
    assert chosen, said.stderr
    return "(NONE)" not in chosen.group()


def left_out(what: str) -> str:
    """The suites of TLS 1.2 that this openssl knows and the profile does not list."""
    names = openssl("ciphers", "-s", "-tls1_2", what).stdout.strip().split(":")
    return ":".join(sorted({*names} - CIPHERS_12)) + ":@SECLEVEL=0"


def hybrid() -> list[str]:
    version = re.match(r"OpenSSL (\d+)\.(\d+)", openssl("version").stdout)
    assert version
    return HYBRID if (int(version[1]), int(version[2])) >= (3, 5) else []


def against(backend: Backend) -> list[str]:
    """What the profile has against a backend."""
    older = [flag for flag in ("-tls1", "-tls1_1") if offers_version(backend, flag)]
    suites = left_out("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    groups = ":".join([*OTHERS, *hybrid()])
    ccm = "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"
    return [
        *older,
        *["suites"] * shakes_hands(backend, "-tls1_2", "-cipher", suites),
        *["groups"] * shakes_hands(backend, "-tls1_3", "-groups", groups),
        *["suites of TLS 1.3"] * shakes_hands(backend, "-tls1_3", "-ciphersuites", ccm),
    ]


def offers_version(backend: Backend, flag: str) -> bool:
    return shakes_hands(backend, flag, "-cipher", "ALL:@SECLEVEL=0")


def test_the_hardened_backend_of_the_table_passes(tmp_path: Path) -> None:
    hardened = lab_protections(tmp_path)[-1]
    with hardened.backend() as backend:
        assert against(backend) == []
        assert all(shakes_hands(backend, "-tls1_3", "-ciphersuites", each) for each in CIPHERS_13)
        assert shakes_hands(backend, "-tls1_3", "-groups", ":".join(GROUPS))
    hardened.check()


def test_the_two_lines_of_the_notebook_make_it_so(lab: Lab) -> None:
    notebook = json.loads((ROOT / "notebooks" / "3_mutual_tls.ipynb").read_text("utf-8"))
    told = "".join(line for cell in notebook["cells"] for line in cell["source"])
    lines = [code for code in re.findall(r"`([^`]+)`", told) if code.startswith("server_context.")]
    assert len(lines) == 2
    context = server_context(*lab.server_files, client_ca=lab.ca_file)
    with serve(context) as backend:
        assert against(backend) == ["suites", "groups"]
        for number, line in enumerate(lines):
            exec(line, {"server_context": context, "ssl": ssl})  # noqa: S102 - our own notebook
            assert against(backend) == ["suites", "groups"][number + 1 :]
