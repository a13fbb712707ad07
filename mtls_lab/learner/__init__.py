"""What belongs to one learner: the folder, its notebooks, what was predicted and solved.

Here: files in the learner's folder, and openssl run on them. Not here: judging an exercise
(exercises/), and counting (classroom/).
"""

from mtls_lab.learner.terminal import available, openssl
from mtls_lab.learner.workspace import enter

__all__ = ["available", "enter", "openssl"]
