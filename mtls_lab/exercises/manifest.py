"""Every exercise of the course, in the order of the notebooks.

Here: one tuple; what is not in it is no exercise. Not here: what a check does (part1/ to part4/).
"""

from dataclasses import dataclass

from mtls_lab.exercises.judging import Check
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

__all__ = ["EXERCISES", "Exercise"]


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise.

    Attributes:
        part: 1 to 4; its notebook is the one of that part.
        title: its heading there.
        check: what judges it. Check, module and exercise share one name.
    """

    part: int
    title: str
    check: Check

    @property
    def name(self) -> str:
        """What it is called in the learner's progress."""
        return self.check.__name__


EXERCISES = (
    Exercise(1, "Ask for the secret with a bare socket", ask_by_hand),
    Exercise(1, "Change the secret on its way, and nothing else", mallory),
    Exercise(1, "Serve a client while others are silent", serve_many),
    Exercise(1, "Add a checksum that Mallory cannot compute", seal),
    Exercise(2, "Issue a certificate for a backend with three names", backend_certificate),
    Exercise(2, "Write the device's context", device_context),
    Exercise(2, "Write the backend's context, and keep its certificate from Eve", backend_context),
    Exercise(2, "Ask for the secret over TLS, by hand", fetch),
    Exercise(3, "The device proves itself", mutual_device),
    Exercise(3, "The backend demands a certificate", mutual_backend),
    Exercise(3, "The CA signs a device's request", device_certificate),
    Exercise(3, "One device may speak", authorize),
    Exercise(3, "A session is stolen", hardened_backend),
    Exercise(3, "One device is lost", trusted_backend),
    Exercise(3, "Am I served?", is_served),
    Exercise(3, "Who refused, and why?", diagnose),
    Exercise(4, "Tell OpenSSL where the key is", tpm_settings),
    Exercise(4, "The TPM says no: what next?", next_step),
    Exercise(4, "Find every key that can be copied", copyable),
    Exercise(4, "A device is stolen: must it be revoked?", must_revoke),
    Exercise(4, "Trust one CA below the root", trust_devices),
    Exercise(4, "Who may enrol?", may_enrol),
    Exercise(4, "Reload what a running backend trusts", reloaded),
    Exercise(4, "Roll the CA under a fleet", roll_over),
)
