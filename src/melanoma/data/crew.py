"""A few threads that share a task."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from melanoma.cores import cores
from melanoma.undisturbed import undisturbed

S = TypeVar("S")
T = TypeVar("T")


class Crew:
    """Threads that share a task and keep its order; OpenCV lets go of the interpreter for nearly all of the work."""

    def __init__(self, workers: int | None) -> None:
        workers = workers or cores()
        self._pool, self._ahead = ThreadPoolExecutor(workers), 2 * workers

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with undisturbed():
            self._pool.shutdown(cancel_futures=True)

    def map(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
        """Yield the results in order; few are under way at a time, so that memory stays bounded.

        A signal comes between two of them: raised within a lock that this thread shares with the pool's, it would leave
        them waiting for the lock for ever.
        """
        waiting: deque[Future[T]] = deque()
        for item in items:
            with undisturbed():
                waiting.append(self._pool.submit(work, item))
            if len(waiting) > self._ahead:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())


def _result(future: Future[T]) -> T:
    with undisturbed():
        return future.result()
