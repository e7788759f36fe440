"""Logits -> probabilities that mean what they say, by what was learnt on validation patients."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from melanoma.errors import CheckpointError, DataError
from melanoma.evaluation.ensemble import to_logit
from melanoma.evaluation.metrics import Counts, Floats, has_both_classes
from melanoma.prediction import to_probability

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Calibration:
    """A rising function from logit to probability.

    sigmoid(slope * logit + intercept); or, of isotonic regression, `probabilities` interpolated over `logits`.
    """

    method: str
    slope: float = 1.0
    intercept: float = 0.0
    logits: list[float] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)

    def probability(self, logit: Floats) -> Floats:
        """Give the probabilities (n,) of logits (n,)."""
        if self.logits:
            return np.interp(logit, self.logits, self.probabilities)
        return to_probability(self.slope * logit + self.intercept)

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Put calibrated probabilities, and their logits, in the place of a table's own."""
        probability = self.probability(table["logit"].to_numpy(dtype=np.float64))
        return table.assign(logit=to_logit(probability), probability=probability)

    def to_plain(self) -> dict[str, Any]:
        """Give what a checkpoint holds."""
        return asdict(self)


def from_plain(values: dict[str, Any] | None) -> Calibration | None:
    """Take what a checkpoint holds, if it holds any.

    Raises:
        CheckpointError: if that is no calibration.
    """
    if values is None:
        return None
    try:
        calibration = Calibration(**values)
    except TypeError as error:
        raise CheckpointError(f"the checkpoint's calibration is not one: {error}") from error
    if fault := _fault(calibration):
        raise CheckpointError(f"the checkpoint's calibration is not one: {fault}; calibrate it again")
    return calibration


def fit_calibration(method: str, logit: Floats, target: Counts) -> Calibration:
    """Fit temperature, platt or isotonic on logits (n,) of validation images.

    Raises:
        DataError: if the images are of one class, or the logits rank them backwards, or not at all.
    """
    if not has_both_classes(target):
        raise DataError(f"calibrate={method} needs benign and malignant validation images, and all are of one class")
    return _FITS[method](logit, target)


def prior_calibration(prior: float, effective_prior: float) -> Calibration:
    """Undo what weighted loss or over-sampling did to the share of positives, by shifting the logit.

    Source: Saerens, Latinne and Decaestecker 2002, Neural Computation 14:21, equation 4, for two classes.
    """
    shift = to_logit(np.array([prior, effective_prior]))
    return Calibration("prior", intercept=float(shift[0] - shift[1]))


def cross_fitted(
    method: str, logit: Floats, target: Counts, patient: "pd.Series[Any]", folds: int = 5, seed: int = 0
) -> Floats:
    """Calibrate each image by a fit on other patients, (n,), so that a threshold can be chosen on the same images.

    There are as many folds as each class has patients, if those are fewer; with one, all are calibrated by the fit on
    all.
    """
    fewest = min(patient[target == label].nunique() for label in (0, 1))
    if fewest < 2:
        _log.warning("calibration: one patient of a class is too few to leave some out; none are")
        return fit_calibration(method, logit, target).probability(logit)
    probability = np.empty_like(logit)
    parts = StratifiedGroupKFold(min(folds, fewest), shuffle=True, random_state=seed)
    for others, own in parts.split(logit, target, patient):
        probability[own] = fit_calibration(method, logit[others], target[others]).probability(logit[own])
    return probability


def _temperature(logit: Floats, target: Counts) -> Calibration:
    """Divide the logits by one number (Guo et al. 2017, On Calibration of Modern Neural Networks)."""
    slope = _regress(logit, target.astype(np.float64), intercept=False)[0]
    if slope <= 0:
        raise DataError(
            "no temperature fits the validation images: the logits rank them backwards, or are shifted, as weighted "
            "loss shifts them; use calibrate=platt"
        )
    return Calibration("temperature", slope=slope)


def _platt(logit: Floats, target: Counts) -> Calibration:
    """Fit slope and intercept to targets that are drawn in a little, so that a perfect model has an end to its slope.

    Source: Platt 1999, Probabilistic Outputs for Support Vector Machines, section 2.2.
    """
    positives = int(target.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (len(target) - positives + 2)
    slope, intercept = _regress(logit, np.where(target == 1, high, low))
    if slope <= 0:
        raise DataError("calibrate=platt: the logits rank the validation images backwards, or not at all")
    return Calibration("platt", slope=slope, intercept=intercept)


def _isotonic(logit: Floats, target: Counts) -> Calibration:
    """Fit the rising step function that is nearest to the targets (Zadrozny and Elkan 2002, KDD)."""
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(logit, target)
    return Calibration("isotonic", logits=fitted.X_thresholds_.tolist(), probabilities=fitted.y_thresholds_.tolist())


_FITS: dict[str, Callable[[Floats, Counts], Calibration]] = {
    "temperature": _temperature,
    "platt": _platt,
    "isotonic": _isotonic,
}


def _fault(calibration: Calibration) -> str | None:
    """Say what keeps a calibration from being a rising function."""
    slope, intercept, logits, probabilities = list(asdict(calibration).values())[1:]
    if calibration.method not in (*_FITS, "prior"):
        return f"there is no method {calibration.method!r}"
    if not (np.isfinite([slope, intercept]).all() and slope > 0):
        return f"slope {slope} and intercept {intercept}"
    if len(logits) != len(probabilities) or (calibration.method == "isotonic") != bool(logits):
        return f"{len(logits)} logits and {len(probabilities)} probabilities"
    rises = np.all(np.diff(logits) > 0) and np.all(np.diff([0, *probabilities, 1]) >= 0)
    return None if rises else "its probabilities do not rise"


def _regress(logit: Floats, target: Floats, intercept: bool = True) -> tuple[float, float]:
    """Fit a logistic regression without penalty to targets between 0 and 1; give slope and intercept."""
    # Each image counts as malignant with its target, and as benign with the rest.
    rows, labels = np.concatenate([logit, logit])[:, None], np.repeat([1, 0], len(logit))
    model = LogisticRegression(C=np.inf, fit_intercept=intercept, tol=1e-8, max_iter=1000)
    model.fit(rows, labels, sample_weight=np.concatenate([target, 1 - target]))
    return float(model.coef_[0, 0]), float(model.intercept_[0]) if intercept else 0.0
