import itertools
import signal
import threading

import pytest

from melanoma.data.crew import Crew


@pytest.fixture
def noisy_locks(monkeypatch):
    """Let Ctrl-C come when this thread has just taken a condition's lock, as a result has one, for the tenth time."""
    enter, own, times = threading.Condition.__enter__, threading.get_ident(), itertools.count(1)

    def take(self):
        taken = enter(self)
        if threading.get_ident() == own and next(times) == 10:
            signal.raise_signal(signal.SIGINT)
        return taken

    monkeypatch.setattr(threading.Condition, "__enter__", take)


def each(work, items):
    with Crew(2) as crew:
        yield from crew.map(work, items)


def test_results_come_in_order_and_an_error_ends_them():
    assert list(each(lambda number: 1 / number, [1, 2, 4])) == [1, 0.5, 0.25]
    assert list(each(lambda number: number, [None])) == [None]
    results = each(lambda number: 1 / number, [1, 0])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_within_a_lock_leaves_no_thread_waiting_for_it(noisy_locks):
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        list(each(lambda number: number, range(20)))
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
