"""What a maintainer makes for others: the notebooks' outputs, the picture, the slides.

Here: the commands behind `make notebooks` and `make slides`. Not here: their tests
(tests/notebooks/).
"""
