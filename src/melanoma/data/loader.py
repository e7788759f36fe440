"""Batches of a table, an epoch at a time."""

import itertools
import signal
import sys
import threading
from collections.abc import Iterator
from types import TracebackType

import cv2
import pandas as pd
import torch
from torch.utils.data import DataLoader

from melanoma.config import TrainConfig
from melanoma.data.dataset import Batch, LesionDataset, collate
from melanoma.data.faults import Faults
from melanoma.data.readers import Reader
from melanoma.data.sampling import EpochSampler, balanced, shuffled
from melanoma.data.transforms import Transform
from melanoma.errors import DataError, ImageError
from melanoma.undisturbed import undisturbed


class Loader:
    """Batches of a table, an epoch at a time; keeps count of the images that cannot be read.

    Raises:
        DataError: on the first unreadable image, or with `on_error=skip` once more than `max_bad_fraction` are; if a
            worker has died or found no memory.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        dataset: LesionDataset,
        faults: Faults,
        sampler: EpochSampler,
        *,
        batch_size: int,
        workers: int,
        pin_memory: bool,
    ) -> None:
        self.table, self.dataset, self.faults, self.batch_size = table, dataset, faults, batch_size
        self._sampler = sampler
        cv2.setNumThreads(0)  # workers, or the network, take the cores
        self._batches = DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=sampler,
            num_workers=workers,
            pin_memory=pin_memory,
            # Each worker keeps two batches ready: 100 MB of shared memory for 16 pictures of 1024 px.
            prefetch_factor=2 if workers else None,
            persistent_workers=workers > 0,
            worker_init_fn=_start_worker,
            collate_fn=collate,
            # Its own, as every epoch draws from it, and a run that is gone on with begins one more.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self._batches)

    def steps(self, batches: int) -> int:
        """Count the windows of so many batches."""
        return -(-len(self) // batches)

    def epoch(self, epoch: int = 0) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        for window in self.windows(epoch):
            yield from window

    def windows(self, epoch: int, batches: int = 1, start: int = 0) -> Iterator[list[Batch]]:
        """Yield an epoch's batches so many at a time, from the window `start` on.

        A batch of which no image could be read is left out of its window, so that windows do not move.
        """
        self._sampler.epoch, self._sampler.start = epoch, start * batches * self.batch_size
        fetched = self._fetch()
        for first, errors in fetched:
            window = [first]
            for batch, more in itertools.islice(fetched, batches - 1):
                window.append(batch)
                errors = errors + more
            for error in errors:
                self.faults.count(error)
            yield [batch for batch in window if batch is not None]

    def _fetch(self) -> Iterator[tuple[Batch | None, list[ImageError]]]:
        handler = signal.getsignal(signal.SIGCHLD) or signal.SIG_DFL
        try:
            with undisturbed():  # an iterator that PyTorch has half made prints a traceback as it is thrown away
                batches = iter(self._batches)
            # PyTorch would raise in whatever runs when a worker dies, be it the writing of a checkpoint. Without its
            # handler the death is found here, where the worker's batch is missed.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGCHLD, handler)
            yield from batches
        except RuntimeError as error:
            if not (str(error).startswith("DataLoader worker") or "shared memory" in str(error)):
                raise
            raise DataError(
                "a loader process was killed or found no memory; take fewer of them (training.workers), a smaller "
                "training.batch_size, or give the machine or container more memory, shared memory (/dev/shm) included"
            ) from error


def make_loader(
    table: pd.DataFrame,
    reader: Reader,
    config: TrainConfig,
    *,
    learn: bool,
    workers: int,
    pin_memory: bool,
    rank: int = 0,
    ranks: int = 1,
) -> Loader:
    """Make the loader of one split, or of one process's share of it; only the one to learn from draws and augments."""
    training = config.training
    faults = Faults(config.data, len(table))
    faults.miss(reader.missing(table["image_name"]))
    table = table[~table["image_name"].isin(faults.missing)]
    transform = Transform(training.image_size, training.fit, config.augment if learn else None)
    draw = None
    if learn:
        draw = balanced(table["target"]) if training.balance == "sampler" else shuffled(len(table))
    return Loader(
        table,
        LesionDataset(table, reader, transform, config.seed),
        faults,
        EpochSampler(len(table), draw, seed=config.seed, batch_size=training.batch_size, rank=rank, ranks=ranks),
        batch_size=training.batch_size,
        workers=workers,
        pin_memory=pin_memory,
    )


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)
    # Ctrl-C reaches every process of the terminal; the main one ends the workers when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an error, but not that the main process ended before it took a batch that this one had ready."""
    if not issubclass(kind, ConnectionError):
        sys.__excepthook__(kind, error, trace)
