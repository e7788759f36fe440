"""Checkpoints and data -> predictions.csv, metrics.json, pictures and the report page."""

import json
from pathlib import Path

import pandas as pd

from melanoma.config import EvalConfig
from melanoma.evaluation.ensemble import combine
from melanoma.evaluation.facts import describe_members, name_scorer
from melanoma.evaluation.folds import fold_metrics, fold_of
from melanoma.evaluation.intervals import patient_bootstrap_auc
from melanoma.evaluation.members import Member, score_members
from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.plots import plot_confusion, plot_roc
from melanoma.evaluation.report import finding, write_report
from melanoma.evaluation.scoring import classify
from melanoma.evaluation.thresholds import settle_threshold


def evaluate(config: EvalConfig, run_dir: Path) -> float | None:
    """Score a checkpoint, or several as one, on one split into `run_dir`; give the AUC, or None if it is undefined.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    members = score_members(config)
    predictions = _together(members, config)
    threshold = settle_threshold(members, config)
    metrics = _measure(predictions, threshold.value, members, config)
    facts = describe_members(members, config, threshold.rule)
    scorer = name_scorer(members, config)
    _write(run_dir, predictions, metrics, facts, scorer)
    _print(run_dir, metrics, scorer)
    auc = metrics["auc"]
    return auc if isinstance(auc, float) else None


def _together(members: list[Member], config: EvalConfig) -> pd.DataFrame:
    tables = {member.path: member.predictions for member in members}
    if config.ensemble == "folds":
        tables = {member.path: member.predictions.assign(fold=fold_of(member.opened)) for member in members}
    return combine(tables, config.ensemble)


def _measure(predictions: pd.DataFrame, threshold: float, members: list[Member], config: EvalConfig) -> Metrics:
    low, high = patient_bootstrap_auc(
        predictions["target"].to_numpy(dtype=int),
        predictions["probability"].to_numpy(),
        predictions["patient_id"].to_numpy(),
        config.bootstrap_draws,
        config.seed,
    ) or (None, None)
    metrics = classify(predictions, members[0].opened.split, threshold)
    if config.ensemble == "ranks" and len(members) > 1:
        metrics |= {"brier": None, "ece": None}
    if config.ensemble == "folds":
        metrics |= fold_metrics(predictions)
    return metrics | {"auc_ci_low": low, "auc_ci_high": high} | _cost(members, config)


def _cost(members: list[Member], config: EvalConfig) -> Metrics:
    """Give time and size of what scores an image: of all checkpoints; with folds of one, the mean."""
    share = len(members) if config.ensemble == "folds" else 1
    return {
        "inference_ms_per_image": sum(member.milliseconds for member in members) / share,
        "model_megabytes": sum(member.megabytes for member in members) / share,
    }


def _write(run_dir: Path, predictions: pd.DataFrame, metrics: Metrics, facts: dict[str, str], scorer: str) -> None:
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
        title=f"{facts['Model']}: {facts['Data set']}, {metrics['split']} split{'s' if 'folds' in metrics else ''}",
        metrics=metrics,
        pictures={"ROC curve": plots / "roc.png", "Confusion matrix": plots / "confusion.png"},
        facts=facts,
        scorer=scorer,
    )


def _print(run_dir: Path, metrics: Metrics, scorer: str) -> None:
    print(f"{metrics['split']}: {finding(metrics, scorer)}")
    for fold, auc in zip(metrics.get("folds", []), metrics.get("fold_aucs", []), strict=True):  # type: ignore[arg-type]
        print(f"{f'AUC of fold {fold}':18} {'undefined' if auc is None else f'{auc:.4f}'}")
    for name in ("accuracy", "precision", "recall", "f1", "specificity", "average_precision", "threshold"):
        value = metrics[name]
        print(f"{name:18} {'undefined' if value is None else f'{value:.4f}'}")
    print(f"report {run_dir / 'report.html'}")
