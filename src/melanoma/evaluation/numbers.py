"""Every figure of metrics.json, with its interval, or the reason why it has no value."""

import numpy as np

from melanoma.config import EvalConfig
from melanoma.evaluation.bootstrap import bootstrap_metrics
from melanoma.evaluation.delong import delong_interval
from melanoma.evaluation.folds import fold_metrics
from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.report import why_missing
from melanoma.evaluation.retrieval import top_k_sensitivity
from melanoma.evaluation.scoring import classify
from melanoma.evaluation.subject import Subject

TRUST = ("brier", "ece")
"""Figures of a probability, which a mean rank is not."""


def measure(subject: Subject, config: EvalConfig) -> Metrics:
    """Measure the predictions at their threshold.

    `KEY_ci_low` and `KEY_ci_high` stand beside each figure that has an interval; `why_missing` maps each one that is
    None to the reason.
    """
    table, threshold = subject.predictions, subject.threshold.value
    target, probability = table["target"].to_numpy(dtype=np.int64), table["probability"].to_numpy(dtype=np.float64)
    patient = table["patient_id"].to_numpy()
    metrics = classify(table, subject.split, threshold, config.min_tpr)
    metrics["top_15_sensitivity"] = top_k_sensitivity(target, probability, patient)
    intervals = bootstrap_metrics(
        target, probability, patient, threshold, config.bootstrap_draws, config.seed, config.min_tpr
    )
    for name, found in intervals.items():
        metrics[f"{name}_ci_low"], metrics[f"{name}_ci_high"] = found or (None, None)
    metrics["auc_delong_low"], metrics["auc_delong_high"] = delong_interval(target, probability) or (None, None)
    if not subject.is_probability:
        metrics |= {key: None for key in metrics if key.startswith(TRUST)}
    if config.ensemble == "folds" and subject.members:
        metrics |= fold_metrics(table)
    metrics |= subject.cost
    return metrics | {"why_missing": {key: why_missing(metrics, key) for key in metrics if metrics[key] is None}}
