"""The panels: what the notebooks show as text, to touch and to look at.

Here: ipywidgets, and nothing else of the package imports them. Not here: what happens when a
button is pressed; that is an exchange, an attack or a certificate of the other modules.
"""

from mtls_lab import face

#: Loaded when they are asked for: a notebook shows a few of them, and some bring a TPM.
__getattr__, __dir__ = face.lazy(__name__)
