import warnings

import numpy as np
import pandas as pd
import pytest

from melanoma.errors import CheckpointError, DataError
from melanoma.evaluation import calibration
from melanoma.evaluation.calibration import (
    Calibration,
    cross_fitted,
    fit_calibration,
    from_plain,
    prior_calibration,
)
from melanoma.evaluation.metrics import roc_auc
from melanoma.evaluation.reliability import measure_reliability

FITTED = ("temperature", "platt", "isotonic")


def made(n=4000, slope=0.5, shift=-1.0, seed=0):
    """Logits of which sigmoid(slope * logit + shift) is the true probability."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, n)
    return logit, (rng.random(n) < 1 / (1 + np.exp(-(slope * logit + shift)))).astype(int)


def test_platt_finds_slope_and_intercept():
    found = fit_calibration("platt", *made(40_000))
    assert (found.slope, found.intercept) == (pytest.approx(0.5, abs=0.03), pytest.approx(-1, abs=0.05))


def test_temperature_finds_the_slope_and_keeps_one_half():
    found = fit_calibration("temperature", *made(40_000, shift=0))
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.probability(np.zeros(1)) == 0.5


def test_after_platt_slope_and_intercept_are_right():
    logit, target = made()
    measured = measure_reliability(
        target, fit_calibration("platt", logit, target).probability(logit), np.arange(len(target))
    )
    assert (measured.line.slope.value, measured.line.intercept.value) == (
        pytest.approx(1, abs=0.01),
        pytest.approx(0, abs=0.01),
    )
    assert measured.mean_probability == pytest.approx(measured.prevalence, abs=1e-3)


@pytest.mark.parametrize("method", FITTED)
def test_calibration_keeps_the_order(method):
    logit, target = made()
    probability = fit_calibration(method, logit, target).probability(np.sort(logit))
    assert np.all(np.diff(probability) >= 0)
    if method != "isotonic":
        assert roc_auc(target, fit_calibration(method, logit, target).probability(logit)) == roc_auc(target, logit)


@pytest.mark.parametrize("method", FITTED)
def test_logits_far_out_give_a_probability_without_a_warning(method):
    fitted = fit_calibration(method, *made(400))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = fitted.probability(np.array([-1e6, 1e6]))
    assert 0 <= low < 0.2 < 0.5 < high <= 1


def test_a_perfect_model_has_an_end_to_its_slope():
    found = fit_calibration("platt", np.array([-3.0, -2, 2, 3]), np.array([0, 0, 1, 1]))
    assert 0 < found.slope < 10


def test_the_prior_is_corrected_where_positives_weighed_more():
    rng = np.random.default_rng(0)
    target = (rng.random(200_000) < 0.02).astype(int)
    logit = rng.normal(2 * target, 1) * 2 - 2 + np.log(0.5 / 0.5)  # what a model learns at a prevalence of one half
    probability = prior_calibration(0.02, 0.5).probability(logit)
    measured = measure_reliability(target, probability, np.arange(len(target)))
    assert (measured.line.slope.value, measured.line.intercept.value) == (
        pytest.approx(1, abs=0.05),
        pytest.approx(0, abs=0.15),
    )
    assert measured.mean_probability == pytest.approx(0.02, abs=0.001)


def test_each_image_is_calibrated_by_other_patients(monkeypatch):
    logit, target = made(600)
    patient = pd.Series(np.arange(600) // 3)
    of_logit, left_out = dict(zip(logit, patient, strict=True)), []

    def fit(method, logits, targets):
        left_out.append(set(patient) - {of_logit[one] for one in logits})
        return fit_calibration(method, logits, targets)

    monkeypatch.setattr(calibration, "fit_calibration", fit)
    found = cross_fitted("platt", logit, target, patient)
    assert sorted(one for part in left_out for one in part) == list(range(200))
    assert np.corrcoef(found, fit_calibration("platt", logit, target).probability(logit))[0, 1] > 0.99


def test_too_few_patients_are_not_left_out(caplog):
    logit, target = made(60)
    pooled = fit_calibration("platt", logit, target).probability(logit)
    assert cross_fitted("platt", logit, target, pd.Series(np.arange(60) // 30)) != pytest.approx(pooled)
    assert "too few" not in caplog.text
    assert cross_fitted("platt", logit, target, pd.Series(np.zeros(60))) == pytest.approx(pooled)
    assert "too few to leave some out" in caplog.text


def test_what_cannot_be_fitted_is_told():
    with pytest.raises(DataError, match="all are of one class"):
        fit_calibration("platt", np.arange(3.0), np.zeros(3, dtype=int))
    for method in ("temperature", "platt"):
        with pytest.raises(DataError, match="backwards"):
            fit_calibration(method, np.array([-1.0, 1.0, 0.5]), np.array([1, 0, 0]))
    logit, target = made(shift=-4.0)
    with pytest.raises(DataError, match=r"shifted, as weighted loss .*calibrate=platt"):
        fit_calibration("temperature", logit + 5, target)


@pytest.mark.parametrize(
    "values",
    [
        {"kind": 1},
        {"method": "magic"},
        {"method": "platt", "slope": -1.0},
        {"method": "platt", "slope": float("nan")},
        {"method": "isotonic", "logits": [0.0, 1.0], "probabilities": [0.1]},
        {"method": "isotonic", "logits": [0.0, 1.0], "probabilities": [0.2, 0.1]},
        {"method": "isotonic"},
    ],
)
def test_what_is_no_calibration_is_refused(values):
    with pytest.raises(CheckpointError, match="calibration is not one"):
        from_plain(values)


@pytest.mark.parametrize("method", FITTED)
def test_it_is_the_same_from_a_checkpoint(method):
    fitted = fit_calibration(method, *made(100))
    assert from_plain(fitted.to_plain()) == fitted
    assert from_plain(None) is None


def test_a_table_has_calibrated_logits_too():
    table = pd.DataFrame({"logit": [0.0, 2.0], "probability": [0.5, 0.88]})
    applied = Calibration("platt", slope=0.5, intercept=-1.0).apply(table)
    assert applied["logit"].tolist() == pytest.approx([-1.0, 0.0])
    assert applied["probability"].tolist() == pytest.approx([0.26894142, 0.5])
