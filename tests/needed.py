"""What a test needs and a machine may lack: it is named, and the test skipped (conftest.py).

Here: what no call of the package misses by itself. Not here: skipping (conftest.py).
"""

import shutil

from mtls_lab.errors import ToolMissing
from mtls_lab.tpm import missing
from mtls_lab.tpm.provider import installing

#: The notebooks that show what was recorded on a machine without a software TPM.
WITH_TPM = {"4_key_in_a_tpm", "4d_attestation"}


def software_tpm() -> None:
    """Raises ToolMissing: this machine has no software TPM, or none that OpenSSL can use."""
    if lacking := missing():
        raise ToolMissing(
            f"a machine without {', '.join(lacking)}",
            "a software TPM, and OpenSSL's provider for it",
            installing(lacking),
        )


def program(name: str, package: str) -> None:
    """Raises ToolMissing: this machine has no such program, which a package of Debian's brings."""
    if not shutil.which(name):
        raise ToolMissing(f"no {name} on this machine", f"the program {name}", f"install {package}")
