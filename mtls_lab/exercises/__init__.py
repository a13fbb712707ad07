"""The checks of the exercises: each takes what a learner wrote, and connects to it for real.

Here: the names that the notebooks use, `checks.NAME(thing)`. Not here: what they do (a folder
for each part), and what they share (judging.py). Each returns a `Result`, and none ever raises.
"""

from mtls_lab.exercises.calling import Called, call
from mtls_lab.exercises.judging import Exercise, exercises, judge, remembered
from mtls_lab.exercises.part1.ask_by_hand import ask_by_hand, mallory
from mtls_lab.exercises.part1.seal import seal
from mtls_lab.exercises.part1.serve_many import serve_many
from mtls_lab.exercises.part2.backend_certificate import (
    backend_certificate,
    backend_context,
    device_context,
)
from mtls_lab.exercises.part2.fetch import fetch
from mtls_lab.exercises.part3.authorize import authorize, trusted_backend
from mtls_lab.exercises.part3.device_certificate import device_certificate
from mtls_lab.exercises.part3.diagnose import diagnose, is_served
from mtls_lab.exercises.part3.mutual_backend import mutual_backend, mutual_device
from mtls_lab.exercises.result import NotYet, Outcome, Result, Unsafe

__all__ = [
    "Called",
    "Exercise",
    "NotYet",
    "Outcome",
    "Result",
    "Unsafe",
    "ask_by_hand",
    "authorize",
    "backend_certificate",
    "backend_context",
    "call",
    "device_certificate",
    "device_context",
    "diagnose",
    "exercises",
    "fetch",
    "is_served",
    "judge",
    "mallory",
    "mutual_backend",
    "mutual_device",
    "remembered",
    "seal",
    "serve_many",
    "trusted_backend",
]
