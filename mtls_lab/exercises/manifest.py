"""Every exercise of the course, in the order of the notebooks.

Here: one tuple; what is not in it is no exercise. Not here: what a check does (part1/ to part4/).
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtls_lab.exercises.judging import Check

__all__ = ["EXERCISES", "Exercise"]


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise.

    Attributes:
        part: 1 to 4; its notebook is the one of that part.
        title: its heading there.
        name: what it is called in the learner's progress. Its module and its check are called so
            too.
    """

    part: int
    title: str
    name: str

    @property
    def check(self) -> "Check":
        """What judges it; loaded when it is asked for, with the sockets and TPMs that it needs."""
        module = import_module(f"{__package__}.part{self.part}.{self.name}")
        check: Check = getattr(module, self.name)
        return check


EXERCISES = (
    Exercise(1, "Ask for the secret with a bare socket", "ask_by_hand"),
    Exercise(1, "Change the secret on its way, and nothing else", "mallory"),
    Exercise(1, "Serve a client while others are silent", "serve_many"),
    Exercise(1, "Add a checksum that Mallory cannot compute", "seal"),
    Exercise(2, "Issue a certificate for a backend with three names", "backend_certificate"),
    Exercise(2, "Write the device's context", "device_context"),
    Exercise(
        2, "Write the backend's context, and keep its certificate from Eve", "backend_context"
    ),
    Exercise(2, "Ask for the secret over TLS, by hand", "fetch"),
    Exercise(3, "The device proves itself", "mutual_device"),
    Exercise(3, "The backend demands a certificate", "mutual_backend"),
    Exercise(3, "The CA signs a device's request", "device_certificate"),
    Exercise(3, "One device may speak", "authorize"),
    Exercise(3, "A session is stolen", "hardened_backend"),
    Exercise(3, "One device is lost", "trusted_backend"),
    Exercise(3, "Am I served?", "is_served"),
    Exercise(3, "Who refused, and why?", "diagnose"),
    Exercise(4, "Tell OpenSSL where the key is", "tpm_settings"),
    Exercise(4, "The TPM says no: what next?", "next_step"),
    Exercise(4, "Find every key that can be copied", "copyable"),
    Exercise(4, "A device is stolen: must it be revoked?", "must_revoke"),
    Exercise(4, "Trust one CA below the root", "trust_devices"),
    Exercise(4, "Who may enrol?", "may_enrol"),
    Exercise(4, "Reload what a running backend trusts", "reloaded"),
    Exercise(4, "Roll the CA under a fleet", "roll_over"),
)
