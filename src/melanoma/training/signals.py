"""SIGTERM, SIGUSR1, SIGUSR2 and Ctrl-C as a wish that the loop asks for where its state is whole."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from melanoma.errors import PreemptedError

_NUMBERS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT)
PATIENCE = 300.0
"""Seconds that a saved run waits, after SIGTERM, for its launcher's own signal."""


class Signals:
    """Takes the signals that ask a run to end, as long as it is entered; in other threads than the main one, none.

    Raises:
        PreemptedError: out of whatever runs, on SIGTERM, SIGUSR1 and SIGUSR2 outside of `postponed`.
        KeyboardInterrupt: likewise on Ctrl-C; and on a second one anywhere.
    """

    def __init__(self) -> None:
        self.asked = 0
        """The last signal; 0 where none has come."""
        self._postponed = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._take) for number in _NUMBERS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.asked != signal.SIGINT and callable(self._before.get(self.asked)):
            # A cluster's launcher listens too: all is saved, so that it may now put the job back into its queue.
            os.kill(os.getpid(), self.asked)
            if self.asked == signal.SIGTERM:
                # submitit passes SIGTERM over, as it may mean that the user cancels the job, and puts the job back when
                # its own signal follows; a process that has left by then is never put back.
                time.sleep(PATIENCE)

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """Only note signals within, for `raise_if`."""
        self._postponed = True
        try:
            yield
        finally:
            self._postponed = False

    def raise_if(self, number: int) -> None:
        """Raise what the signal stands for, if it is not 0."""
        if number:
            raise (
                KeyboardInterrupt
                if number == signal.SIGINT
                else PreemptedError(
                    f"{signal.Signals(number).name} came, and what was learnt is saved; start it again with resume=auto"
                )
            )

    def _take(self, number: int, _: FrameType | None) -> None:
        again = self.asked == signal.SIGINT == number
        # A cluster sends SIGTERM beside a launcher's own signal, in any order; the launcher acts on its own alone.
        self.asked = self.asked if self.asked and number == signal.SIGTERM else number
        if not self._postponed or again:
            self.raise_if(number)
        word = "; once more ends at once" if number == signal.SIGINT else ""
        # Not through logging, whose lock the interrupted code may hold.
        os.write(2, f"{signal.Signals(number).name}: saving first{word}\n".encode())
