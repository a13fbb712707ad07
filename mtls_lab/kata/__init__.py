"""The broken-PKI kata: files and contexts with a real fault, to be found and repaired.

Here: the names that the notebook uses. Not here: the kata itself (task.py, folder.py), the
diagnoses before it (examples.py), what can be wrong (faults.py, and data/kata.toml), how it is
broken (sabotage.py), how it is judged (exam.py, mallory.py).
"""

from mtls_lab.kata.examples import worked_kata
from mtls_lab.kata.task import Kata, kata_key

__all__ = ["Kata", "kata_key", "worked_kata"]
