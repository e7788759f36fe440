"""Whether two AUCs on the same images differ, by the covariance that DeLong et al. gave."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.metrics import Floats, check_scores, roc_auc


def delong_covariance(target: npt.ArrayLike, scores: Sequence[npt.ArrayLike]) -> Floats | None:
    """Return the covariance (k, k) of the AUCs of k scores (n,) of the same images.

    Takes every image as independent. None with fewer than two images of either class. Raises ValueError as
    `check_scores` does. Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837; sorting in place of
    comparing pairs, as in Sun and Xu 2014, IEEE Signal Processing Letters 21:1389.
    """
    checked = [check_scores(target, score) for score in scores]
    labels = checked[0][0]
    if min(int(labels.sum()), len(labels) - int(labels.sum())) < 2:
        return None
    placements = [_placements(labels == 1, score) for _, score in checked]
    positives, negatives = (np.stack(side) for side in zip(*placements, strict=True))
    covariance: Floats = _covariance(positives) / positives.shape[1] + _covariance(negatives) / negatives.shape[1]
    return covariance


def delong_p(difference: float, covariance: Floats, first: int, second: int) -> float | None:
    """Return the two-sided p of a difference between two of the AUCs; None where one that is not 0 has no variance."""
    variance = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
    if variance <= 0:
        return 1.0 if difference == 0 else None
    return math.erfc(abs(difference) / math.sqrt(2 * variance))  # twice the normal distribution's tail


def delong_interval(target: npt.ArrayLike, score: npt.ArrayLike, level: float = 0.95) -> tuple[float, float] | None:
    """Return the interval of the AUC of a score (n,), symmetric on the logit scale; takes every image as independent.

    There it stays within 0 and 1 and keeps its level at high AUC, which AUC plus and minus its error does not (Pepe
    2003, The Statistical Evaluation of Medical Tests, section 5.2.3; Qin and Hotilovac 2008, Stat. Methods Med. Res.
    17:207). None with fewer than two images of either class, for an AUC of 0 or 1, whose logit has no end, and for
    scores without variance. Raises ValueError as `check_scores` does.
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level}; expected 0 < level < 1")
    covariance, auc = delong_covariance(target, [score]), roc_auc(target, score)
    if covariance is None or auc is None or not 0 < auc < 1 or covariance[0, 0] <= 0:
        return None
    # The logit's slope is 1 / (AUC (1 - AUC)).
    error = math.sqrt(covariance[0, 0]) / (auc * (1 - auc))
    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    low, high = (1 / (1 + math.exp(-(math.log(auc / (1 - auc)) + side))) for side in (-reach, reach))
    return low, high


def _placements(positive: npt.NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats]:
    """Return for each positive the share of negatives below it, and for each negative that of positives above it."""
    ours, theirs = score[positive], score[~positive]
    return _share_below(ours, theirs), 1 - _share_below(theirs, ours)


def _share_below(values: Floats, others: Floats) -> Floats:
    """Return the share of `others` below each value, ties counted half."""
    others = np.sort(others)
    below, not_above = (np.searchsorted(others, values, side=side) for side in ("left", "right"))
    share: Floats = (below + not_above) / (2 * len(others))
    return share


def _covariance(values: Floats) -> Floats:
    """Return the covariance (k, k) of rows (k, n).

    Summed product by product, as a matrix product may round equal rows differently, and leave their difference a
    variance above 0.
    """
    centred = values - values.mean(axis=1, keepdims=True)
    products: Floats = np.array([[np.sum(one * other) for other in centred] for one in centred], dtype=np.float64)
    covariance: Floats = products / (values.shape[1] - 1)
    return covariance
