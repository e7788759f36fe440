"""When a run is saved, and what of it."""

import time
from dataclasses import asdict
from typing import Any

import pandas as pd
import torch

from melanoma.checkpoint import Checkpoint, save_checkpoint
from melanoma.config import TrainConfig
from melanoma.data.digests import Digests
from melanoma.data.loader import Loader
from melanoma.data.splits import split_hash
from melanoma.evaluation.operating import choose_threshold, operating_thresholds
from melanoma.training.loop import Epoch
from melanoma.training.loss import effective_prior
from melanoma.training.run_directory import RunDirectory, versions
from melanoma.training.signals import Signals
from melanoma.training.state import capture
from melanoma.training.trainee import Trainee
from melanoma.vocabulary import SEXES, SITES


class Saver:
    """Saves a run: after each epoch, every so many minutes, and when a signal asks it to end.

    Checkpoints are written before what tells of them, so that a run that is killed in between and gone on with writes
    the same again.
    """

    def __init__(
        self,
        run: RunDirectory,
        checkpoint: Checkpoint,
        trainee: Trainee,
        loaders: dict[str, Loader],
        signals: Signals,
        minutes: float | None,
    ) -> None:
        self._run, self._checkpoint, self._trainee, self._loaders = run, checkpoint, trainee, loaders
        self._signals, self._seconds = signals, None if minutes is None else 60 * minutes
        self._saved = time.monotonic()

    def boundary(self) -> None:
        """Save if it is time to, or if a signal came to any process: then all of them end."""
        ranks, progress = self._trainee.ranks, self._trainee.progress
        due = ranks.first and self._seconds is not None and time.monotonic() - self._saved >= self._seconds
        wish = ranks.most(2 * self._signals.asked + due)
        if wish:
            self._save_last(progress.epoch, None, None)
        self._signals.raise_if(wish // 2)

    def stop(self) -> None:
        """Save, and end as the signal asks, if one came to this process."""
        if self._signals.asked:
            self.boundary()

    def save_epoch(self, epoch: Epoch) -> None:
        """Save after an epoch, as the best one if it is, and write down what it gave."""
        row, predictions = epoch.history, epoch.predictions
        if epoch.improved and self._run.writes:
            self._fill(row["epoch"], row["val/auc"], predictions, training=None)
            save_checkpoint(self._checkpoint, self._run.path / "checkpoints" / "best.pt")
            self._run.write_table("predictions_val.csv", predictions)
        self._save_last(row["epoch"], row["val/auc"], predictions)
        self._run.log_event("epoch", **row)
        self.write_summary()

    def write_summary(self) -> dict[str, Any]:
        """Write history.csv, its picture and summary.json as of the last whole epoch; give the summary."""
        progress = self._trainee.progress
        best = next((row for row in progress.history if row["epoch"] == progress.best_epoch), None)
        summary = {
            "best_val_auc": best and best["val/auc"],
            "best_epoch": progress.best_epoch,
            "epochs": len(progress.history),
            "seconds": sum(row["epoch_seconds"] for row in progress.history),
            "skipped_steps": sum(row["train/skipped_steps"] for row in progress.history),
            "skipped_images": self._unreadable(),
        }
        self._run.write_history(progress.history)
        self._run.write_json("summary.json", summary)
        return summary

    def restore_unreadable(self, unreadable: dict[str, str]) -> None:
        """Go on counting images that cannot be read."""
        for loader in self._loaders.values():
            names = set(loader.table["image_name"])
            loader.faults.unreadable |= {name: reason for name, reason in unreadable.items() if name in names}

    def _save_last(self, epoch: int, val_auc: float | None, predictions: pd.DataFrame | None) -> None:
        training = capture(self._trainee) | {"unreadable": self._unreadable()}
        if self._run.writes:
            self._fill(epoch, val_auc, predictions, training)
            folder = self._run.path / "checkpoints"
            save_checkpoint(self._checkpoint, folder / "last.pt", previous=folder / "previous.pt")
        self._saved = time.monotonic()

    def _fill(
        self, epoch: int, val_auc: float | None, predictions: pd.DataFrame | None, training: dict[str, Any] | None
    ) -> None:
        """Put in what the run has come to; `predictions` are of the validation split, none within an epoch."""
        checkpoint = self._checkpoint
        checkpoint.model = self._trainee.result.state_dict()
        checkpoint.epoch, checkpoint.val_auc, checkpoint.training = epoch, val_auc, training
        checkpoint.threshold = checkpoint.thresholds = None
        if predictions is not None:
            target, probability = predictions["target"].to_numpy(dtype=int), predictions["probability"].to_numpy()
            checkpoint.threshold = choose_threshold(target, probability)
            checkpoint.thresholds = operating_thresholds(target, probability)

    def _unreadable(self) -> dict[str, str]:
        own = {name: why for loader in self._loaders.values() for name, why in loader.faults.unreadable.items()}
        return {name: why for share in self._trainee.ranks.gather(own) for name, why in share.items()}


def blank_checkpoint(
    config: TrainConfig, table: pd.DataFrame, split: pd.Series, pos_weight: float, digests: Digests | None
) -> Checkpoint:
    """Make the checkpoint of a run that has not begun; `pos_weight` is of the loss, `digests` are the table's."""
    prior = float(table.loc[split == "train", "target"].mean())
    return Checkpoint(
        model={},
        config=asdict(config),
        sites=list(SITES),
        sexes=list(SEXES),
        prior=prior,
        effective_prior=effective_prior(prior, config.training.balance, pos_weight),
        pos_weight=pos_weight,
        threshold=None,
        splits=dict(zip(table["image_name"], split, strict=True)),
        split_hash=split_hash(table, split),
        epoch=0,
        val_auc=None,
        versions=versions(),
        digests=None if digests is None else {name: torch.from_numpy(rows) for name, rows in vars(digests).items()},
    )
