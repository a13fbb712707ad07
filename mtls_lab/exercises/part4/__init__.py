"""The exercises of Part 4: a module for each, which bears its name.

Here: what the check does. Not here: what all checks share (the folder above).
"""

__all__: list[str] = []
