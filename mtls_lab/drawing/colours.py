"""The colours of outcomes, and the typeface of code: JupyterLab's, or else what any page can show.

Here: values for a `style` attribute. Not here: the colours of the actors (actors.py).
"""

__all__ = ["BAD", "EDGE", "GOOD", "MONOSPACE", "WARN"]

# As an edge, each has a contrast of 3 : 1 or more on white and on JupyterLab's dark (WCAG 1.4.11).
GOOD = "var(--jp-success-color1,#388e3c)"
BAD = "var(--jp-error-color1,#d32f2f)"
WARN = "var(--jp-warn-color1,#c25e00)"
EDGE = "var(--jp-border-color1,#8a8a8a)"
MONOSPACE = "var(--jp-code-font-family,monospace)"
