"""How far every figure may be off, given that patients and not images were sampled."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.intervals import CHUNK_CELLS, figure_interval, patient_codes, patient_draws, wilson
from melanoma.evaluation.metrics import (
    ECE_BINS,
    Counts,
    Floats,
    check_probabilities,
    equal_width_bins,
    pauc_key,
)
from melanoma.evaluation.retrieval import found_in_top
from melanoma.evaluation.weighted_roc import (
    Curve,
    divide,
    weighted_auc,
    weighted_average_precision,
    weighted_curve,
    weighted_partial_auc,
    weighted_sensitivity_at,
    weighted_specificity_at,
)

Interval: TypeAlias = tuple[float, float]

FIGURES = (
    *("auc", "average_precision", "accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity"),
    *("sensitivity_at_95_specificity", "specificity_at_90_sensitivity", "specificity_at_95_sensitivity"),
    *("brier", "ece", "top_15_sensitivity"),
)
"""What has an interval, beside the partial AUC, whose name says where it begins."""


@dataclass(frozen=True)
class _Sums:
    """What each patient adds to the figures that need no order of images."""

    images: Counts
    positives: Counts
    true_positives: Counts
    called: Counts
    squared_error: Floats
    gaps: Floats
    """(bins, patients): probabilities less targets in each bin of the calibration error."""
    found: Floats
    """Malignant images among the patient's highest."""


def bootstrap_metrics(
    target: npt.ArrayLike,
    probability: npt.ArrayLike,
    patient: npt.ArrayLike,
    threshold: float,
    draws: int,
    seed: int,
    min_tpr: float,
) -> dict[str, Interval | None]:
    """Return the 95 % percentile interval of each rate of `classification_metrics`, and of top_15_sensitivity.

    All are measured on the same draws of whole patients with replacement, those of `bootstrap_aucs`. `target`,
    `probability` in [0, 1] and `patient` are (n,); the order of rows does not change a bit, and memory does not grow
    with draws times images. None for a figure that too few of the draws define (`intervals.DEFINED`), and for all
    figures with fewer than two patients. Where no resample differs, a share of exactly 0 or 1 has Wilson's
    interval, with patients as the independent ones, and any other figure None. Raises ValueError for other input.
    """
    labels, probabilities = check_probabilities(target, probability)
    patients, codes = patient_codes(patient, labels, draws)
    if patients < 2:
        return dict.fromkeys((pauc_key(min_tpr), *FIGURES))
    measured = bootstrap_draws(labels, probabilities, codes, threshold, draws, seed, min_tpr)
    return draw_intervals(measured, labels, probabilities >= threshold, codes)


def draw_intervals(
    measured: dict[str, Floats], target: Counts, called: npt.NDArray[np.bool_], patient: Counts
) -> dict[str, Interval | None]:
    """Return the intervals that `bootstrap_metrics` gives, of draws that are made already."""
    judged = _judged_patients(target, called, patient)
    return {
        name: figure_interval(values) or _without_spread(values, judged.get(name, 0))
        for name, values in measured.items()
    }


def _judged_patients(target: Counts, called: npt.NDArray[np.bool_], patient: Counts) -> dict[str, int]:
    """Count, for each share of decisions, the patients with an image that is in its denominator."""
    rows = {"accuracy": target >= 0, "precision": called, "recall": target == 1, "specificity": target == 0}
    return {name: len(np.unique(patient[chosen])) for name, chosen in rows.items()}


def _without_spread(drawn: Floats, patients: int) -> Interval | None:
    """Give Wilson's interval of a share among so many patients, where all draws are 0 or all are 1; else None."""
    values = set(drawn[~np.isnan(drawn)].tolist())
    if not patients or values not in ({0.0}, {1.0}):
        return None
    return wilson(patients if values == {1.0} else 0, patients)


def bootstrap_draws(
    target: Counts,
    probability: Floats,
    patient: Counts,
    threshold: float,
    draws: int,
    seed: int,
    min_tpr: float,
) -> dict[str, Floats]:
    """Return each figure's values (draws,), NaN where a draw leaves it undefined.

    Takes checked input; `patient` (n,) holds 0 to patients - 1.
    """
    # Sums of floats depend on their order: all rows that differ get a place of their own.
    order = np.lexsort((target, probability, patient))
    target, probability, patient = target[order], probability[order], patient[order]
    curve = weighted_curve(target, probability, patient)
    sums = _patient_sums(target, probability, patient, threshold)
    per_chunk = max(1, CHUNK_CELLS // len(target))
    chunks = [
        _ranking(curve(weights), min_tpr) | _decisions(weights, sums) | _trust(weights, sums)
        for weights in patient_draws(len(sums.images), draws, seed, per_chunk)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _patient_sums(target: Counts, probability: Floats, patient: Counts, threshold: float) -> _Sums:
    patients = int(patient.max()) + 1
    called = probability >= threshold

    def count(rows: Counts | npt.NDArray[np.bool_]) -> Counts:
        return np.bincount(patient[rows.astype(bool)], minlength=patients)

    cells = equal_width_bins(probability) * patients + patient
    gaps = np.bincount(cells, weights=probability - target, minlength=ECE_BINS * patients).astype(np.float64)
    return _Sums(
        images=np.bincount(patient),
        positives=count(target),
        true_positives=count(target * called),
        called=count(called),
        squared_error=np.bincount(patient, weights=(probability - target) ** 2).astype(np.float64),
        gaps=gaps.reshape(ECE_BINS, patients),
        found=found_in_top(target, probability, patient),
    )


def _ranking(curve: Curve, min_tpr: float) -> dict[str, Floats]:
    return {
        "auc": weighted_auc(curve),
        "average_precision": weighted_average_precision(curve),
        pauc_key(min_tpr): weighted_partial_auc(curve, min_tpr),
        "sensitivity_at_95_specificity": weighted_sensitivity_at(curve, 0.95),
        "specificity_at_90_sensitivity": weighted_specificity_at(curve, 0.90),
        "specificity_at_95_sensitivity": weighted_specificity_at(curve, 0.95),
    }


def _decisions(weights: Counts, sums: _Sums) -> dict[str, Floats]:
    n, positives, tp, called = (
        weights @ column for column in (sums.images, sums.positives, sums.true_positives, sums.called)
    )
    tn = n - positives - called + tp
    recall, specificity = divide(tp, positives), divide(tn, n - positives)
    return {
        "accuracy": divide(tp + tn, n),
        "balanced_accuracy": (recall + specificity) / 2,
        "precision": divide(tp, called),
        "recall": recall,
        # As in `classification_metrics`, without a positive there is no F1.
        "f1": np.where(positives > 0, divide(2 * tp, called + positives), np.nan),
        "specificity": specificity,
    }


def _trust(weights: Counts, sums: _Sums) -> dict[str, Floats]:
    n, positives = weights @ sums.images, weights @ sums.positives
    gaps = np.abs([_weigh(weights, gap) for gap in sums.gaps]).sum(axis=0)
    return {
        "brier": divide(_weigh(weights, sums.squared_error), n),
        "ece": divide(gaps, n),
        "top_15_sensitivity": divide(_weigh(weights, sums.found), positives),
    }


def _weigh(weights: Counts, column: Floats) -> Floats:
    """Return weights (draws, patients) times a column; a matrix product would round by the number of draws at once."""
    total: Floats = (weights * column).sum(axis=1)
    return total
