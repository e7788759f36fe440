"""Checkpoint and data -> predictions.csv, metrics.json, pictures and the report page."""

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
from torch import nn

from melanoma.checkpoint import Checkpoint, load_checkpoint
from melanoma.compute import Compute, choose_compute, choose_workers
from melanoma.config import DataConfig, EvalConfig, EvalDataConfig, TrainConfig
from melanoma.data.loader import Loader, make_loader
from melanoma.data.readers import Reader
from melanoma.data.splits import assign_splits, load_splits
from melanoma.data.table import open_data
from melanoma.errors import CheckpointError, DataError
from melanoma.evaluation.intervals import patient_bootstrap_auc
from melanoma.evaluation.metrics import Metrics, classification_metrics
from melanoma.evaluation.plots import plot_confusion, plot_roc
from melanoma.evaluation.report import finding, write_report
from melanoma.models import build_model
from melanoma.prediction import inference_milliseconds, model_megabytes, predict

_log = logging.getLogger(__name__)


def evaluate(config: EvalConfig, run_dir: Path) -> float | None:
    """Score a checkpoint on one split into `run_dir`; give the AUC, or None if it is undefined.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    checkpoint, trained = load_checkpoint(Path(config.checkpoint), TrainConfig)
    compute = _compute(config, trained)
    own = replace(trained, data=_data(config, trained), reader=config.reader or trained.reader)
    table, reader = _open(config, own, checkpoint)
    table, split = _choose_rows(table, config, own, trained, checkpoint)
    model = compute.place(_rebuild(checkpoint, trained, config.checkpoint))
    loader = _loader(table, reader, own, config, compute)
    predictions = predict(model, loader, compute, split)
    metrics = _measure(predictions, split, checkpoint, config)
    metrics["inference_ms_per_image"] = inference_milliseconds(model, own.training.image_size, compute)
    metrics["model_megabytes"] = model_megabytes(model)
    facts = _facts(config, own, trained, checkpoint, compute, loader)
    _write(run_dir, predictions, metrics, facts)
    _print(run_dir, metrics)
    auc = metrics["auc"]
    return auc if isinstance(auc, float) else None


def _compute(config: EvalConfig, trained: TrainConfig) -> Compute:
    precision = trained.training.precision
    if config.device == "cpu" and precision == "fp16":
        precision = "auto"  # a CPU has no fp16 kernels
    return choose_compute(config.device, precision, trained.training.channels_last)


def _data(config: EvalConfig, trained: TrainConfig) -> DataConfig:
    """Take the data config that was asked for, or the checkpoint's with single values replaced."""
    if isinstance(config.data, DataConfig):
        return config.data
    changes: EvalDataConfig = config.data
    # The checkpoint knows its splits; the file they came from may be on another machine.
    own = replace(trained.data, splits=None)
    return replace(own, **{name: value for name, value in asdict(changes).items() if value is not None})


def _open(config: EvalConfig, own: TrainConfig, checkpoint: Checkpoint) -> tuple[pd.DataFrame, Reader]:
    """Read the table; of further data sets, only what was learnt from, and only where it can be asked for."""
    held_out = config.split in (None, "val", "test") and own.split.extra == "train"
    data = replace(own.data, extra={}) if held_out else own.data
    table, reader = open_data(data, own.reader, Path(config.cache))
    return table[(table["source"] == data.name) | table["image_name"].isin(checkpoint.splits)], reader


def _choose_rows(
    table: pd.DataFrame, config: EvalConfig, own: TrainConfig, trained: TrainConfig, checkpoint: Checkpoint
) -> tuple[pd.DataFrame, str]:
    """Give the rows to score, and the name of their split."""
    same_data = own.data.name == trained.data.name and table["image_name"].isin(checkpoint.splits).any()
    name = config.split or ("test" if same_data or own.data.splits else "all")
    if name == "all":
        seen = table["image_name"].map(checkpoint.splits).isin(["train", "val"]).sum()
        if seen:
            _log.warning("%d of %d images were used in training or validation: not evidence", seen, len(table))
        return table, name
    if own.data.splits:
        split = load_splits(table, Path(own.data.splits))
    else:
        split = assign_splits(table, checkpoint.splits, "the checkpoint (split=all scores every image)")
    if name != "train" and (leaked := _trained_on(table[split == name], checkpoint)):
        _log.warning("%d images of this split were trained on: not evidence", leaked)
    if not (split == name).any():
        raise DataError(f"split={name} holds no images; the splits are {', '.join(sorted(set(split)))}")
    return table[split == name], name


