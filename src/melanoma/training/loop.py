"""The epochs: train, validate, score. No config, no file names, no branch on the variant."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Never

import pandas as pd
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau
from tqdm import tqdm

from melanoma.compute import Compute
from melanoma.data.loader import Loader
from melanoma.errors import DivergedError
from melanoma.evaluation.metrics import roc_auc
from melanoma.prediction import forward, predict
from melanoma.training.stopping import EarlyStopping

_CHECK_EVERY = 10
"""Steps between looks at the loss: each look makes a GPU wait."""

_log = logging.getLogger(__name__)


@dataclass
class Trainee:
    """A model with all that changes it."""

    model: nn.Module
    loss: nn.Module
    optimizer: Optimizer
    schedule: ReduceLROnPlateau
    scaler: torch.amp.GradScaler
    stopping: EarlyStopping
    compute: Compute


@dataclass
class Epoch:
    """What one epoch gave."""

    history: dict[str, float | int | None]
    """A row of history.csv."""
    predictions: pd.DataFrame
    """Of the validation split."""
    improved: bool


def fit(trainee: Trainee, train: Loader, val: Loader, epochs: int) -> Iterator[Epoch]:
    """Train for at most `epochs`, yielding each, until the validation AUC has not risen for long enough."""
    for epoch in range(1, epochs + 1):
        started = time.perf_counter()
        history = train_one_epoch(trainee, train, epoch, epochs)
        predictions = predict(trainee.model, val, trainee.compute, "validation")
        history |= validate(trainee, predictions)
        history |= {
            "lr": trainee.optimizer.param_groups[0]["lr"],
            "epoch_seconds": time.perf_counter() - started,
        }
        score = _score(history)
        trainee.schedule.step(score)
        yield Epoch({"epoch": epoch} | history, predictions, trainee.stopping.update(score))
        if trainee.stopping.should_stop:
            _log.info("stopped early: no better validation score in %d epochs", trainee.stopping.epochs_without_gain)
            return


def train_one_epoch(trainee: Trainee, loader: Loader, epoch: int, epochs: int) -> dict[str, float | int | None]:
    """Take one optimiser step a batch.

    Raises:
        DivergedError: naming the steps in which the loss stopped being finite.
    """
    trainee.model.train()
    total, images, started = torch.zeros((), device=trainee.compute.device), 0, time.perf_counter()
    with _progress(loader, epoch, epochs) as bar:
        for step, batch in enumerate(loader.epoch(epoch), 1):
            size = len(batch["index"])
            total += train_step(trainee, batch) * size
            images += size
            bar.update(size)
            if step % _CHECK_EVERY == 0:
                bar.set_postfix(_postfix(_finite(total, images, epoch, step), trainee), refresh=False)
    mean = _finite(total, images, epoch, len(loader))
    return {"train/loss": mean, "train/images_per_second": images / (time.perf_counter() - started)}


def train_step(trainee: Trainee, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Take one step; give the batch's mean loss, still on the device."""
    batch = trainee.compute.move(batch)
    loss: torch.Tensor = trainee.loss(forward(trainee.model, batch, trainee.compute), batch["target"])
    trainee.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(trainee.scaler.scale(loss))
    trainee.scaler.step(trainee.optimizer)
    trainee.scaler.update()
    return loss.detach()


def validate(trainee: Trainee, predictions: pd.DataFrame) -> dict[str, float | int | None]:
    """Score the validation predictions; the AUC is None where they hold one class only."""
    target = predictions["target"].to_numpy(dtype="float32")
    device = trainee.compute.device
    logits = torch.tensor(predictions["logit"].to_numpy(dtype="float32"), device=device)
    loss = trainee.loss(logits, torch.tensor(target, device=device))
    return {
        "val/loss": float(loss),
        "val/auc": roc_auc(target.astype(int), predictions["probability"].to_numpy()),
    }


def _score(history: dict[str, float | int | None]) -> float:
    """Give what should rise: the AUC, or the negative loss where no AUC is defined."""
    auc, loss = history["val/auc"], history["val/loss"]
    return auc if auc is not None else -(loss or 0.0)


def _finite(total: torch.Tensor, images: int, epoch: int, step: int) -> float:
    mean = float(total) / max(images, 1)
    if not torch.isfinite(total):
        raise DivergedError(
            f"the training loss is {mean} at epoch {epoch}, within the {_CHECK_EVERY} steps up to {step}; "
            "try a lower training.lr, or training.precision=fp32. The best checkpoint so far is intact"
        )
    return mean


def _progress(loader: Loader, epoch: int, epochs: int) -> "tqdm[Never]":
    # Without a terminal tqdm is silent, and the log has a line an epoch.
    return tqdm(total=len(loader.table), desc=f"epoch {epoch}/{epochs}", unit=" images", disable=None, leave=False)


def _postfix(loss: float, trainee: Trainee) -> dict[str, str]:
    best = trainee.stopping.best
    return {"loss": f"{loss:.4f}"} | ({} if best is None else {"best AUC": f"{best:.4f}"})
