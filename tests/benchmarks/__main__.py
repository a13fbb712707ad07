"""`make bench`: prints every figure as soon as it is measured; exit code 1 if one is missed.

Here: the order and the verdict. Not here: the figures. Run it while the machine does nothing else.
"""

import os

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


def main() -> int:
    missed = []
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the first measurement")
    for module in (
        exchange,
        diagnosing,
        imports,
        certificates,
        notebooks,
        start,
        panels,
        room,
        tpm,
        soak,
    ):
        for figure in module.figures():
            print(figure, flush=True)
            missed += [figure.name] * (not figure.met)
    for line in imports.memory():
        print(line, flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
