"""Signals put off while what they would interrupt has to come to its end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
