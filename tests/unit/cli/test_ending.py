"""Commands that run until Ctrl-C: what is told, and what a signal interrupts."""

import queue
import signal

import pytest

from mtls_lab.cli.ending import TERMINATED, code_for, left, noted, until

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_waiting_and_not_what_is_being_told(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    events: queue.Queue[str] = queue.Queue()
    for each in ("one", "two"):
        events.put(each)
    told = []
    with noted() as ends:
        for event in until(ends, events):
            signal.raise_signal(number)
            told.append(event)
        assert told == ["one"]
        assert [*left(events)] == ["two"]
    assert signal.getsignal(number) is before


def test_a_second_signal_ends_at_once() -> None:
    with noted() as ends:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert ends == [signal.SIGINT]


def test_the_exit_code() -> None:
    assert (code_for([]), code_for([signal.SIGTERM])) == (0, TERMINATED)
    with pytest.raises(KeyboardInterrupt):
        code_for([signal.SIGINT])
