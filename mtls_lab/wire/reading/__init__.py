"""What a TLS message says: its fields, with their bytes, values and RFC sections.

Here: from the bytes of one message to a tree of fields. Not here: where the bytes come from
(opening/, net/tls.py), and how the tree is drawn.
"""

from mtls_lab.wire.reading.messages import read_alert, read_change_cipher_spec, read_message
from mtls_lab.wire.reading.reader import Field, Malformed

__all__ = ["Field", "Malformed", "read_alert", "read_change_cipher_spec", "read_message"]
