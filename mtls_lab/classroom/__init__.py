"""Around the lessons: how far is a learner, how far is a class.

Here: what `mtls-lab` prints for a learner or a teacher, and what a notebook's first cell shows. Not
here: the command line (cli/).
"""

from mtls_lab import face

#: Loaded when they are asked for: each notebook calls `enter`, which needs no report and no TPM.
__getattr__, __dir__ = face.lazy(__name__)
