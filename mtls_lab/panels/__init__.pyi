# The names of this folder, for the type checker and for Python (../face.py): one line each.

from mtls_lab.panels.attack import AttackPanel as AttackPanel
from mtls_lab.panels.certificate import CertificatePanel as CertificatePanel
from mtls_lab.panels.chain import ChainPanel as ChainPanel
from mtls_lab.panels.credential import CredentialPanel as CredentialPanel
from mtls_lab.panels.fleet import FleetPanel as FleetPanel
from mtls_lab.panels.life import LifePanel as LifePanel
from mtls_lab.panels.parsons import ParsonsPanel as ParsonsPanel
from mtls_lab.panels.placement import PlacementPanel as PlacementPanel
from mtls_lab.panels.prediction import PredictPanel as PredictPanel
from mtls_lab.panels.prediction import predict as predict
from mtls_lab.panels.prediction import reveal as reveal
from mtls_lab.panels.quiz import QuizPanel as QuizPanel
from mtls_lab.panels.reviewing import ReviewPanel as ReviewPanel
from mtls_lab.panels.reviewing import review as review
from mtls_lab.panels.tpm import TpmPanel as TpmPanel
from mtls_lab.panels.wire import WirePanel as WirePanel
from mtls_lab.panels.workbench import WorkbenchPanel as WorkbenchPanel
