"""Commands that run until Ctrl-C: what is told, and what a signal interrupts."""

import signal
import threading

import pytest

from mtls_lab.cli.ending import TERMINATED, Events, code_for, noted

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_waiting_and_not_what_is_being_told(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    events: Events[str] = Events(2)
    for each in ("one", "two"):
        events.put(each)
    told = []
    with noted() as ends:
        for event in events.until(ends):
            signal.raise_signal(number)
            told.append(event)
        assert told == ["one"]
        assert [*events.left()] == ["two"]
    assert signal.getsignal(number) is before


def test_a_thread_waits_for_room_and_not_for_one_who_listens_no_more() -> None:
    """A flooded log ends all the same: its threads are waited for, and they for nobody."""
    events: Events[str] = Events(1)
    events.put("one")
    put = threading.Thread(target=events.put, args=("two",))
    put.start()
    assert put.is_alive()
    taking = events.until([])
    assert [next(taking), next(taking)] == ["one", "two"]
    put.join()
    events.put("three")
    put = threading.Thread(target=events.put, args=("four",))
    put.start()
    events.close()
    put.join()
    assert [*events.left()] == ["three", "four"]


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
