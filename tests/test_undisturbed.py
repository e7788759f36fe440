import itertools
import signal
import threading

import pytest

from melanoma.data.stores.crew import Crew
from melanoma.undisturbed import map_in_threads, undisturbed

pytestmark = pytest.mark.usefixtures("ctrl_c")


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


def test_a_signal_waits_for_the_end():
    ended, handler = [], signal.getsignal(signal.SIGINT)

    def work():
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert ended
    assert signal.getsignal(signal.SIGINT) is handler


def test_results_come_in_order_and_an_error_ends_them():
    assert list(map_in_threads(lambda number: 1 / number, [1, 2, 4], 2)) == [1, 0.5, 0.25]
    assert list(map_in_threads(lambda number: number, [None], 2)) == [None]
    results = map_in_threads(lambda number: 1 / number, [1, 0], 2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def in_a_crew(work, items, threads):
    with Crew(threads) as crew:
        yield from crew.map(work, items)


@pytest.mark.parametrize("each", [map_in_threads, in_a_crew])
def test_ctrl_c_within_a_lock_leaves_no_thread_waiting_for_it(noisy_locks, each):
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        list(each(lambda number: number, range(20), 2))
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
