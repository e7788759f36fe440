"""What the predictions are worth, as plain numbers under the keys of metrics.json."""

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

Metrics: TypeAlias = dict[str, Any]
"""Under the keys of metrics.json."""
Counts: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

ECE_BINS = 15
PAUC_MIN_TPR = 0.80


def roc_auc(target: npt.ArrayLike, score: npt.ArrayLike) -> float | None:
    """Return the area under the ROC curve, None when only one class is there.

    `target` (n,) holds 0 and 1, `score` (n,) any finite numbers. Raises ValueError otherwise.
    """
    labels, scores = check_scores(target, score)
    return _roc_auc(labels, scores)


def classification_metrics(
    target: npt.ArrayLike, probability: npt.ArrayLike, threshold: float, min_tpr: float = PAUC_MIN_TPR
) -> Metrics:
    """Measure ranking, decisions and calibration; what the data cannot define is None.

    `target` (n,) holds 0 and 1, `probability` (n,) lies in [0, 1]; `probability >= threshold` is a positive call.
    `min_tpr` in [0, 1) is where the partial AUC begins, and names its key: pauc_80 for 0.8. Raises ValueError when an
    input breaks this.
    """
    labels, probabilities = check_probabilities(target, probability)
    if not math.isfinite(threshold):
        raise ValueError(f"threshold is {threshold}; expected a finite number")
    n, n_positive = len(labels), int(labels.sum())
    confusion = confusion_counts(labels, probabilities, threshold)
    (tn, fp), (fn, tp) = confusion
    recall, specificity = _ratio(tp, n_positive), _ratio(tn, tn + fp)
    return {
        "n": n,
        "n_positive": n_positive,
        "auc": _roc_auc(labels, probabilities),
        "average_precision": float(average_precision_score(labels, probabilities)) if n_positive else None,
        "accuracy": _ratio(tp + tn, n),
        "balanced_accuracy": None if recall is None or specificity is None else (recall + specificity) / 2,
        "precision": _ratio(tp, tp + fp),
        "recall": recall,
        # Without a positive, recall has no value and so its mean with precision has none: not 0.
        "f1": _ratio(2 * tp, 2 * tp + fp + fn) if n_positive else None,
        "specificity": specificity,
        "brier": float(np.mean((probabilities - labels) ** 2)) if n else None,
        "ece": expected_calibration_error(labels, probabilities) if n else None,
        "threshold": float(threshold),
        **_roc_summaries(labels, probabilities, min_tpr),
        "confusion_matrix": confusion,
    }


def confusion_counts(target: Counts, probability: Floats, threshold: float) -> list[list[int]]:
    """Count [[tn, fp], [fn, tp]], with `probability >= threshold` as a positive call."""
    cells = np.bincount(2 * target + (probability >= threshold), minlength=4)
    return [[int(cells[0]), int(cells[1])], [int(cells[2]), int(cells[3])]]


def expected_calibration_error(target: Counts, probability: Floats, bins: int = ECE_BINS) -> float:
    """Average the gap between mean probability and positive rate over equal-width bins.

    Bins are weighted by their size; needs at least one row.
    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.
    """
    gaps = np.bincount(equal_width_bins(probability, bins), weights=probability - target, minlength=bins)
    return float(np.abs(gaps).sum() / len(target))


def equal_width_bins(probability: Floats, bins: int = ECE_BINS) -> Counts:
    """Return the bin of each probability, from 0; bins are closed on the right."""
    return np.clip(np.ceil(probability * bins).astype(np.int64) - 1, 0, bins - 1)


def pauc_key(min_tpr: float) -> str:
    """Name the partial AUC above a true-positive rate in [0, 1), in per cent; ValueError for any other."""
    if not 0 <= min_tpr < 1:
        raise ValueError(f"min_tpr={min_tpr}; expected 0 <= min_tpr < 1")
    return f"pauc_{100 * min_tpr:g}"


def partial_auc_above_tpr(fpr: Floats, tpr: Floats, min_tpr: float = PAUC_MIN_TPR) -> float:
    """Integrate 1 - FPR over the TPR from `min_tpr` to 1, un-normalised: 0 to 1 - min_tpr.

    `fpr` and `tpr` rise from 0 to 1. This is the ISIC 2024 challenge metric, which mirrors the ROC curve and
    integrates up to FPR 1 - min_tpr with one interpolated point (ISIC-Research/Challenge-2024-Metrics).
    """
    x, y = 1 - tpr[::-1], 1 - fpr[::-1]
    limit = 1 - min_tpr
    stop = int(np.searchsorted(x, limit, side="right"))
    edge = np.interp(limit, x[stop - 1 : stop + 1], y[stop - 1 : stop + 1])
    return float(np.trapezoid(np.append(y[:stop], edge), np.append(x[:stop], limit)))


def check_scores(target: npt.ArrayLike, score: npt.ArrayLike) -> tuple[Counts, Floats]:
    """Return labels as int64 and scores as float64, both (n,); ValueError names what is wrong.

    float64 matters: a float32 array compared with a Python float rounds that float first.
    """
    labels, scores = np.asarray(target), np.asarray(score, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(f"target and score have shapes {labels.shape} and {scores.shape}; expected (n,) twice")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("target holds values other than 0 and 1")
    if not np.isfinite(scores).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(scores))} of {len(scores)} scores are not finite")
    return labels.astype(np.int64), scores


def check_probabilities(target: npt.ArrayLike, probability: npt.ArrayLike) -> tuple[Counts, Floats]:
    """Return what `check_scores` does, and raise ValueError for a value outside [0, 1]."""
    labels, probabilities = check_scores(target, probability)
    if len(labels) and (probabilities.min() < 0 or probabilities.max() > 1):
        span = f"{probabilities.min():g} to {probabilities.max():g}"
        raise ValueError(f"probabilities run from {span}; expected 0 to 1 (are they logits?)")
    return labels, probabilities


def has_both_classes(target: Counts) -> bool:
    """Tell whether there is at least one 0 and one 1."""
    return 0 < int(target.sum()) < len(target)


def _roc_auc(target: Counts, score: Floats) -> float | None:
    return float(roc_auc_score(target, score)) if has_both_classes(target) else None


def _roc_summaries(target: Counts, probability: Floats, min_tpr: float) -> dict[str, float | None]:
    """Return the partial AUC, and each rate at the threshold where the other just reaches its name's per cent."""
    keys = (
        pauc_key(min_tpr),
        "sensitivity_at_95_specificity",
        "specificity_at_90_sensitivity",
        "specificity_at_95_sensitivity",
    )
    if not has_both_classes(target):
        return dict.fromkeys(keys)
    # Dropping collinear points would lose thresholds that just reach the wanted rate.
    fpr, tpr, _ = roc_curve(target, probability, drop_intermediate=False)
    tnr = 1 - fpr
    values = (
        partial_auc_above_tpr(fpr, tpr, min_tpr),
        tpr[tnr >= 0.95].max(),
        tnr[tpr >= 0.90].max(),
        tnr[tpr >= 0.95].max(),
    )
    return {key: float(value) for key, value in zip(keys, values, strict=True)}


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