def _trained_on(table: pd.DataFrame, checkpoint: Checkpoint) -> int:
    return int((table["image_name"].map(checkpoint.splits) == "train").sum())


def _rebuild(checkpoint: Checkpoint, trained: TrainConfig, path: str) -> nn.Module:
    # All weights come from the checkpoint, so none are fetched.
    model = build_model(replace(trained.model, pretrained=False, weights=None), trained.training.image_size)
    try:
        model.load_state_dict(checkpoint.model)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path} holds weights that do not fit its own model {trained.model.name} on "
            f"{trained.model.backbone}; use the timm version that wrote it, {checkpoint.versions.get('timm')}"
        ) from error
    return model


def _loader(table: pd.DataFrame, reader: Reader, own: TrainConfig, config: EvalConfig, compute: Compute) -> Loader:
    return make_loader(
        table,
        reader,
        own,
        learn=False,
        workers=choose_workers(config.workers, compute.device),
        pin_memory=compute.device.type == "cuda",
    )


def _measure(predictions: pd.DataFrame, split: str, checkpoint: Checkpoint, config: EvalConfig) -> Metrics:
    target = predictions["target"].to_numpy(dtype=int)
    probability, patient = predictions["probability"].to_numpy(), predictions["patient_id"].to_numpy()
    if checkpoint.threshold is None:
        _log.warning("the checkpoint has no threshold, as its validation split held one class; 0.5 is used")
    threshold = 0.5 if checkpoint.threshold is None else checkpoint.threshold
    interval = patient_bootstrap_auc(target, probability, patient, config.bootstrap_draws, config.seed)
    low, high = interval or (None, None)
    metrics: Metrics = {"split": split, "n_patients": int(predictions["patient_id"].nunique())}
    metrics |= classification_metrics(target, probability, threshold)
    return metrics | {"auc_ci_low": low, "auc_ci_high": high}


def _facts(
    config: EvalConfig,
    own: TrainConfig,
    trained: TrainConfig,
    checkpoint: Checkpoint,
    compute: Compute,
    loader: Loader,
) -> dict[str, str]:
    """Say where the numbers come from."""
    auc = checkpoint.val_auc
    return {
        "Data set": own.data.name,
        "Trained on": trained.data.name,
        "Images that could not be read": str(len(loader.faults.unreadable)),
        "Checkpoint": f"{Path(config.checkpoint).name}, epoch {checkpoint.epoch}",
        "Validation AUC in training": "undefined" if auc is None else f"{auc:.4f}",
        "Share of positives in training": f"{checkpoint.prior:.3f}, learnt as {checkpoint.effective_prior:.3f}",
        "Model": f"{trained.model.name} on {trained.model.backbone}",
        "Image size": f"{trained.training.image_size} px, {trained.training.fit}",
        "Device and precision": f"{compute.device.type}, {str(compute.dtype).removeprefix('torch.')}",
        "Splits": f"SHA-256 {checkpoint.split_hash[:16]}",
        "Versions in training": ", ".join(f"{name} {version}" for name, version in checkpoint.versions.items()),
    }


def _write(run_dir: Path, predictions: pd.DataFrame, metrics: Metrics, facts: dict[str, str]) -> None:
    plots = run_dir / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    predictions.to_csv(run_dir / "predictions.csv", index=False)
    (run_dir / "metrics.json").write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n")
    target, probability = predictions["target"].to_numpy(dtype=int), predictions["probability"].to_numpy()
    low, high, auc = metrics["auc_ci_low"], metrics["auc_ci_high"], metrics["auc"]
    interval = None if low is None or high is None else (low, high)
    plot_roc(target, probability, auc, interval, metrics["threshold"], plots / "roc.png")  # type: ignore[arg-type]
    plot_confusion(metrics["confusion_matrix"], plots / "confusion.png")  # type: ignore[arg-type]
    write_report(
        run_dir / "report.html",
        title=f"{facts['Model']}: {facts['Data set']}, {metrics['split']} split",
        metrics=metrics,
        pictures={"ROC curve": plots / "roc.png", "Confusion matrix": plots / "confusion.png"},
        facts=facts,
    )


def _print(run_dir: Path, metrics: Metrics) -> None:
    print(f"{metrics['split']}: {finding(metrics)}")
    for name in ("accuracy", "precision", "recall", "f1", "specificity", "average_precision", "threshold"):
        value = metrics[name]
        print(f"{name:18} {'undefined' if value is None else f'{value:.4f}'}")
    print(f"report {run_dir / 'report.html'}")
