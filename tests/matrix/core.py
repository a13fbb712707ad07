"""Which tests run where: in the matrix only those whose result a system of it can change.

Here: what each folder and file of tests depends on, and what is another on each system. Not here:
running them (__main__.py).
"""

#: The tests whose result depends on the Python, its OpenSSL or the packages. All others run in
#: `make test` only: those of other folders, and those here that are marked `once`.
CORE = [
    *("-m", "not once"),
    "mtls_lab",
    "tests/unit",
    "tests/fuzz",
    "tests/panels",
    "tests/interop",
    "tests/notebooks/test_outputs.py",
]

#: What the newest Python runs besides, and nobody else: each lesson in every order that learners
#: find. The claims of a lesson are then held on the newest OpenSSL; that of `make test` has shown
#: that each lesson still prints what it printed.
LESSONS = "tests/notebooks/test_kernel.py"

#: What can make the result of a folder's tests another one than in `make test`:
#: the ssl module of a Python, seen at close range: contexts, what it raises, how strict it is;
SSL = "ssl"
#: the OpenSSL below it: what it sends, which alerts, what it calls an error;
OPENSSL = "OpenSSL"
#: the packages: cryptography, ipywidgets, Jupyter;
PACKAGES = "packages"
#: the system: who one is, what a user may, which programs are there.
SYSTEM = "system"
TLS = {SSL, OPENSSL}

#: Each folder and file of the core, and on which of them it depends. A file of a folder that is
#: named here depends on less than the folder. What depends on none has Python alone to fear, or
#: looks at TLS from further off than what depends on it: it runs on the newest Python only, which
#: is the furthest from that of `make test`.
DEPENDS: dict[str, set[str]] = {
    "mtls_lab": {*TLS, PACKAGES, SYSTEM},
    "tests/fuzz": {PACKAGES},
    "tests/interop": TLS,
    "tests/notebooks/test_outputs.py": {*TLS, PACKAGES, SYSTEM},
    "tests/panels": {PACKAGES},
    "tests/panels/test_workbench_sentences.py": set(),
    "tests/unit/attacks": TLS,
    "tests/unit/diagnosing": {OPENSSL},
    "tests/unit/diagnosing/test_hostile.py": set(),
    "tests/unit/classroom": {SYSTEM},
    "tests/unit/cli": {SYSTEM, PACKAGES},
    "tests/unit/cli/test_explain.py": {SYSTEM},
    "tests/unit/cli/test_quiz.py": {SYSTEM},
    "tests/unit/cli/test_review.py": {SYSTEM},
    "tests/unit/cli/test_two_terminals.py": {SYSTEM},
    "tests/unit/common": {SYSTEM},
    "tests/unit/common/test_errors.py": set(),
    "tests/unit/common/test_facts.py": set(),
    "tests/unit/explaining": TLS,
    "tests/unit/explaining/test_causes.py": set(),
    "tests/unit/explaining/test_held.py": set(),
    "tests/unit/explaining/test_lines.py": set(),
    "tests/unit/explaining/test_look.py": set(),
    "tests/unit/explaining/test_noise.py": set(),
    "tests/unit/drawing": set(),
    "tests/unit/enrolment": {*TLS, PACKAGES},
    "tests/unit/exercises": set(),
    "tests/unit/experiments": {*TLS, PACKAGES},
    "tests/unit/kata": set(),
    "tests/unit/learner": {SYSTEM, PACKAGES},
    "tests/unit/net": TLS,
    "tests/unit/pki": {*TLS, PACKAGES},
    "tests/unit/stacks": {SYSTEM},
    "tests/unit/tpm": {SYSTEM},
    "tests/unit/wire": TLS,
    "tests/unit/wire/test_cards.py": set(),
    "tests/unit/wire/test_fields.py": {OPENSSL},
    "tests/unit/wire/test_ladder.py": {OPENSSL},
    "tests/unit/wire/test_ladder_flags.py": {OPENSSL},
    "tests/unit/wire/test_opening.py": {OPENSSL},
    "tests/unit/wire/test_outcome.py": set(),
    "tests/unit/wire/test_protocol.py": set(),
    "tests/unit/wire/test_records.py": set(),
}

#: The system with the newest Python runs all of the core, as an ordinary user, in two processes: in
#: one it would run on by itself, on one core, when the others are done.
NEWEST, PROCESSES = "Debian sid, Python 3.15", 2
#: What `.venv-oldest-…` has: each package that pyproject.toml names, as old as it allows.
OLDEST = "oldest packages"
#: What is another on each of the others than for `make test`.
DIFFERS: dict[str, set[str]] = {
    # OpenSSL 3.0, and a Python older than 3.11.4, as Debian patches them.
    "Debian 12": TLS,
    # The ssl module of 3.13, which is strict, over OpenSSL 3.5.
    "Debian 13": TLS,
    # The ssl module of 3.14; its OpenSSL is that of the newest Python.
    "Debian sid": {SSL},
    # The ssl module of 3.12, over the OpenSSL of `make test`.
    "Python": {SSL},
    OLDEST: {PACKAGES},
}


def chosen(*systems: str) -> list[str]:
    """What pytest runs on a system, or where several meet: all of the core that they can change.

    The newest Python runs all of it, and the lessons.
    """
    if NEWEST in systems:
        return [*CORE, LESSONS, f"--numprocesses={PROCESSES}"]
    differs = set().union(*(DIFFERS[each] for each in systems))
    left_out = [path for path, on in DEPENDS.items() if not differs & on]
    # pytest does not ignore what it is told to run.
    told = [each for each in CORE if each not in left_out]
    return [*told, *(f"--ignore={path}" for path in left_out if path not in CORE)]
