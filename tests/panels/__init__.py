"""The panels in plain Python: what they show, without a page."""
