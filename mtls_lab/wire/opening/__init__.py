"""Encrypted records opened with the secrets of their connection, as Wireshark does it.

Here: from recorded bytes and the lines of a key log to what is in each record. Not here: where the
secrets come from (net/recording.py), and what the messages say (reading/).
"""

from mtls_lab.wire.opening.records import Opened, open_records

__all__ = ["Opened", "open_records"]
