"""Around the lessons: is the machine ready, how far is a learner, how far is a class.

Here: what `mtls-lab` prints for a learner or a teacher. Not here: the command line (cli.py).
"""

from mtls_lab.classroom.one_learner import report
from mtls_lab.classroom.whole_class import class_report, export, read_export
from mtls_lab.machine import examine

__all__ = ["class_report", "examine", "export", "read_export", "report"]
