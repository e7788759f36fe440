"""What each of a fixed row of thresholds would do, chosen on nobody's images."""

from dataclasses import dataclass

import numpy as np

from melanoma.evaluation.metrics import Counts, Floats, confusion_counts

THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)


@dataclass(frozen=True)
class ThresholdRow:
    """Counts and shares of these images at one threshold; None where nothing is called so."""

    threshold: float
    called_malignant: int
    found: int
    """Melanomas among them."""
    sensitivity: float | None
    specificity: float | None
    ppv: float | None
    npv: float | None


def threshold_table(target: Counts, probability: Floats, frozen: float) -> list[ThresholdRow]:
    """Judge each of `THRESHOLDS` and the frozen one, from the lowest; `probability >= threshold` is a positive call.

    Predictive values are those at the prevalence of these images. Empty without images.
    """
    if not len(target):
        return []
    return [_row(target, probability, threshold) for threshold in np.unique([*THRESHOLDS, frozen]).tolist()]


def _row(target: Counts, probability: Floats, threshold: float) -> ThresholdRow:
    (tn, fp), (fn, tp) = confusion_counts(target, probability, threshold)
    shares = ((tp, tp + fn), (tn, tn + fp), (tp, tp + fp), (tn, tn + fn))
    return ThresholdRow(threshold, tp + fp, tp, *(part / whole if whole else None for part, whole in shares))
