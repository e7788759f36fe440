"""Which probability counts as a positive call."""

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.metrics import check_probabilities, has_both_classes


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
    scores, place = np.unique(probabilities, return_inverse=True)
    positives = np.bincount(place, weights=labels).astype(np.int64)
    negatives = np.bincount(place) - positives
    # Calls at or above each distinct score; J times both class sizes is a whole number, so ties are exact.
    true_positives = positives[::-1].cumsum()[::-1]
    false_positives = negatives[::-1].cumsum()[::-1]
    j = true_positives * negatives.sum() - false_positives * positives.sum()
    best = int(np.argmax(j))  # the first, lowest score is the most sensitive
    # Calling nothing positive has J = 0, as has calling everything; the latter is the more sensitive.
    return _midway(float(scores[best - 1]) if best else 0.0, float(scores[best]))


def _midway(below: float, score: float) -> float:
    """Return a number above `below` and at most `score`, half-way where floats allow."""
    middle = (below + score) / 2
    return middle if middle > below else score
