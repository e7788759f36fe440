"""The epochs: train, validate, score. No config, no file names, no branch on the variant."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Never

import pandas as pd
import torch
from tqdm import tqdm

from melanoma.data.loader import Loader
from melanoma.evaluation.metrics import roc_auc
from melanoma.prediction import predict
from melanoma.training.step import Launched, finish, launch
from melanoma.training.trainee import Trainee

Boundary = Callable[[], None]
"""What is done where the state is whole and can be saved: between two steps, or two batches of validation."""

_log = logging.getLogger(__name__)


@dataclass
class Epoch:
    """What one epoch gave."""

    history: dict[str, Any]
    """A row of history.csv."""
    predictions: pd.DataFrame
    """Of the validation split."""
    improved: bool

    def __str__(self) -> str:
        row = self.history
        rate, skipped = row["train/images_per_second"], row["train/skipped_steps"]
        return (
            f"epoch {row['epoch']}: train loss {number_or_undefined(row['train/loss'])}, "
            f"val loss {number_or_undefined(row['val/loss'])}, val AUC {number_or_undefined(row['val/auc'])}"
            + ("" if rate is None else f", {rate:.1f} images/s")
            + (f", {skipped} steps skipped" if skipped else "")
            + (", best so far" if self.improved else "")
        )


def fit(
    trainee: Trainee, train: Loader, val: Loader, epochs: int, boundary: Boundary = lambda: None
) -> Iterator[Epoch]:
    """Train from where the trainee stands for `epochs` in all, yielding each, until its score stops rising."""
    progress = trainee.progress
    while progress.epoch <= epochs and not trainee.stopping.should_stop:
        train_one_epoch(trainee, train, epochs, boundary)
        scores, predictions = validate(trainee, val, boundary)
        row = {
            "epoch": progress.epoch,
            "train/loss": progress.mean_loss,
            "train/images_per_second": progress.images / progress.training_seconds if progress.images else None,
            "train/skipped_steps": progress.skipped,
            **scores,
            "lr": trainee.optimizer.param_groups[0]["lr"],
            "epoch_seconds": progress.seconds,
        }
        improved = _judge(trainee, scores)
        progress.end_epoch(row, improved)
        yield Epoch(row, predictions, improved)
    if trainee.stopping.should_stop:
        _log.info("stopped early: no better validation score in %d epochs", trainee.stopping.epochs_without_gain)


def train_one_epoch(trainee: Trainee, loader: Loader, epochs: int, boundary: Boundary = lambda: None) -> None:
    """Take the steps of this epoch that are left.

    Raises:
        DivergedError: if too many steps in a row gave no finite loss or gradient.
    """
    trainee.model.train()
    progress, lap = trainee.progress, _Laps()
    windows = loader.windows(progress.epoch, trainee.accumulate, start=progress.steps)
    with _bar(trainee, loader, epochs) as bar:
        window = next(windows, None)
        while window is not None:
            trainee.schedule.before_step(progress.epoch, progress.steps)
            launched = launch(trainee, window)
            try:
                window = next(windows, None)  # read while the device computes
            finally:  # whatever reading meets, a step that has begun is finished, so that the state is whole
                images = _complete(trainee, launched, loader.steps(trainee.accumulate))
            progress.training_seconds += (seconds := lap())
            progress.seconds += seconds
            bar.update(images)
            bar.set_postfix(_postfix(trainee), refresh=False)
            progress.check(trainee.max_skipped_steps)
            boundary()


def _complete(trainee: Trainee, launched: Launched, steps: int) -> int:
    """Finish a step, in an epoch of so many, and count it; give its images."""
    progress = trainee.progress
    loss, images = finish(trainee, launched)
    progress.add(loss, images)
    if trainee.ema and loss is not None:
        trainee.ema.update(trainee.model, step=(progress.epoch - 1) * steps + progress.steps)
    return images


def validate(
    trainee: Trainee, loader: Loader, boundary: Boundary = lambda: None
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Score the validation split; beside the averaged weights, where there are some, also those they come from."""
    lap, compute, ranks = _Laps(), trainee.compute, trainee.ranks
    for model in (trainee.model, *([trainee.result] if trainee.ema else [])):
        ranks.share_buffers(model)
    predictions = predict(trainee.result, loader, compute, "validation", ranks, boundary)
    scores = {f"val/{name}": value for name, value in score(trainee, predictions).items()}
    if trainee.ema:
        raw = predict(trainee.model, loader, compute, "validation, last weights", ranks, boundary)
        scores |= {f"val/raw_{name}": value for name, value in score(trainee, raw).items()}
    trainee.progress.seconds += lap()
    return scores, predictions


def score(trainee: Trainee, predictions: pd.DataFrame) -> dict[str, float | None]:
    """Give loss and AUC; the AUC is None where the predictions hold one class only."""
    target = predictions["target"].to_numpy(dtype="float32")
    device = trainee.compute.device
    logits = torch.tensor(predictions["logit"].to_numpy(dtype="float32"), device=device)
    loss = trainee.loss(logits, torch.tensor(target, device=device))
    return {"loss": float(loss), "auc": roc_auc(target.astype(int), predictions["probability"].to_numpy())}


def _judge(trainee: Trainee, scores: dict[str, Any]) -> bool:
    """Step schedule and early stopping by what should rise: the AUC, or the negative loss where none is defined."""
    auc, loss = scores["val/auc"], scores["val/loss"]
    value: float = trainee.ranks.share(auc if auc is not None else -loss)
    trainee.schedule.after_epoch(value)
    return trainee.stopping.update(value)


class _Laps:
    """Gives the seconds since it was last asked."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    def __call__(self) -> float:
        started, self._started = self._started, time.perf_counter()
        return self._started - started


def _bar(trainee: Trainee, loader: Loader, epochs: int) -> "tqdm[Never]":
    # Without a terminal tqdm is silent, and the log has a line an epoch.
    return tqdm(
        total=len(loader.table),
        initial=trainee.progress.images,
        desc=f"epoch {trainee.progress.epoch}/{epochs}",
        unit=" images",
        disable=None if trainee.ranks.first else True,
        leave=False,
    )


def _postfix(trainee: Trainee) -> dict[str, str]:
    loss, best = trainee.progress.mean_loss, trainee.stopping.best
    values = {"loss": loss, "best AUC": best}
    return {name: f"{value:.4f}" for name, value in values.items() if value is not None}


def number_or_undefined(value: float | int | None) -> str:
    """Write a metric with four digits, or say that it is undefined."""
    return "undefined" if value is None else f"{value:.4f}"
