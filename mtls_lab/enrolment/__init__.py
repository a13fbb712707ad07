"""How a device gets its certificates, keeps them fresh, and loses them.

Here: requests and certificates as lines of the lab's protocol, the office that answers them and
its rules, one that certifies only keys in a TPM, and a run over a whole fleet. Not here: signing
(pki/), sockets (net/), and what a learner is shown of it (experiments/life.py, panels/).
"""

from mtls_lab.enrolment.attested import (
    AttestingOffice,
    attest_line,
    credential_from,
    enrol_line,
)
from mtls_lab.enrolment.calling import FleetRun, ask_all, why
from mtls_lab.enrolment.chip import ChipDevice
from mtls_lab.enrolment.endorsement import endorse, not_endorsed
from mtls_lab.enrolment.evidence import RULES, Claim, only_attests, under_policy
from mtls_lab.enrolment.lines import certificate_from, names_in, request, request_from, to_line
from mtls_lab.enrolment.office import GRACE, Asked, Office, current_only, not_too_late, own_name

__all__ = [
    "GRACE",
    "RULES",
    "Asked",
    "AttestingOffice",
    "ChipDevice",
    "Claim",
    "FleetRun",
    "Office",
    "ask_all",
    "attest_line",
    "certificate_from",
    "credential_from",
    "current_only",
    "endorse",
    "enrol_line",
    "names_in",
    "not_endorsed",
    "not_too_late",
    "only_attests",
    "own_name",
    "request",
    "request_from",
    "to_line",
    "under_policy",
    "why",
]
