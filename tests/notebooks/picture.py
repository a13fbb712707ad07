"""The README's picture: the attack table, from attacks that run now.

Here: making it and writing it. Not here: what the table looks like (mtls_lab/table.py).
"""

import tempfile
from pathlib import Path

from mtls_lab.attacks import attack_table, lab_protections

PICTURE = Path(__file__).parents[2] / "data" / "attack_table.svg"


def draw() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return attack_table(lab_protections(folder)).svg()


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
    print(f"data/{PICTURE.name}: written")
