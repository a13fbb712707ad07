"""What `import mtls_lab` costs in time, and what a learner's kernel takes of the memory.

Here: fresh interpreters and a fresh kernel. Not here: anything that the package does.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks.figures import Figure, compare
from tests.notebooks.kernel import Kernel

OURS = "import mtls_lab"
FLOOR = "import ssl, cryptography.x509"


def figures() -> Iterator[Figure]:
    pairs = compare(partial(time_of, OURS), partial(time_of, FLOOR), pairs=31)
    yield pairs.at_most(1.15, f"{OURS} : {FLOOR.removeprefix('import ')}")


def time_of(statement: str) -> float:
    """The seconds that a statement takes in a fresh interpreter, its start not counted."""
    code = f"from time import perf_counter as now; start = now(); {statement}; print(now() - start)"
    # Where bytecode is not kept, every import would compile this package and no other.
    keep = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return float(subprocess.check_output([sys.executable, "-c", code], env=keep))


def memory() -> Iterator[str]:
    """The resident memory of a kernel, step by step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Kernel(folder, environment(folder)) as kernel:
            for step in ("import psutil", FLOOR, OURS, "from mtls_lab import *"):
                kernel.run(step)
                size = int(kernel.run("print(psutil.Process().memory_info().rss)"))
                yield f"memory of a kernel after {step:<32} {size / 2**20:5.1f} MiB"


def environment(folder: Path) -> dict[str, str]:
    """For kernels that leave nothing outside `folder`."""
    own = {"TMPDIR": "tmp", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
    for name in own.values():
        (folder / name).mkdir()
    return {**os.environ, **{variable: str(folder / name) for variable, name in own.items()}}
