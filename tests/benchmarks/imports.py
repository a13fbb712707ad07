"""What `import mtls_lab` and a first answer cost in time, and a learner's kernel in memory.

Here: fresh interpreters and a fresh kernel. Not here: anything that the package does.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

from tests.benchmarks.figures import Figure, compare
from tests.notebooks.kernel import Kernel

OURS = "import mtls_lab"
FLOOR = "import ssl, cryptography.x509"
LINE = "remote error: tls: bad certificate"
#: Where bytecode is not kept, every import would compile this package and no other.
KEEPING = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def figures() -> Iterator[Figure]:
    pairs = compare(partial(time_of, OURS), partial(time_of, FLOOR), pairs=31)
    yield pairs.at_most(1.15, f"{OURS} : {FLOOR.removeprefix('import ')}")
    answer = partial(whole, "-m", "mtls_lab", "explain", LINE)
    pairs = compare(answer, partial(whole, "-c", FLOOR), pairs=31)
    yield pairs.at_most(1.3, f'mtls-lab explain "…" : python -c "{FLOOR}"')


def time_of(statement: str) -> float:
    """The seconds that a statement takes in a fresh interpreter, its start not counted."""
    code = f"from time import perf_counter as now; start = now(); {statement}; print(now() - start)"
    return float(subprocess.check_output([sys.executable, "-c", code], env=KEEPING))


def whole(*arguments: str) -> float:
    """The seconds of a whole process of this Python, its start and its end counted."""
    begin = perf_counter()
    subprocess.run([sys.executable, *arguments], env=KEEPING, check=True, capture_output=True)
    return perf_counter() - begin


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
