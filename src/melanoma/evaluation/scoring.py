"""Checkpoint and data -> predictions: what evaluating one run and comparing several have in common."""

import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
from torch import nn

from melanoma.checkpoint import Checkpoint, load_checkpoint
from melanoma.compute import Compute
from melanoma.config import DataConfig, EvalDataConfig, ScoringConfig, TrainConfig
from melanoma.data.readers import Reader
from melanoma.data.splits import assign_splits, load_splits
from melanoma.data.table import open_data
from melanoma.errors import DataError
from melanoma.evaluation.known_images import Overlap
from melanoma.evaluation.metrics import PAUC_MIN_TPR, Metrics, classification_metrics
from melanoma.models.views import read_size
from melanoma.prediction import open_loader, predict
from melanoma.trained import compute_like, place

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """A checkpoint with the rows that it is to score."""

    checkpoint: Checkpoint
    trained: TrainConfig
    """The checkpoint's own config."""
    own: TrainConfig
    """The same, with the data and reader that were asked for, and the size that images are read at."""
    compute: Compute
    table: pd.DataFrame
    reader: Reader
    split: str
    validation: pd.DataFrame
    """The rows that the checkpoint was validated on; none where any of them is not at hand."""
    is_external: bool
    """Whether the rows are another data set's, or new images."""
    learnt: pd.DataFrame
    """The rows that the checkpoint has learnt from, as far as they are at hand."""
    overlap: Overlap | None = None
    """What another data set shares with the training images; None where it was not looked for."""


@dataclass(frozen=True)
class Scored:
    """Predictions, and the placed model that gave them."""

    predictions: pd.DataFrame
    model: nn.Module
    unreadable: dict[str, str]
    """Images left out, and why."""


def open_checkpoint(config: ScoringConfig) -> Opened:
    """Read the one checkpoint that the config names and its table, and choose the rows to score.

    Opens no image that the table can do without.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    (path,) = config.checkpoint
    checkpoint, trained = load_checkpoint(Path(path), TrainConfig)
    compute, own = compute_like(trained, config.device), _own(config, trained)
    table, reader = _open(config, own, checkpoint)
    external = not _is_own_data(table, own, trained, checkpoint)
    rows, split = _choose_rows(table, config, own, checkpoint, external)
    validation, learnt = _validated_on(table, checkpoint), table[table["image_name"].map(checkpoint.splits) == "train"]
    return Opened(checkpoint, trained, own, compute, rows, reader, split, validation, external, learnt)


def score(opened: Opened, config: ScoringConfig) -> Scored:
    """Score every readable row.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    (path,) = config.checkpoint
    model = place(opened.checkpoint, opened.trained, path, opened.compute, config.tta, config.crops)
    predictions, unreadable = score_rows(model, opened, opened.table, config, opened.split)
    return Scored(predictions, model, unreadable)


def score_rows(
    model: nn.Module, opened: Opened, rows: pd.DataFrame, config: ScoringConfig, description: str
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Score every readable one of the rows with a placed model; give the images left out, and why, beside.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    loader = open_loader(rows, opened.reader, opened.own, opened.compute, config.workers)
    return predict(model, loader, opened.compute, description), loader.faults.unreadable


def own_threshold(opened: Opened) -> float:
    """Give the checkpoint's threshold, or 0.5 with a warning."""
    if opened.checkpoint.threshold is not None:
        return opened.checkpoint.threshold
    _log.warning("the checkpoint has no threshold: it is from within an epoch, or one class was validated; 0.5 is used")
    return 0.5


def classify(predictions: pd.DataFrame, split: str, threshold: float, min_tpr: float = PAUC_MIN_TPR) -> Metrics:
    """Measure the predictions at a threshold; the partial AUC begins at `min_tpr`."""
    metrics: Metrics = {"split": split, "n_patients": int(predictions["patient_id"].nunique())}
    return metrics | classification_metrics(
        predictions["target"].to_numpy(dtype=int), predictions["probability"].to_numpy(), threshold, min_tpr
    )


def _own(config: ScoringConfig, trained: TrainConfig) -> TrainConfig:
    """Put what was asked for in place of what the checkpoint was trained with."""
    size = read_size(trained.training.image_size, config.crops, config.crop_scale)
    return replace(
        trained,
        data=_data(config, trained),
        reader=config.reader or trained.reader,
        training=replace(trained.training, image_size=size),
        # The checkpoint knows its splits; none are drawn, so that others may be given.
        split=replace(trained.split, folds=None, fold=None),
    )


def _data(config: ScoringConfig, trained: TrainConfig) -> DataConfig:
    """Take the data config that was asked for, or the checkpoint's with single values replaced."""
    if isinstance(config.data, DataConfig):
        return config.data
    changes: EvalDataConfig = config.data
    # The checkpoint knows its splits; the file they came from may be on another machine.
    own = replace(trained.data, splits=None)
    return replace(own, **{name: value for name, value in asdict(changes).items() if value is not None})


def _open(config: ScoringConfig, own: TrainConfig, checkpoint: Checkpoint) -> tuple[pd.DataFrame, Reader]:
    """Read the table; of further data sets, only what was learnt from, and only where it can be asked for."""
    held_out = config.split in (None, "val", "test") and own.split.extra == "train"
    data = replace(own.data, extra={}) if held_out else own.data
    table, reader = open_data(data, own.reader, Path(config.cache))
    return table[(table["source"] == data.name) | table["image_name"].isin(checkpoint.splits)], reader


def _is_own_data(table: pd.DataFrame, own: TrainConfig, trained: TrainConfig, checkpoint: Checkpoint) -> bool:
    return own.data.name == trained.data.name and bool(table["image_name"].isin(checkpoint.splits).any())


def _choose_rows(
    table: pd.DataFrame, config: ScoringConfig, own: TrainConfig, checkpoint: Checkpoint, external: bool
) -> tuple[pd.DataFrame, str]:
    """Give the rows to score, and the name of their split."""
    name = config.split or ("all" if external and not own.data.splits else "test")
    if name == "all":
        seen = table["image_name"].map(checkpoint.splits).isin(["train", "val"]).sum()
        if seen and not external:
            _log.warning("%d of %d images were used in training or validation: not evidence", seen, len(table))
        return table, name
    if own.data.splits:
        split = load_splits(table, Path(own.data.splits))
    else:
        split = assign_splits(table, checkpoint.splits, "the checkpoint (split=all scores every image)")
    if name != "train" and not external and (leaked := _trained_on(table[split == name], checkpoint)):
        _log.warning("%d images of this split were trained on: not evidence", leaked)
    if not (split == name).any():
        raise DataError(f"split={name} holds no images; the splits are {', '.join(sorted(set(split)))}")
    return table[split == name], name


def _validated_on(table: pd.DataFrame, checkpoint: Checkpoint) -> pd.DataFrame:
    names = {name for name, split in checkpoint.splits.items() if split == "val"}
    rows = table[table["image_name"].isin(names)]
    return rows if len(rows) == len(names) else rows.iloc[:0]


def _trained_on(table: pd.DataFrame, checkpoint: Checkpoint) -> int:
    return int((table["image_name"].map(checkpoint.splits) == "train").sum())
