"""The wire panel: Eve's list of what passed, and Mallory's controls.

Here: widgets and HTML. Not here: what the bytes mean and what Mallory can do (experiments/).
"""

from mtls_lab.panels.wire.panel import WirePanel

__all__ = ["WirePanel"]
