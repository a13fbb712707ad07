"""The checks of the exercises: each takes what a learner wrote, and connects to it for real.

Here: `checks.NAME(thing)`, as the notebooks call it, and the order of them all, EXERCISES. Each
check returns a `Result`, and none ever raises. Not here: the kata (kata/), and what was solved
(learner/progress.py).
"""

from importlib import import_module
from typing import TYPE_CHECKING

from mtls_lab.exercises.manifest import EXERCISES, Exercise

if TYPE_CHECKING:
    from mtls_lab.exercises.attempt import Attempt, stop_the_clone
    from mtls_lab.exercises.calling import Called, call
    from mtls_lab.exercises.judging import judge, remembered
    from mtls_lab.exercises.part1.ask_by_hand import ask_by_hand
    from mtls_lab.exercises.part1.mallory import mallory
    from mtls_lab.exercises.part1.seal import seal
    from mtls_lab.exercises.part1.serve_many import serve_many
    from mtls_lab.exercises.part2.backend_certificate import backend_certificate
    from mtls_lab.exercises.part2.backend_context import backend_context
    from mtls_lab.exercises.part2.device_context import device_context
    from mtls_lab.exercises.part2.fetch import fetch
    from mtls_lab.exercises.part3.authorize import authorize
    from mtls_lab.exercises.part3.device_certificate import device_certificate
    from mtls_lab.exercises.part3.diagnose import diagnose
    from mtls_lab.exercises.part3.hardened_backend import hardened_backend
    from mtls_lab.exercises.part3.is_served import is_served
    from mtls_lab.exercises.part3.mutual_backend import mutual_backend
    from mtls_lab.exercises.part3.mutual_device import mutual_device
    from mtls_lab.exercises.part3.trusted_backend import trusted_backend
    from mtls_lab.exercises.part4.copyable import copyable
    from mtls_lab.exercises.part4.may_enrol import may_enrol
    from mtls_lab.exercises.part4.must_revoke import must_revoke
    from mtls_lab.exercises.part4.next_step import next_step
    from mtls_lab.exercises.part4.reloaded import reloaded
    from mtls_lab.exercises.part4.roll_over import roll_over
    from mtls_lab.exercises.part4.tpm_settings import tpm_settings
    from mtls_lab.exercises.part4.trust_devices import trust_devices
    from mtls_lab.exercises.result import NotYet, Outcome, Result, Unsafe

#: Where each name comes from. It is loaded when it is asked for: the dots at the top of a notebook
#: need the titles, and the checks take as long to load as all else that a lesson begins with.
_HOMES = {
    "attempt": ("Attempt", "stop_the_clone"),
    "calling": ("Called", "call"),
    "judging": ("judge", "remembered"),
    "result": ("NotYet", "Outcome", "Result", "Unsafe"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_HOME |= {each.name: f"part{each.part}.{each.name}" for each in EXERCISES}

__all__ = [
    "EXERCISES",
    "Attempt",
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
    "copyable",
    "device_certificate",
    "device_context",
    "diagnose",
    "fetch",
    "hardened_backend",
    "is_served",
    "judge",
    "mallory",
    "may_enrol",
    "must_revoke",
    "mutual_backend",
    "mutual_device",
    "next_step",
    "reloaded",
    "remembered",
    "roll_over",
    "seal",
    "serve_many",
    "stop_the_clone",
    "tpm_settings",
    "trust_devices",
    "trusted_backend",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__  # with what is not loaded yet, for completion
