"""What an attacker does to a protection, for real, and the table of it all.

Here: the attacks in their order, the protections of the three parts, the table. Not here: the
relay that the attacker uses (net/relay.py).
"""

from mtls_lab.attacks.attacks import (
    ATTACKS,
    Attack,
    AttackResult,
    change_reply,
    clone,
    eavesdrop,
    impersonate,
    reply_index,
    steal_key,
    steal_session,
    tamper,
)
from mtls_lab.attacks.protections import KeyInTPM, Protection, key_in_tpm, lab_protections
from mtls_lab.attacks.table import AttackTable, attack_table

__all__ = [
    "ATTACKS",
    "Attack",
    "AttackResult",
    "AttackTable",
    "KeyInTPM",
    "Protection",
    "attack_table",
    "change_reply",
    "clone",
    "eavesdrop",
    "impersonate",
    "key_in_tpm",
    "lab_protections",
    "reply_index",
    "steal_key",
    "steal_session",
    "tamper",
]
