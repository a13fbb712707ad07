"""The checks of the exercises: each takes what a learner wrote, and connects to it for real.

Here: `checks.NAME(thing)`, as the notebooks call it, and the order of them all, EXERCISES. Each
check returns a `Result`, and none ever raises. Not here: the kata (kata/), and what was solved
(learner/progress.py).
"""

from mtls_lab import face

#: Loaded when they are asked for: the dots at the top of a notebook need the titles, and the checks
#: take as long to load as all else that a lesson begins with.
__getattr__, __dir__ = face.lazy(__name__)
