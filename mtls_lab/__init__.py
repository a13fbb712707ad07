"""Learn mutual TLS by doing it: real servers, real certificates, real attacks.

Here: the face, every name that a notebook or the README uses; each is loaded when it is first
asked for, so `import mtls_lab` loads neither widgets nor cryptography. Which names those are says
the stub beside this file (__init__.pyi). Not here: how they are looked up (face.py), or anything
else; no notebook knows which file a name comes from.

No name here equals a folder or a file of the package: Python would hand out the module instead
(`explain` and `diagnose` are functions: their folders are called explaining and diagnosing).
"""

import sys

from mtls_lab import face

__getattr__, __dir__ = face.lazy(__name__, checks="mtls_lab.exercises")

face.keep_old(sys.modules[__name__])
