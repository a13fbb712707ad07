"""Around the lessons: how far is a learner, how far is a class.

Here: what `mtls-lab` prints for a learner or a teacher, and what a notebook's first cell shows. Not
here: the command line (cli/).
"""

from mtls_lab.classroom.collecting import collected, once_each
from mtls_lab.classroom.entering import enter
from mtls_lab.classroom.one_learner import report
from mtls_lab.classroom.recorded import software_tpm
from mtls_lab.classroom.whole_class import class_report, export, read_export

__all__ = [
    "class_report",
    "collected",
    "enter",
    "export",
    "once_each",
    "read_export",
    "report",
    "software_tpm",
]
