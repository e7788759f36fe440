"""How probabilities would have to be stretched and shifted to be right, with intervals that know of patients."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from melanoma.evaluation.ensemble import to_logit
from melanoma.evaluation.intervals import Z
from melanoma.evaluation.metrics import Counts, Floats, has_both_classes
from melanoma.prediction import to_probability


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, None where there is one patient only."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CalibrationSlope:
    """The logistic regression of the target on the logit (Cox 1958, Biometrika 45:562)."""

    slope: Estimate
    """1 is right, below 1 the probabilities are too sure."""
    intercept: Estimate
    """0 is right, where the slope is."""
    in_the_large: Estimate
    """Intercept with a slope of 1: below 0 the probabilities are too high on the whole (Van Calster et al. 2019, BMC
    Medicine 17:230)."""


def calibration_slope(target: Counts, probability: Floats, patient: Counts) -> CalibrationSlope | None:
    """Regress targets (n,) on the logits of probabilities (n,); `patient` (n,) holds 0 to patients - 1.

    Intervals take the images of a patient together (sandwich estimator for clusters: Liang and Zeger 1986, Biometrika
    73:13). None with one class, with probabilities that are all the same, or where no image of one class has a lower
    one than any of the other, so that the slope has no end.
    """
    logit = to_logit(probability)
    if not has_both_classes(target) or np.ptp(logit) == 0:
        return None
    malignant, benign = logit[target == 1], logit[target == 0]
    if malignant.min() >= benign.max() or malignant.max() <= benign.min():
        return None
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(logit[:, None], target)
    line = np.array([model.intercept_[0], model.coef_[0, 0]])
    shift = _shift(target, logit)
    ones = np.ones((len(target), 1))
    intercept, slope = _estimates(line, np.column_stack([ones, logit]), logit * line[1] + line[0], target, patient)
    (in_the_large,) = _estimates(np.array([shift]), ones, logit + shift, target, patient)
    return CalibrationSlope(slope, intercept, in_the_large)


def _shift(target: Counts, logit: Floats) -> float:
    """Give what has to be added to every logit for the mean probability to be the share of melanomas, by bisection."""
    low, high = -logit.max() - 40.0, -logit.min() + 40.0
    for _ in range(80):
        middle = (low + high) / 2
        too_high = to_probability(logit + middle).mean() > target.mean()
        low, high = (low, middle) if too_high else (middle, high)
    return float((low + high) / 2)


def _estimates(fitted: Floats, columns: Floats, logit: Floats, target: Counts, patient: Counts) -> list[Estimate]:
    """Put intervals around the coefficients (k,) of `columns` (n, k), whose fit gives `logit` (n,)."""
    probability = to_probability(logit)
    patients = int(patient.max()) + 1
    if patients < 2:
        return [Estimate(float(value), None, None) for value in fitted]
    residual = (target - probability)[:, None] * columns
    scores = np.stack([np.bincount(patient, weights=column, minlength=patients) for column in residual.T], axis=1)
    bread = np.linalg.pinv(columns.T @ ((probability * (1 - probability))[:, None] * columns))
    covariance = bread @ (scores.T @ scores) @ bread * patients / (patients - 1)
    reach = Z * np.sqrt(np.diag(covariance))
    return [Estimate(float(v), float(v - r), float(v + r)) for v, r in zip(fitted, reach, strict=True)]
