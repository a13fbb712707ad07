"""The checks of the exercises: each takes what a learner wrote, and connects to it for real.

Here: the names that the notebooks use, `checks.NAME(thing)`. Not here: what they do (a module
for each part), and what they share (base.py). Each returns a `Result`, and none ever raises.
"""

from mtls_lab.checks.base import Exercise, Outcome, Result, exercises

__all__ = ["Exercise", "Outcome", "Result", "exercises"]
