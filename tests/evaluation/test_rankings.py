import numpy as np
import pytest

from melanoma.evaluation.intervals import patient_bootstrap_auc
from melanoma.evaluation.metrics import roc_auc
from melanoma.evaluation.rankings import between, draw_aucs, rank

RNG = np.random.default_rng(0)
TARGET = np.repeat([0, 1], 50)
GOOD, POOR = TARGET + RNG.normal(0, 0.7, 100), TARGET + RNG.normal(0, 3, 100)
PATIENT = np.arange(100) // 2


def test_an_auc_has_the_interval_that_it_has_alone():
    drawn = draw_aucs(TARGET, {"good": GOOD, "poor": POOR}, PATIENT, 200, 1)
    found = rank("poor", drawn["poor"], drawn["good"])
    assert found.auc == roc_auc(TARGET, POOR)
    assert (found.auc_ci_low, found.auc_ci_high) == patient_bootstrap_auc(TARGET, POOR, PATIENT, 200, 1)
    assert found.below.value == pytest.approx(roc_auc(TARGET, GOOD) - roc_auc(TARGET, POOR))
    assert 0 < found.below.ci_low < found.below.value < found.below.ci_high


def test_differences_are_taken_draw_by_draw():
    drawn = draw_aucs(TARGET, {"one": GOOD, "same": 2 * GOOD}, PATIENT, 200, 1)
    assert vars(between(drawn["one"], drawn["same"])) == {"value": 0, "ci_low": 0, "ci_high": 0}
    half = between(drawn["one"], 0.5)
    assert half.ci_high - half.ci_low > 0.05


def test_a_perfect_order_has_no_interval():
    drawn = draw_aucs(TARGET, {"perfect": TARGET}, PATIENT, 50, 1)
    found = rank("perfect", drawn["perfect"])
    assert (found.auc, found.auc_ci_low, found.auc_ci_high, found.below) == (1, None, None, None)


def test_one_class_cannot_be_drawn_from():
    assert draw_aucs(np.zeros(4, dtype=int), {"one": [1, 2, 3, 4]}, np.arange(4), 100, 0) is None
