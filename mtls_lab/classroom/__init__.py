"""Around the lessons: how far is a learner, how far is a class.

Here: what `mtls-lab` prints for a learner or a teacher, and what a notebook's first cell shows. Not
here: the command line (cli/).
"""

from mtls_lab.classroom.entering import enter
from mtls_lab.classroom.handing_in import collected, export, once_each, read_export
from mtls_lab.classroom.one_learner import report
from mtls_lab.classroom.recorded import software_tpm
from mtls_lab.classroom.whole_class import class_report

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
