"""What a learner can turn and watch: values behind the panels, each a real exchange.

Here: credentials, the workbench, files on machines, a fleet and its life, what Eve and Mallory do,
statements of a TPM that are worth less than they seem. Not here: widgets (panels/).
"""

from mtls_lab.experiments.attesting import FREE_KEY, certify_loaded, forge_statement
from mtls_lab.experiments.credentials import Credential, CredentialStore, catalogue
from mtls_lab.experiments.fleet import Fleet
from mtls_lab.experiments.life import Life, LifeReport
from mtls_lab.experiments.memory import KeySearch, search_memory, waiting_device
from mtls_lab.experiments.placement import Kit
from mtls_lab.experiments.trying import Workbench
from mtls_lab.experiments.workbench import Recipe

__all__ = [
    "FREE_KEY",
    "Credential",
    "CredentialStore",
    "Fleet",
    "KeySearch",
    "Kit",
    "Life",
    "LifeReport",
    "Recipe",
    "Workbench",
    "catalogue",
    "certify_loaded",
    "forge_statement",
    "search_memory",
    "waiting_device",
]
