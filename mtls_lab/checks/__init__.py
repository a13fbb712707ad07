"""The checks of the exercises: each takes what a learner wrote, and connects to it for real.

Here: the names that the notebooks use, `checks.NAME(thing)`. Not here: what they do (a module
for each part), and what they share (base.py). Each returns a `Result`, and none ever raises.
"""

from mtls_lab.checks.base import Exercise, exercises
from mtls_lab.checks.mutual import mutual_backend, mutual_device
from mtls_lab.checks.mutual_ca import device_certificate
from mtls_lab.checks.names import authorize, trusted_backend
from mtls_lab.checks.plain import ask_by_hand, mallory
from mtls_lab.checks.plain_clients import serve_many
from mtls_lab.checks.plain_seal import seal
from mtls_lab.checks.refusals import diagnose, is_served
from mtls_lab.checks.tls import backend_certificate, backend_context, device_context
from mtls_lab.checks.tls_fetch import fetch
from mtls_lab.checks.verdict import Outcome, Result

__all__ = [
    "Exercise",
    "Outcome",
    "Result",
    "ask_by_hand",
    "authorize",
    "backend_certificate",
    "backend_context",
    "device_certificate",
    "device_context",
    "diagnose",
    "exercises",
    "fetch",
    "is_served",
    "mallory",
    "mutual_backend",
    "mutual_device",
    "seal",
    "serve_many",
    "trusted_backend",
]
