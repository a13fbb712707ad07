"""Every panel, and the notebook in which they are one below the other.

No test is here, and no page (conftest.py).
"""

from pathlib import Path

import mtls_lab.panels

#: The cell that shows it, by the panel's name.
PANELS = {
    "predict": "def stolen_key(): return AttackResult('it', 'this', True, ())\npredict(stolen_key)",
    "review": "review(2)",
    "credential": "CredentialPanel()",
    "wire": "WirePanel()",
    "attack": "AttackPanel([Protection('Plain TCP')])",
    "certificate": "CertificatePanel('backend/server.crt')",
    "workbench": "WorkbenchPanel()",
    "placement": "PlacementPanel()",
    "chain": "ChainPanel()",
    "parsons": "ParsonsPanel()",
    "fleet": "FleetPanel()",
    "life": "LifePanel()",
    "tpm": "TpmPanel()",
    "quiz": "QuizPanel('before')",
}
#: The style sheets, the one that all panels share first.
STYLES = Path(mtls_lab.panels.__file__).with_name("style")
LOOKS = ["frame", *sorted({path.stem for path in STYLES.glob("*.css")} - {"frame"})]
BEGIN = """
import threading
from mtls_lab import Protection, enter
from mtls_lab.attacks import AttackResult
from mtls_lab.panels import *
enter(4)
"""
#: Some of them once more, in another case.
CELLS = PANELS | {
    "certificate": "CertificatePanel('ca/ca.crt', 'backend/server.crt')",
    "own certificate": "CertificatePanel('backend/server.crt', 'device/client.crt', "
    "keyfile='backend/server.key', cafile='ca/ca.crt', role='server')",
    "own workbench": "WorkbenchPanel('backend/server.crt', 'backend/server.key', 'ca/ca.crt')",
    "wire over TLS": """import ssl
from mtls_lab.net import client_context, server_context
WirePanel(
    server_context("backend/server.crt", "backend/server.key"),
    client_context("device/server_ca.pem"),
)""",
}
#: The whole notebook: at last, a line of dots with all its groups, and a cell to go on to.
NOTEBOOK = (BEGIN, *CELLS.values(), "enter('3b')", "pass")


def place(name: str) -> int:
    """Which panel of the page that is, from 0; its cell comes after the one with the imports."""
    return list(CELLS).index(name)
