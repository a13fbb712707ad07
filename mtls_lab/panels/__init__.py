"""The panels: what the notebooks show as text, to touch and to look at.

Here: ipywidgets, and nothing else of the package imports them. Not here: what happens when a
button is pressed; that is an exchange, an attack or a certificate of the other modules.
"""

from mtls_lab.panels.attack import AttackPanel
from mtls_lab.panels.certificate import CertificatePanel
from mtls_lab.panels.chain import ChainPanel
from mtls_lab.panels.credential import CredentialPanel
from mtls_lab.panels.fleet import FleetPanel
from mtls_lab.panels.life import LifePanel
from mtls_lab.panels.parsons import ParsonsPanel
from mtls_lab.panels.placement import PlacementPanel
from mtls_lab.panels.prediction import PredictPanel, predict, reveal
from mtls_lab.panels.quiz import QuizPanel
from mtls_lab.panels.reviewing import ReviewPanel, review
from mtls_lab.panels.tpm import TpmPanel
from mtls_lab.panels.wire import WirePanel
from mtls_lab.panels.workbench import WorkbenchPanel

__all__ = [
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
]
