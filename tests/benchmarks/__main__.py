"""`make bench`: prints every figure as soon as it is measured; exit code 1 if one is missed.

Here: the order and the verdict. Not here: the figures. Run it while the machine does nothing else.
"""

import os
from itertools import chain

from tests.benchmarks import (
    certificates,
    diagnosing,
    exchange,
    imports,
    notebooks,
    panels,
    room,
    soak,
    start,
    tpm,
)
from tests.benchmarks.figures import all_met


def main() -> int:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the first measurement")
    modules = (exchange, diagnosing, imports, certificates, notebooks)
    more = (start, panels, room, tpm, soak)
    met = all_met(chain.from_iterable(module.figures() for module in (*modules, *more)))
    for line in imports.memory():
        print(line, flush=True)
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
