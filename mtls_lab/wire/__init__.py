"""What passes between two ends, as values: lines, records, messages, and how an exchange ended.

Here: pure functions and frozen values, without a socket in sight. Not here: whatever opens a
connection (net/), and certificates (pki/).
"""

from mtls_lab import face

#: Loaded when they are asked for: `mtls-lab explain` reads no message, and what reads them takes as
#: long to load as the rest of the command.
__getattr__, __dir__ = face.lazy(__name__)
