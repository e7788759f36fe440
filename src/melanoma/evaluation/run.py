"""Checkpoint and data -> predictions.csv, metrics.json, pictures and the report page."""

import json
from pathlib import Path

import pandas as pd

from melanoma.config import EvalConfig
from melanoma.evaluation.intervals import patient_bootstrap_auc
from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.plots import plot_confusion, plot_roc
from melanoma.evaluation.report import finding, write_report
from melanoma.evaluation.scoring import Opened, Scored, classify, open_checkpoint, score
from melanoma.prediction import inference_milliseconds, model_megabytes


def evaluate(config: EvalConfig, run_dir: Path) -> float | None:
    """Score a checkpoint on one split into `run_dir`; give the AUC, or None if it is undefined.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    opened = open_checkpoint(config)
    scored = score(opened, config)
    metrics = _measure(scored, opened, config)
    facts = _facts(config, opened, scored)
    _write(run_dir, scored.predictions, metrics, facts)
    _print(run_dir, metrics)
    auc = metrics["auc"]
    return auc if isinstance(auc, float) else None


def _measure(scored: Scored, opened: Opened, config: EvalConfig) -> Metrics:
    predictions, size = scored.predictions, opened.own.training.image_size
    low, high = patient_bootstrap_auc(
        predictions["target"].to_numpy(dtype=int),
        predictions["probability"].to_numpy(),
        predictions["patient_id"].to_numpy(),
        config.bootstrap_draws,
        config.seed,
    ) or (None, None)
    return classify(predictions, opened) | {
        "auc_ci_low": low,
        "auc_ci_high": high,
        "inference_ms_per_image": inference_milliseconds(scored.model, size, opened.compute),
        "model_megabytes": model_megabytes(scored.model),
    }


def _facts(config: EvalConfig, opened: Opened, scored: Scored) -> dict[str, str]:
    """Say where the numbers come from."""
    checkpoint, trained, compute = opened.checkpoint, opened.trained, opened.compute
    auc = checkpoint.val_auc
    return {
        "Data set": opened.own.data.name,
        "Trained on": trained.data.name,
        "Images that could not be read": str(len(scored.unreadable)),
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
