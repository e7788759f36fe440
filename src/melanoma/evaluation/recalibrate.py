"""A checkpoint with a calibration that is fitted anew, and thresholds on its scale."""

from dataclasses import replace

import numpy as np
import pandas as pd

from melanoma.errors import DataError
from melanoma.evaluation.calibration import Calibration, cross_fitted, fit_calibration, prior_calibration
from melanoma.evaluation.ensemble import to_logit
from melanoma.evaluation.metrics import Floats
from melanoma.evaluation.operating import choose_threshold, operating_thresholds
from melanoma.evaluation.scoring import Opened


def recalibrate(opened: Opened, method: str, validation: pd.DataFrame | None) -> Opened:
    """Calibrate a checkpoint on its validation images, as the network scores them; of prior, by what training knew.

    Where the fit is on the images that thresholds are chosen on, each of them is calibrated by a fit on other patients.

    Raises:
        DataError: if the validation images are not at hand, or of one class.
    """
    checkpoint = opened.checkpoint
    if method == "prior":
        calibration = prior_calibration(checkpoint.prior, checkpoint.effective_prior)
        if validation is None:
            return _with(opened, calibration, _moved(opened, calibration))
        logit = validation["logit"].to_numpy(dtype=np.float64)
        return _with(opened, calibration, _chosen(validation, calibration.probability(logit)))
    if validation is None:
        raise DataError(
            f"calibrate={method} needs the checkpoint's validation images, and some are not here; evaluate it on its "
            "own data set (data.root=DIR), or use calibrate=prior"
        )
    logit, target = validation["logit"].to_numpy(dtype=np.float64), validation["target"].to_numpy(dtype=np.int64)
    calibration = fit_calibration(method, logit, target)
    return _with(
        opened, calibration, _chosen(validation, cross_fitted(method, logit, target, validation["patient_id"]))
    )


Points = tuple[float | None, dict[str, float]]
"""The threshold, and the further ones by name."""


def _chosen(validation: pd.DataFrame, probability: Floats) -> Points:
    target = validation["target"].to_numpy(dtype=np.int64)
    return choose_threshold(target, probability), operating_thresholds(target, probability)


def _moved(opened: Opened, calibration: Calibration) -> Points:
    """Take the thresholds of training to the new scale, which keeps every decision."""
    old = opened.checkpoint
    if old.calibration is not None:
        raise DataError("the checkpoint is calibrated already; calibrate the one that training wrote")

    def moved(threshold: float) -> float:
        return float(calibration.probability(to_logit(np.array([threshold])))[0])

    further = {name: moved(value) for name, value in (old.thresholds or {}).items()}
    return None if old.threshold is None else moved(old.threshold), further


def _with(opened: Opened, calibration: Calibration, points: Points) -> Opened:
    threshold, further = points
    checkpoint = replace(
        opened.checkpoint,
        calibration=calibration.to_plain(),
        threshold=threshold,
        thresholds=further,
        training=None,
    )
    return replace(opened, checkpoint=checkpoint)
