"""Learn mutual TLS by doing it: real servers, real certificates, real attacks.

Here: the face, every name that a notebook or the README uses; each is loaded when it is first
asked for, so `import mtls_lab` loads neither widgets nor cryptography. Not here: anything else;
no notebook knows which file a name comes from.

No name here equals a folder or a file of the package: Python would hand out the module instead
(`explain` is the function, so its folder is called diagnosis).
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from mtls_lab import old_names

if TYPE_CHECKING:
    from mtls_lab import exercises as checks
    from mtls_lab.attacks import (
        KeyInTPM,
        Protection,
        attack_table,
        change_reply,
        clone,
        reply_index,
        steal_key,
    )
    from mtls_lab.bench import diagnose
    from mtls_lab.classroom import (
        enter,
        report,
        software_tpm,
    )
    from mtls_lab.diagnosis import explain
    from mtls_lab.enrolment import (
        AttestingOffice,
        ChipDevice,
        Office,
        ask_all,
        attest_line,
        certificate_from,
        credential_from,
        endorse,
        enrol_line,
        names_in,
        only_attests,
        request,
        to_line,
        under_policy,
    )
    from mtls_lab.errors import FileProblem
    from mtls_lab.experiments import (
        FREE_KEY,
        CredentialStore,
        catalogue,
        certify_loaded,
        forge_statement,
        search_memory,
        waiting_device,
    )
    from mtls_lab.kata import Kata, kata_key, worked_kata
    from mtls_lab.learner import available, openssl
    from mtls_lab.net import (
        Relay,
        ask,
        ask_apart,
        cut,
        flip_bit,
        replace,
        serve,
        stop_all,
        watch,
    )
    from mtls_lab.panels import (
        AttackPanel,
        CertificatePanel,
        ChainPanel,
        CredentialPanel,
        FleetPanel,
        LifePanel,
        ParsonsPanel,
        PlacementPanel,
        PredictPanel,
        QuizPanel,
        ReviewPanel,
        TpmPanel,
        WirePanel,
        WorkbenchPanel,
        predict,
        reveal,
        review,
    )
    from mtls_lab.pki import (
        CertificateAuthority,
        Identity,
        Purpose,
        create_key,
        describe,
        pem,
        read_identity,
        self_signed,
    )
    from mtls_lab.stacks import Encounters, Program, meet, stack_table
    from mtls_lab.tpm import (
        Public,
        Refusal,
        Signature,
        SoftwareTPM,
        Statement,
        attestation_key,
        certify_key,
        create_csr,
        create_sealed_key,
        create_wrapped_key,
        decode,
        endorsement_certificates,
        endorsement_key,
        make_credential,
        measure,
        open_credential,
        policy_for,
    )
    from mtls_lab.wire import (
        Direction,
        Exchange,
        Failure,
        Side,
        Stage,
        compare,
        from_wire,
        server_name,
    )

#: Where each name comes from; `checks` and `pem` are modules, used as `checks.NAME`.
_HOMES = {
    "attacks": (
        *("Protection", "attack_table", "change_reply", "clone", "reply_index", "steal_key"),
        "KeyInTPM",
    ),
    "bench": ("diagnose",),
    "classroom": ("enter", "report", "software_tpm"),
    "diagnosis": ("explain",),
    "enrolment": (
        "AttestingOffice",
        "ChipDevice",
        "Office",
        "ask_all",
        "attest_line",
        "certificate_from",
        "credential_from",
        "endorse",
        "enrol_line",
        "names_in",
        "only_attests",
        "request",
        "to_line",
        "under_policy",
    ),
    "errors": ("FileProblem",),
    "experiments": (
        "FREE_KEY",
        "CredentialStore",
        "catalogue",
        "certify_loaded",
        "forge_statement",
        "search_memory",
        "waiting_device",
    ),
    "kata": ("Kata", "kata_key", "worked_kata"),
    "learner": ("available", "openssl"),
    "net": (
        "Relay",
        "ask",
        "cut",
        "flip_bit",
        "replace",
        "serve",
        "stop_all",
        "watch",
        "ask_apart",
    ),
    "panels": (
        "AttackPanel",
        "CertificatePanel",
        "ChainPanel",
        "CredentialPanel",
        "FleetPanel",
        "LifePanel",
        "ParsonsPanel",
        "PlacementPanel",
        "PredictPanel",
        "QuizPanel",
        "ReviewPanel",
        "TpmPanel",
        "WirePanel",
        "WorkbenchPanel",
        "predict",
        "reveal",
        "review",
    ),
    "pki": (
        "CertificateAuthority",
        "Identity",
        "Purpose",
        "create_key",
        "describe",
        "pem",
        "read_identity",
        "self_signed",
    ),
    "stacks": ("Encounters", "Program", "meet", "stack_table"),
    "tpm": (
        "Public",
        "Refusal",
        "Signature",
        "SoftwareTPM",
        "Statement",
        "attestation_key",
        "certify_key",
        "create_csr",
        "create_sealed_key",
        "create_wrapped_key",
        "decode",
        "endorsement_certificates",
        "endorsement_key",
        "make_credential",
        "measure",
        "open_credential",
        "policy_for",
    ),
    "wire": (
        "Direction",
        "Exchange",
        "Failure",
        "Side",
        "Stage",
        "compare",
        "from_wire",
        "server_name",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "FREE_KEY",
    "AttackPanel",
    "AttestingOffice",
    "CertificateAuthority",
    "CertificatePanel",
    "ChainPanel",
    "ChipDevice",
    "CredentialPanel",
    "CredentialStore",
    "Direction",
    "Encounters",
    "Exchange",
    "Failure",
    "FileProblem",
    "FleetPanel",
    "Identity",
    "Kata",
    "KeyInTPM",
    "LifePanel",
    "Office",
    "ParsonsPanel",
    "PlacementPanel",
    "PredictPanel",
    "Program",
    "Protection",
    "Public",
    "Purpose",
    "QuizPanel",
    "Refusal",
    "Relay",
    "ReviewPanel",
    "Side",
    "Signature",
    "SoftwareTPM",
    "Stage",
    "Statement",
    "TpmPanel",
    "WirePanel",
    "WorkbenchPanel",
    "ask",
    "ask_all",
    "ask_apart",
    "attack_table",
    "attest_line",
    "attestation_key",
    "available",
    "catalogue",
    "certificate_from",
    "certify_key",
    "certify_loaded",
    "change_reply",
    "checks",
    "clone",
    "compare",
    "create_csr",
    "create_key",
    "create_sealed_key",
    "create_wrapped_key",
    "credential_from",
    "cut",
    "decode",
    "describe",
    "diagnose",
    "endorse",
    "endorsement_certificates",
    "endorsement_key",
    "enrol_line",
    "enter",
    "explain",
    "flip_bit",
    "forge_statement",
    "from_wire",
    "kata_key",
    "make_credential",
    "measure",
    "meet",
    "names_in",
    "only_attests",
    "open_credential",
    "openssl",
    "pem",
    "policy_for",
    "predict",
    "read_identity",
    "replace",
    "reply_index",
    "report",
    "request",
    "reveal",
    "review",
    "search_memory",
    "self_signed",
    "serve",
    "server_name",
    "software_tpm",
    "stack_table",
    "steal_key",
    "stop_all",
    "to_line",
    "under_policy",
    "waiting_device",
    "watch",
    "worked_kata",
]


def __getattr__(name: str) -> object:
    if name == "checks":
        return import_module("mtls_lab.exercises")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"mtls_lab.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__  # with what is not loaded yet, for completion


old_names.keep(sys.modules[__name__])
