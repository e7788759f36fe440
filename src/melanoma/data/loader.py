"""Batches of a table, an epoch at a time."""

import logging
from collections.abc import Iterator

import cv2
import numpy as np
import pandas as pd
from torch.utils.data import DataLoader, Sampler

from melanoma.config import DataConfig, TrainConfig
from melanoma.data.dataset import Batch, Key, LesionDataset, collate
from melanoma.data.readers import Reader
from melanoma.data.transforms import Transform
from melanoma.errors import DataError, ImageError

_log = logging.getLogger(__name__)


class EpochSampler(Sampler[Key]):
    """Yields (epoch, row) for every row, shuffled by (seed, epoch) if asked."""

    def __init__(self, length: int, shuffle: bool, seed: int) -> None:
        self._length, self._shuffle, self._seed = length, shuffle, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Key]:
        rows = np.arange(self._length)
        if self._shuffle:
            np.random.default_rng((self._seed, self.epoch)).shuffle(rows)
        return iter([(self.epoch, int(row)) for row in rows])


class Loader:
    """Batches of a table, an epoch at a time; keeps count of the images that cannot be read.

    Raises:
        DataError: on the first unreadable image, or with `on_error=skip` once more than `max_bad_fraction` are.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        dataset: LesionDataset,
        *,
        batch_size: int,
        workers: int,
        pin_memory: bool,
        config: DataConfig,
        shuffle_seed: int | None = None,
    ) -> None:
        self.table, self.dataset = table, dataset
        self.bad: dict[str, str] = {}
        self._skips, self._max_bad_fraction = config.on_error == "skip", config.max_bad_fraction
        cv2.setNumThreads(0)  # workers, or the network, take the cores
        shuffle = shuffle_seed is not None
        self._sampler = EpochSampler(len(table), shuffle, shuffle_seed or 0)
        self._batches = DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=self._sampler,
            # A last batch of one or two images would disturb batch statistics.
            drop_last=shuffle and len(table) >= batch_size,
            num_workers=workers,
            pin_memory=pin_memory,
            persistent_workers=workers > 0,
            collate_fn=collate,
        )

    def __len__(self) -> int:
        return len(self._batches)

    def epoch(self, epoch: int = 0) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        self._sampler.epoch = epoch
        for batch, errors in self._batches:
            for error in errors:
                self._count(error)
            if batch is not None:
                yield batch

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
    table: pd.DataFrame, reader: Reader, config: TrainConfig, *, learn: bool, workers: int, pin_memory: bool
) -> Loader:
    """Make the loader of one split; only the one to learn from shuffles and augments."""
    training = config.training
    table = drop_missing(table, reader, config.data)
    transform = Transform(training.image_size, training.fit, config.augment if learn else None)
    return Loader(
        table,
        LesionDataset(table, reader, transform, config.seed),
        batch_size=training.batch_size,
        workers=workers,
        pin_memory=pin_memory,
        config=config.data,
        shuffle_seed=config.seed if learn else None,
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
