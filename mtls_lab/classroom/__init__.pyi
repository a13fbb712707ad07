# The names of this folder, for the type checker and for Python (../face.py): one line each.

from mtls_lab.classroom.entering import enter as enter
from mtls_lab.classroom.handing_in import collected as collected
from mtls_lab.classroom.handing_in import export as export
from mtls_lab.classroom.handing_in import once_each as once_each
from mtls_lab.classroom.handing_in import read_export as read_export
from mtls_lab.classroom.one_learner import report as report
from mtls_lab.classroom.recorded import software_tpm as software_tpm
from mtls_lab.classroom.whole_class import class_report as class_report
