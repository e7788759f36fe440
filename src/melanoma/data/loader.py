"""Batches of a table, an epoch at a time."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from types import TracebackType

import cv2
import pandas as pd
from torch.utils.data import DataLoader

from melanoma.config import DataConfig, TrainConfig
from melanoma.data.dataset import Batch, LesionDataset, collate
from melanoma.data.readers import Reader
from melanoma.data.sampling import EpochSampler, balanced, shuffled
from melanoma.data.transforms import Transform
from melanoma.errors import DataError, ImageError

_log = logging.getLogger(__name__)


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
        sampler: EpochSampler,
        *,
        batch_size: int,
        workers: int,
        pin_memory: bool,
        config: DataConfig,
    ) -> None:
        self.table, self.dataset = table, dataset
        self.bad: dict[str, str] = {}
        self._skips, self._max_bad_fraction = config.on_error == "skip", config.max_bad_fraction
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
        )

    def __len__(self) -> int:
        return len(self._batches)

    def epoch(self, epoch: int = 0) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        self._sampler.epoch = epoch
        for batch, errors in self._fetch():
            for error in errors:
                self._count(error)
            if batch is not None:
                yield batch

    def _fetch(self) -> Iterator[tuple[Batch | None, list[ImageError]]]:
        handler = signal.getsignal(signal.SIGCHLD) or signal.SIG_DFL
        try:
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

    def _count(self, error: ImageError) -> None:
        if error.image_name in self.bad:
            return
        self.bad[error.image_name] = error.reason
        if not self._skips:
            raise DataError(f"{error}. Mend or remove it, or leave such images out with data.on_error=skip")
        _log.warning("skipped %s", error)
        if len(self.bad) > self._max_bad_fraction * len(self.table):
            raise DataError(
                f"{len(self.bad)} of {len(self.table)} images cannot be read, more than "
                f"data.max_bad_fraction={self._max_bad_fraction} allows; the last was {error}"
            )


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
    table = drop_missing(table, reader, config.data)
    transform = Transform(training.image_size, training.fit, config.augment if learn else None)
    draw = None
    if learn:
        draw = balanced(table["target"]) if training.balance == "sampler" else shuffled(len(table))
    return Loader(
        table,
        LesionDataset(table, reader, transform, config.seed),
        EpochSampler(len(table), draw, seed=config.seed, batch_size=training.batch_size, rank=rank, ranks=ranks),
        batch_size=training.batch_size,
        workers=workers,
        pin_memory=pin_memory,
        config=config.data,
    )


def drop_missing(table: pd.DataFrame, reader: Reader, config: DataConfig) -> pd.DataFrame:
    """Leave out the rows whose image is not there, if the config says so.

    Raises:
        DataError: with `on_error=fail`, or if more than `max_bad_fraction` are missing.
    """
    missing = reader.missing(table["image_name"])
    if not missing:
        return table
    cause = f"{len(missing)} of {len(table)} images have no file, such as {', '.join(missing[:3])}"
    if config.on_error == "fail":
        raise DataError(f"{cause}; leave them out with data.on_error=skip, or look at data.root and data.images")
    if len(missing) > config.max_bad_fraction * len(table):
        raise DataError(f"{cause}: more than data.max_bad_fraction={config.max_bad_fraction} allows")
    _log.warning("%s; they are left out: %s", cause, ", ".join(missing))
    return table[~table["image_name"].isin(missing)]


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)
    # Ctrl-C reaches every process of the terminal; the main one ends the workers when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an error, but not that the main process ended before it took a batch that this one had ready."""
    if not issubclass(kind, ConnectionError):
        sys.__excepthook__(kind, error, trace)
