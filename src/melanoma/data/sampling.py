"""Which rows of its own table an epoch takes, in which order, and which of them each process."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch.utils.data import Sampler

from melanoma.data.dataset import Key
from melanoma.errors import DataError

Draw = Callable[[np.random.Generator], NDArray[np.int64]]
"""Draws the rows of an epoch, as many as the table has."""


class EpochSampler(Sampler[Key]):
    """Yields the keys of one process's share of an epoch.

    To evaluate (no `draw`), the processes share all rows in the table's order, each row once. To train, they share
    the rows drawn by (seed, epoch), and each gets as many whole batches as the others; what is left over is dropped.

    Raises:
        DataError: if there are fewer rows to train on than processes.
    """

    def __init__(
        self,
        length: int,
        draw: Draw | None = None,
        *,
        seed: int = 0,
        batch_size: int = 1,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self._length, self._draw, self._seed, self._rank, self._ranks = length, draw, seed, rank, ranks
        self._kept = length if draw is None else _shared_evenly(length, batch_size, ranks)
        self.epoch = 0
        self.start = 0
        """Rows of this process's share that are left out, as a run before has learnt from them."""

    def __len__(self) -> int:
        return len(range(self._rank, self._kept, self._ranks))

    def __iter__(self) -> Iterator[Key]:
        rows = np.arange(self._length)
        if self._draw is not None:
            rows = self._draw(np.random.default_rng((self._seed, self.epoch)))
        # Counted before the rows are shared out, so that a picture does not depend on the number of processes.
        copies = pd.Series(rows).groupby(rows).cumcount().to_numpy()
        mine = slice(self._rank, self._kept, self._ranks)
        keys = zip(rows[mine][self.start :], copies[mine][self.start :], strict=True)
        return iter([(self.epoch, int(row), int(copy)) for row, copy in keys])


def shuffled(length: int) -> Draw:
    """Draw every row once."""
    return lambda random: random.permutation(length)


def balanced(target: pd.Series) -> Draw:
    """Draw as many positives as negatives (one more of the latter where the length is odd), with replacement.

    Raises:
        DataError: if there are rows of one class only.
    """
    positives, negatives = np.flatnonzero(target == 1), np.flatnonzero(target == 0)
    if not len(positives) or not len(negatives):
        raise DataError(
            f"training.balance=sampler draws from both classes, but the training split holds {len(positives)} positive "
            f"and {len(negatives)} negative images that can be read. Check data.labels and the splits"
        )

    def draw(random: np.random.Generator) -> NDArray[np.int64]:
        half = len(target) // 2
        rows = np.concatenate([random.choice(positives, half), random.choice(negatives, len(target) - half)])
        return random.permutation(rows)

    return draw


def _shared_evenly(length: int, batch_size: int, ranks: int) -> int:
    """Give how many rows fill whole batches in every process; a split smaller than that is one batch for each."""
    if length < ranks:
        raise DataError(f"the training split's {length} images are too few for {ranks} processes; start fewer of them")
    together = batch_size * ranks
    # A last batch of one or two images would disturb batch statistics.
    return length // together * together or length // ranks * ranks
