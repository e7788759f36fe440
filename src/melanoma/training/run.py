"""One training run in reading order: data, split, model, epochs; what it leaves is in `run_directory`."""

import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from melanoma.checkpoint import Checkpoint, save_checkpoint
from melanoma.compute import Compute, choose_compute, choose_workers
from melanoma.config import TrainConfig
from melanoma.data.leaks import check_leaks
from melanoma.data.loader import Loader, make_loader
from melanoma.data.readers import images_key
from melanoma.data.splits import save_splits, split_hash
from melanoma.data.table import choose_splits, open_data
from melanoma.evaluation.operating import choose_threshold
from melanoma.evaluation.plots import plot_history
from melanoma.models import build_model
from melanoma.training.loop import Epoch, Trainee, fit
from melanoma.training.loss import effective_prior, make_loss, positive_weight
from melanoma.training.optim import make_optimizer, make_schedule
from melanoma.training.run_directory import RunDirectory, environment, versions
from melanoma.training.stopping import EarlyStopping
from melanoma.vocabulary import SEXES, SITES

_log = logging.getLogger(__name__)


def train(config: TrainConfig, run_dir: Path) -> float | None:
    """Train one model into `run_dir`; give its best validation AUC, or None if that is undefined.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    compute = choose_compute(config.device, config.training.precision, config.training.channels_last)
    run = RunDirectory(run_dir)
    run.write_config(asdict(config))
    run.write_json("environment.json", environment(compute.device))
    table, reader = open_data(config.data, config.reader, Path(config.cache))
    table, split = choose_splits(table, config.data, config.split)
    save_splits(table, split, run.path / "splits.csv")
    key = images_key(config.data, config.reader)
    check_leaks(table, split, reader, config.data.leaks, run.path, Path(config.cache), key)
    loss_weight = positive_weight(table.loc[split == "train", "target"])
    workers, on_gpu = choose_workers(config.training.workers, compute.device), compute.device.type == "cuda"
    loaders = {
        name: make_loader(
            table[split == name], reader, config, learn=name == "train", workers=workers, pin_memory=on_gpu
        )
        for name in ("train", "val")
    }
    torch.manual_seed(config.seed)
    model = compute.place(build_model(config.model, config.training.image_size))
    trainee = make_trainee(model, config, loss_weight if config.training.balance == "weighted_loss" else 1.0, compute)
    blank = _blank_checkpoint(config, table, split, trainee)
    return _run_epochs(trainee, loaders, config, run, blank)


def make_trainee(model: nn.Module, config: TrainConfig, pos_weight: float, compute: Compute) -> Trainee:
    """Put a placed model together with the loss, optimiser and schedule that the config asks for."""
    optimizer = make_optimizer(model, config.training)
    return Trainee(
        model=model,
        loss=make_loss(pos_weight, compute.device),
        optimizer=optimizer,
        schedule=make_schedule(optimizer, config.training),
        scaler=compute.scaler(),
        stopping=EarlyStopping(config.training.early_stopping_patience),
        compute=compute,
    )


def _run_epochs(
    trainee: Trainee,
    loaders: dict[str, Loader],
    config: TrainConfig,
    run: RunDirectory,
    checkpoint: Checkpoint,
) -> float | None:
    started = time.perf_counter()
    summary: dict[str, Any] = {"best_val_auc": None, "best_epoch": None}
    run.log_event("start", train_images=len(loaders["train"].table), val_images=len(loaders["val"].table))
    for epoch in fit(trainee, loaders["train"], loaders["val"], config.training.epochs):
        plot_history(run.log_epoch(epoch.history), run.path / "plots" / "history.png")
        _save(checkpoint, epoch, trainee.model, run)
        if epoch.improved:
            summary |= {"best_val_auc": epoch.history["val/auc"], "best_epoch": epoch.history["epoch"]}
        summary |= {"epochs": epoch.history["epoch"], "seconds": time.perf_counter() - started}
        summary["skipped_images"] = dict(
            pair for loader in loaders.values() for pair in loader.faults.unreadable.items()
        )
        run.write_json("summary.json", summary)
        _log.info("%s", _line(epoch))
    run.log_event("end", **summary)
    auc: float | None = summary["best_val_auc"]
    print(f"best validation AUC {_number(auc)} at epoch {summary['best_epoch']}")
    print(f"checkpoint {run.path / 'checkpoints' / 'best.pt'}")
    return auc


def _save(checkpoint: Checkpoint, epoch: Epoch, model: nn.Module, run: RunDirectory) -> None:
    predictions = epoch.predictions
    checkpoint.model = model.state_dict()
    checkpoint.epoch, checkpoint.val_auc = int(epoch.history["epoch"] or 0), epoch.history["val/auc"]
    checkpoint.threshold = choose_threshold(
        predictions["target"].to_numpy(dtype=int), predictions["probability"].to_numpy()
    )
    save_checkpoint(checkpoint, run.path / "checkpoints" / "last.pt")
    if epoch.improved:
        save_checkpoint(checkpoint, run.path / "checkpoints" / "best.pt")
        run.write_table("predictions_val.csv", predictions)


def _blank_checkpoint(config: TrainConfig, table: pd.DataFrame, split: pd.Series, trainee: Trainee) -> Checkpoint:
    prior = float(table.loc[split == "train", "target"].mean())
    pos_weight = float(trainee.loss.pos_weight)  # type: ignore[arg-type]
    return Checkpoint(
        model={},
        config=asdict(config),
        sites=list(SITES),
        sexes=list(SEXES),
        prior=prior,
        effective_prior=effective_prior(prior, config.training.balance, pos_weight),
        pos_weight=pos_weight,
        threshold=None,
        temperature=None,
        splits=dict(zip(table["image_name"], split, strict=True)),
        split_hash=split_hash(table, split),
        epoch=0,
        val_auc=None,
        versions=versions(),
    )


def _line(epoch: Epoch) -> str:
    history = epoch.history
    return (
        f"epoch {history['epoch']}: train loss {_number(history['train/loss'])}, val loss "
        f"{_number(history['val/loss'])}, val AUC {_number(history['val/auc'])}, "
        f"{history['train/images_per_second']:.1f} images/s{', best so far' if epoch.improved else ''}"
    )


def _number(value: float | int | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
