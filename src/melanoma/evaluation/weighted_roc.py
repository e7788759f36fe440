"""The ROC curve and what is read from it, for many weightings of the patients at once.

Every measure is given for each row of weights, NaN where that row holds one class only. Whole weights make every count
exact, so neither the order of images nor how many weightings are measured together changes a bit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.metrics import Counts, Floats


@dataclass(frozen=True)
class Curve:
    """Counts at the distinct scores of malignant images, from the highest: arrays (weightings, scores).

    Between these scores only benign images come in, so no measure here needs more points.
    """

    true_positives: Counts
    """Malignant images that score as much or more."""
    false_positives: Counts
    """Benign images that score as much or more."""
    false_positives_above: Counts
    """Benign images that score more."""
    positives: Counts
    """(weightings, 1), of all scores."""
    negatives: Counts
    """(weightings, 1), of all scores."""

    @property
    def defined(self) -> npt.NDArray[np.bool_]:
        """Tell for each weighting whether it holds both classes."""
        return ((self.positives > 0) & (self.negatives > 0))[:, 0]


class Rows(NamedTuple):
    """Images in order of their scores."""

    patient: Counts
    images: Counts | None
    """How many a row stands for; None where each stands for one."""


def weighted_curve(target: Counts, score: Floats, patient: Counts) -> Callable[[Counts], Curve]:
    """Sort once, and return a function from patient weights (weightings, patients) to their curves.

    `target`, `score` and `patient` are (n,); `patient` holds columns of the weights.
    """
    positive_scores, positives = _sorted_rows(-score[target == 1], patient[target == 1])
    negative_scores, negatives = _sorted_rows(-score[target == 0], patient[target == 0])
    distinct = np.unique(positive_scores)
    last = np.searchsorted(positive_scores, distinct, side="right")
    above = np.searchsorted(negative_scores, distinct, side="left")
    not_below = np.searchsorted(negative_scores, distinct, side="right")

    def curve(weights: Counts) -> Curve:
        benign = _cumulate(weights, negatives)
        malignant = _cumulate(weights, positives)
        return Curve(
            np.take(malignant, last, axis=1),
            np.take(benign, not_below, axis=1),
            np.take(benign, above, axis=1),
            malignant[:, -1:],
            benign[:, -1:],
        )

    return curve


def weighted_auc(curve: Curve) -> Floats:
    """Return the share of malignant-benign pairs in the right order, ties counted half (Mann-Whitney)."""
    beaten = 2 * curve.negatives - curve.false_positives - curve.false_positives_above
    twice_wins = (_steps(curve.true_positives) * beaten).sum(axis=1)
    return divide(twice_wins, 2 * (curve.positives * curve.negatives)[:, 0])


def weighted_average_precision(curve: Curve) -> Floats:
    """Return the precision averaged over the steps of recall, as scikit-learn does; a row needs no benign image."""
    precision = curve.true_positives / np.maximum(curve.true_positives + curve.false_positives, 1)
    return divide((_steps(curve.true_positives) * precision).sum(axis=1), curve.positives[:, 0])


def weighted_partial_auc(curve: Curve, min_tpr: float) -> Floats:
    """Return what `partial_auc_above_tpr` does: each step of the TPR above `min_tpr`, under its line of 1 - FPR."""
    step = _steps(curve.true_positives)
    positives, negatives = np.maximum(curve.positives, 1), np.maximum(curve.negatives, 1)
    end, start = curve.true_positives / positives, (curve.true_positives - step) / positives
    first, last = curve.false_positives_above / negatives, curve.false_positives / negatives
    cut = np.clip((min_tpr * positives - (curve.true_positives - step)) / np.maximum(step, 1), 0, 1)
    height = 1 - ((first + cut * (last - first)) + last) / 2
    area = (np.maximum(end - np.maximum(start, min_tpr), 0) * height).sum(axis=1)
    return np.where(curve.defined, area, np.nan)


def weighted_sensitivity_at(curve: Curve, specificity: float) -> Floats:
    """Return the highest sensitivity of a threshold with at least that specificity; 0 where only calling none has."""
    negatives = np.maximum(curve.negatives, 1)
    reached = (curve.negatives - curve.false_positives) / negatives >= specificity
    found = np.where(reached, curve.true_positives, 0).max(axis=1, initial=0)
    return np.where(curve.defined, found / np.maximum(curve.positives[:, 0], 1), np.nan)


def weighted_specificity_at(curve: Curve, sensitivity: float) -> Floats:
    """Return the highest specificity of a threshold with at least that sensitivity."""
    reached = curve.true_positives / np.maximum(curve.positives, 1) >= sensitivity
    spared = np.where(reached, curve.negatives - curve.false_positives, 0).max(axis=1, initial=0)
    return np.where(curve.defined, spared / np.maximum(curve.negatives[:, 0], 1), np.nan)


def _sorted_rows(score: Floats, patient: Counts) -> tuple[Floats, Rows]:
    """Sort by score, and put rows of one patient with one score together; few are left where scores are categories."""
    order = np.lexsort((patient, score))
    score, patient = score[order], patient[order]
    differs = (np.diff(score) != 0) | (np.diff(patient) != 0)
    first = np.flatnonzero(np.append(True, differs)) if len(score) else np.empty(0, dtype=np.int64)
    images = np.diff(np.append(first, len(score)))
    return score[first], Rows(patient[first], None if len(first) == len(score) else images)


def _cumulate(weights: Counts, rows: Rows) -> Counts:
    """Return the weight of the first 0, 1, ... rows, (weightings, rows + 1)."""
    cumulative = np.zeros((len(weights), len(rows.patient) + 1), dtype=np.int64)
    own = np.take(weights, rows.patient, axis=1)
    np.cumsum(own if rows.images is None else own * rows.images, axis=1, out=cumulative[:, 1:])
    return cumulative


def _steps(cumulative: Counts) -> Counts:
    return np.diff(cumulative, axis=1, prepend=0)


def divide(part: Counts | Floats, whole: Counts) -> Floats:
    """Return the quotients, NaN where there is nothing to divide by."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
