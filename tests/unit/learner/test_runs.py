"""What a decisive run prints is kept apart, whoever else prints meanwhile."""

import subprocess
import sys
import threading

from mtls_lab.learner.runs import Run, make


def test_two_runs_at_the_same_time_keep_their_own_lines() -> None:
    """A cell and a click: the first to begin may be the first to end."""
    usual = sys.stdout
    first_prints, second_prints, first_ended = (threading.Event() for _ in range(3))
    left: dict[str, Run] = {}

    def first() -> None:
        sys.stdout.write("first\n")
        first_prints.set()
        second_prints.wait()

    def second() -> None:
        first_prints.wait()
        sys.stdout.write("second\n")
        second_prints.set()
        first_ended.wait()
        inner = make(lambda: sys.stdout.write("inner"))
        sys.stdout.write(f"{inner.printed} and outer")

    def run_first() -> None:
        left["first"] = make(first)
        first_ended.set()

    def run_second() -> None:
        left["second"] = make(second)

    threads = [threading.Thread(target=each) for each in (run_first, run_second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert left == {"first": Run(None, "first"), "second": Run(None, "second\ninner and outer")}
    assert sys.stdout is usual


def test_it_ends_in_silence_after_the_output_that_it_passes_on_to() -> None:
    """When Python ends, it closes both, in any order; 3.13 says what fails then."""
    line = "import sys; from mtls_lab.learner.runs import make; make(print); sys.stdout.close()"
    ended = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
