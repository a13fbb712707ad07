"""The repository itself: what is in git, what the settings promise, what the README says."""
