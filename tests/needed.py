"""What a test needs that a machine may lack, beyond the programs that the package misses itself.

Here: the software TPM, and which notebooks need it. Not here: skipping what a call of the package
misses (conftest.py).
"""

import pytest

from mtls_lab.tpm import missing

#: For a test of a TPM that no call of the package would skip.
TPM = pytest.mark.skipif(
    bool(missing()), reason=f"this system has no software TPM, it lacks {', '.join(missing())}"
)
#: The notebooks that show what was recorded where there is none.
WITH_TPM = {"4_key_in_a_tpm", "4d_attestation"}
