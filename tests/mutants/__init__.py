"""How well the checks of the exercises tell wrong from right: `make mutants`.

Each solution of the notebooks is changed mechanically, in every place and one at a time, and its
check is asked. Here: the mutants (mutations.py), asking (asking.py), the figure (__main__.py), and
those that are as good as the solution, each with the reason (equivalent.toml). Not here: what
learners write (tests/unit/exercises).
"""
