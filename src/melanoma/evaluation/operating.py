"""Which probability counts as a positive call."""

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.metrics import Counts, Floats, check_probabilities, has_both_classes

RATES = (0.90, 0.95)
"""Sensitivities that have a threshold of their own."""
SPECIFICITY = 0.95


def choose_threshold(target: npt.ArrayLike, probability: npt.ArrayLike) -> float | None:
    """Return the threshold with the highest Youden's J, in [0, 1]; None when only one class is there.

    J = sensitivity + specificity - 1 (Youden 1950, Cancer 3:32), with `probability >= threshold` as a
    positive call; of equals the one with the higher sensitivity. Give it validation predictions: chosen on
    the test set it flatters the test set. Raises ValueError for a target other than 0 and 1 or a
    probability outside [0, 1].
    """
    labels, probabilities = check_probabilities(target, probability)
    if not has_both_classes(labels):
        return None
    scores, true_positives, false_positives = _calls(labels, probabilities)
    # J times both class sizes is a whole number, so ties are exact.
    j = true_positives * false_positives[0] - false_positives * true_positives[0]
    # The first, lowest score is the most sensitive. Calling nothing positive has J = 0, as has calling everything; the
    # latter is the more sensitive.
    return _at(scores, int(np.argmax(j)))


def operating_thresholds(target: npt.ArrayLike, probability: npt.ArrayLike) -> dict[str, float]:
    """Return the highest thresholds that reach 90 and 95 % sensitivity, and the lowest that reaches 95 % specificity.

    By name; empty when only one class is there, and without one that no score reaches. Give it validation predictions.
    """
    labels, probabilities = check_probabilities(target, probability)
    if not has_both_classes(labels):
        return {}
    scores, true_positives, false_positives = _calls(labels, probabilities)
    sensitivity = true_positives / true_positives[0]
    specificity = (false_positives[0] - false_positives) / false_positives[0]
    found = {
        f"{100 * rate:g} % sensitivity": _at(scores, int(np.flatnonzero(sensitivity >= rate)[-1])) for rate in RATES
    }
    if (reached := np.flatnonzero(specificity >= SPECIFICITY)).size:
        found[f"{100 * SPECIFICITY:g} % specificity"] = _at(scores, int(reached[0]))
    return found


def _calls(labels: Counts, probabilities: Floats) -> tuple[Floats, Counts, Counts]:
    """Return the distinct scores from the lowest, and the positives and negatives at or above each."""
    scores, place = np.unique(probabilities, return_inverse=True)
    positives = np.bincount(place, weights=labels).astype(np.int64)
    negatives = np.bincount(place) - positives
    return scores, positives[::-1].cumsum()[::-1], negatives[::-1].cumsum()[::-1]


def _at(scores: Floats, place: int) -> float:
    return _midway(float(scores[place - 1]) if place else 0.0, float(scores[place]))


def _midway(below: float, score: float) -> float:
    """Return a number above `below` and at most `score`, half-way where floats allow."""
    middle = (below + score) / 2
    return middle if middle > below else score
