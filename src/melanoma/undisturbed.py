"""Signals put off while what they would interrupt has to come to its end."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar, cast

S = TypeVar("S")
T = TypeVar("T")

_END = object()
_RAISING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals that Python handles, and may raise, come at the end only."""
    came: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():  # the only one that they reach
        before = {number: handler for number in _RAISING if callable(handler := signal.getsignal(number))}
    for one in before:
        signal.signal(one, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    for number in came:
        signal.raise_signal(number)


def map_in_threads(work: Callable[[S], T], items: Iterable[S], threads: int) -> Iterator[T]:
    """Yield the results in order; a signal comes between two of them.

    Raised within a lock that this thread shares with the pool's, it would leave them waiting for the lock for ever.
    """
    with undisturbed():
        pool = ThreadPoolExecutor(threads)
        results = pool.map(work, items)
    try:
        while True:
            with undisturbed():
                found = next(results, _END)
            if found is _END:
                return
            yield cast(T, found)
    finally:
        with undisturbed():
            pool.shutdown(cancel_futures=True)
