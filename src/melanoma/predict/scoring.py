"""Checkpoints and a table -> scores, batch by batch: what is kept of an image is a number."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma.checkpoint import Checkpoint, load_checkpoint
from melanoma.compute import Compute
from melanoma.config import DataConfig, PredictConfig, TrainConfig
from melanoma.data.loader import Loader
from melanoma.data.readers import Reader
from melanoma.evaluation.calibration import Calibration, from_plain
from melanoma.evaluation.ensemble import to_logit
from melanoma.models.views import read_size
from melanoma.prediction import open_loader, require_finite, score_batches, to_probability
from melanoma.trained import compute_like, place

Rows = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Labels of the table's rows, and the logit and probability of each."""


@dataclass(frozen=True)
class Scorer:
    """An opened checkpoint; its network is built when it is to score."""

    path: Path
    checkpoint: Checkpoint
    trained: TrainConfig
    """The checkpoint's own config."""
    compute: Compute
    calibration: Calibration | None

    def score(self, loader: Loader, config: PredictConfig) -> Iterator[Rows]:
        """Yield the rows of each batch, calibrated as the checkpoint says.

        Raises:
            DivergedError: if a logit is not finite.
        """
        model = place(self.checkpoint, self.trained, str(self.path), self.compute, config.tta, config.crops)
        labels = loader.table.index.to_numpy()
        for batch, logits in score_batches(model, loader, self.compute, self.path.name):
            require_finite(logit := logits.cpu().double().numpy())
            rows = labels[batch["index"].numpy()]
            if self.calibration is None:
                yield rows, logit, to_probability(logit)
            else:
                probability = self.calibration.probability(logit)
                yield rows, to_logit(probability), probability


def open_scorer(path: Path, config: PredictConfig) -> Scorer:
    """Read a checkpoint.

    Raises:
        CheckpointError: if it cannot be used.
        ConfigError: if it cannot be computed on the device that is asked for.
    """
    checkpoint, trained = load_checkpoint(path, TrainConfig)
    compute = compute_like(trained, config.device)
    return Scorer(path, checkpoint, trained, compute, from_plain(checkpoint.calibration))


def images_for(
    scorer: Scorer, table: pd.DataFrame, reader: Reader, data: DataConfig, config: PredictConfig, image_size: int
) -> Loader:
    """Read the table's images for a checkpoint, in the table's order, at `image_size` pixels a side."""
    own = replace(scorer.trained, data=data, training=replace(scorer.trained.training, image_size=image_size))
    return open_loader(table, reader, own, scorer.compute, config.workers)


class Scores:
    """The readable rows of a table, scored: iterate once, a frame a batch, in the table's order.

    All checkpoints but the last go over the images first, and leave the sum of their logits.

    Raises:
        DataError: with `on_error=fail` on the first unreadable image; else if they are more than the config allows.
        DivergedError: if a logit is not finite.
    """

    def __init__(
        self, scorers: list[Scorer], table: pd.DataFrame, reader: Reader, data: DataConfig, config: PredictConfig
    ) -> None:
        self.unreadable: dict[str, str] = {}
        """Images left out, and why; whole once the iteration is."""
        self._scorers, self._table, self._reader, self._data, self._config = scorers, table, reader, data, config

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield rows of the table with logit and probability beside; of several checkpoints, the mean logit."""
        if len(self._scorers) == 1:
            yield from (self._frame(*rows) for rows in self._passed(self._scorers[0]))
            return
        total, times = np.zeros(len(self._table)), np.zeros(len(self._table), dtype=np.int64)
        for scorer in self._scorers:
            for rows, logit, _ in self._passed(scorer):
                total[rows] += logit
                times[rows] += 1
                if scorer is self._scorers[-1]:
                    rows = rows[times[rows] == len(self._scorers)]
                    logit = total[rows] / len(self._scorers)
                    yield self._frame(rows, logit, to_probability(logit))

    def _passed(self, scorer: Scorer) -> Iterator[Rows]:
        """Yield one checkpoint's rows, and note what it could not read."""
        config = self._config
        size = read_size(scorer.trained.training.image_size, config.crops, config.crop_scale)
        loader = images_for(scorer, self._table, self._reader, self._data, config, size)
        yield from scorer.score(loader, config)
        self.unreadable |= dict.fromkeys(loader.faults.missing, "is not there") | loader.faults.unreadable

    def _frame(
        self, rows: NDArray[np.int64], logit: NDArray[np.float64], probability: NDArray[np.float64]
    ) -> pd.DataFrame:
        return self._table.loc[rows].assign(logit=logit, probability=probability)
