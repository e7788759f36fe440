"""One training run in reading order: data, split, model, epochs; what it leaves is in `run_directory`."""

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from melanoma.compute import Compute, choose_compute, choose_workers
from melanoma.config import TrainConfig
from melanoma.config.training import AUTO
from melanoma.data.digests import Digests, make_digests
from melanoma.data.leaks import check_leaks
from melanoma.data.loader import Loader, make_loader
from melanoma.data.readers import Reader, images_key
from melanoma.data.splits import save_splits
from melanoma.data.table import choose_splits, open_data
from melanoma.distributed import Ranks, another_s_end_told, join_ranks
from melanoma.errors import ConfigError, DataError
from melanoma.memory import is_out_of_memory
from melanoma.models import build_model
from melanoma.models.backbone import checkpoint_activations, share_batch_statistics
from melanoma.training.batch_size import MOST, find_batch_size, no_room
from melanoma.training.loop import Epoch, fit, number_or_undefined
from melanoma.training.loss import positive_weight
from melanoma.training.resume import Saved, bring_along, find_saved, may_hold_run, refuse_changes
from melanoma.training.run_directory import RunDirectory, environment
from melanoma.training.saver import Saver, blank_checkpoint
from melanoma.training.signals import Signals
from melanoma.training.state import restore
from melanoma.training.trainee import Trainee, make_trainee

AfterEpoch = Callable[[Epoch], None]

_log = logging.getLogger(__name__)


def train(config: TrainConfig, run_dir: Path, after_epoch: AfterEpoch = lambda epoch: None) -> float | None:
    """Train one model into `run_dir`; give its best validation AUC, or None if that is undefined.

    Args:
        config: All options.
        run_dir: Where the run is written; of several processes the first one's counts.
        after_epoch: Told of every epoch once it is saved.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
        PreemptedError: if a signal asked the run to end.
    """
    with Signals() as signals, another_s_end_told():
        ranks = join_ranks(config.device)
        run_dir = Path(ranks.share(str(run_dir)))
        with RunDirectory(run_dir, resume=may_hold_run(config.resume, run_dir), writes=ranks.first) as run:
            return _train(config, run, ranks, signals, after_epoch)


def _train(
    config: TrainConfig, run: RunDirectory, ranks: Ranks, signals: Signals, after_epoch: AfterEpoch
) -> float | None:
    compute = _choose_compute(config)
    saved = find_saved(config.resume, run.path)
    config = _with_batch_size(config, ranks, compute, saved)
    table, reader, split, digests = _choose_data(config, run, ranks, saved)
    weight = positive_weight(table.loc[split == "train", "target"])
    weight = weight if config.training.balance == "weighted_loss" else 1.0
    loaders = _make_loaders(config, table, reader, split, ranks, compute)
    torch.manual_seed(config.seed)
    model = compute.place(_build(config, ranks, compute))
    trainee = make_trainee(model, config, weight, compute, ranks, loaders["train"].steps(config.training.accumulate))
    blank = blank_checkpoint(config, table, split, weight, digests)
    saver = Saver(run, blank, trainee, loaders, signals, config.training.checkpoint_minutes)
    run.write_config(asdict(config))
    run.write_json("environment.json", environment(compute.device))
    if saved:
        _go_on(saved, trainee, saver, run)
    run.log_event("start", **{f"{name}_images": len(loader.table) for name, loader in loaders.items()})
    with signals.postponed():
        fitted = _run_epochs(config, trainee, loaders, saver, after_epoch)
    if not fitted:
        raise no_room(config, lambda: _build(config, Ranks(), compute), compute)
    return _end(run, saver.write_summary())


def _choose_compute(config: TrainConfig) -> Compute:
    training = config.training
    return choose_compute(config.device, training.precision, training.channels_last, training.tf32)


def _with_batch_size(config: TrainConfig, ranks: Ranks, compute: Compute, saved: Saved | None) -> TrainConfig:
    """Put a number in the place of training.batch_size=auto: the run's own, or what all processes have room for."""
    if config.training.batch_size != AUTO:
        return config
    if saved:
        size = saved.config.training.batch_size
    else:
        size = -ranks.most(-find_batch_size(config, lambda: _build(config, Ranks(), compute), compute, MOST))
    return replace(config, training=replace(config.training, batch_size=size))


def _build(config: TrainConfig, ranks: Ranks, compute: Compute) -> nn.Module:
    with ranks.first_one_first():  # a download is made once
        model = build_model(config.model, config.training.image_size)
    if config.training.activation_checkpointing:
        checkpoint_activations(model)
    if config.training.sync_batch_norm and ranks.count > 1:
        if compute.device.type != "cuda":
            raise ConfigError("training.sync_batch_norm=true needs GPUs; use false on CPUs")
        model = share_batch_statistics(model)
    return model


def _choose_data(
    config: TrainConfig, run: RunDirectory, ranks: Ranks, saved: Saved | None
) -> tuple[pd.DataFrame, Reader, pd.Series, Digests | None]:
    """Give table, reader and splits, which share nothing that they should not, and what the images are known by."""
    prints = None
    with ranks.first_one_first():
        table, reader = open_data(config.data, config.reader, Path(config.cache))
        table, split = choose_splits(table, config.data, config.split)
        if saved:
            refuse_changes(saved, config, table, split)
        if ranks.first:
            save_splits(table, split, run.path / "splits.csv")
            key = images_key(config.data, config.reader)
            leaks = check_leaks(table, split, reader, config.data.leaks, run.path, Path(config.cache), key)
            prints = leaks.fingerprints
    return table, reader, split, make_digests(prints, table["image_name"].tolist()) if prints else None


def _make_loaders(
    config: TrainConfig, table: pd.DataFrame, reader: Reader, split: pd.Series, ranks: Ranks, compute: Compute
) -> dict[str, Loader]:
    return {
        name: make_loader(
            table[split == name],
            reader,
            config,
            learn=name == "train",
            workers=choose_workers(config.training.workers, compute.device, ranks.on_host),
            pin_memory=compute.device.type == "cuda",
            rank=ranks.rank,
            ranks=ranks.count,
        )
        for name in ("train", "val")
    }


def _go_on(saved: Saved, trainee: Trainee, saver: Saver, run: RunDirectory) -> None:
    """Put the run where the checkpoint left it."""
    restore(trainee, saved.training)
    progress = trainee.progress
    if run.writes:
        bring_along(saved, run.path)
    saver.restore_unreadable(saved.training["unreadable"])
    run.log_event("resume", epoch=progress.epoch, steps=progress.steps)
    _log.info("going on from %s: epoch %d, step %d", saved.path, progress.epoch, progress.steps)


def _run_epochs(
    config: TrainConfig, trainee: Trainee, loaders: dict[str, Loader], saver: Saver, after_epoch: AfterEpoch
) -> bool:
    """Train to the end; tell whether the memory sufficed."""
    try:
        for epoch in fit(trainee, loaders["train"], loaders["val"], config.training.epochs, saver.boundary):
            saver.save_epoch(epoch)
            if trainee.ranks.first:
                _log.info("%s", epoch)
            after_epoch(epoch)
    except DataError:
        # A signal to all processes of a job ends the loaders' processes too, and they are missed first.
        saver.stop()
        raise
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def _end(run: RunDirectory, summary: dict[str, Any]) -> float | None:
    run.log_event("end", **summary)
    auc: float | None = summary["best_val_auc"]
    if run.writes:
        print(f"best validation AUC {number_or_undefined(auc)} at epoch {summary['best_epoch']}")
        print(f"checkpoint {run.path / 'checkpoints' / 'best.pt'}")
    return auc
