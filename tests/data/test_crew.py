import subprocess
import sys

import pytest

from melanoma.data.crew import Crew

INTERRUPTED = """
import signal, sys, threading, time
from melanoma.data.crew import Crew

enter = threading.Condition.__enter__

def take(condition):
    taken = enter(condition)
    if sys._getframe(1).f_code.co_name == "result":
        threading.Condition.__enter__ = enter
        signal.raise_signal(signal.SIGINT)
    return taken

signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Condition.__enter__ = take
try:
    with Crew(2) as crew:
        list(crew.map(lambda number: time.sleep(0.01), range(20)))
except KeyboardInterrupt:
    print("interrupted")
"""
"""Ctrl-C comes when the main thread has just taken the lock of a result that is not there yet."""


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


def test_ctrl_c_within_a_lock_leaves_no_thread_waiting_for_it():
    # In a process of its own: with a thread that waits, it would never end.
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert done.stdout == "interrupted\n", done.stderr
