"""What a maintainer makes for others: the notebooks' outputs, the picture, the slides, and more.

Here: the commands behind `make notebooks`, `make slides` and `make verdicts`, and those that write
the completion of shells and the recorded runs of a TPM. Not here: their tests (tests/notebooks/).
"""
