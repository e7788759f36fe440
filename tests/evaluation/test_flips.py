import numpy as np
import pytest

from melanoma.evaluation.flips import measure_flips
from melanoma.evaluation.intervals import wilson

BENIGN, MALIGNANT = 30, 20
TARGET = np.array([0] * BENIGN + [1] * MALIGNANT)
BEFORE = np.array([0.1] * BENIGN + [0.9] * MALIGNANT)


def flips(after, patient=None, target=TARGET, threshold=0.5):
    patient = np.arange(len(target)) if patient is None else patient
    (found,) = measure_flips(target, BEFORE[: len(target)], {"turned": after}, threshold, patient, 400, 0)
    return found


def test_a_flip_is_a_call_that_changes_either_way():
    after = BEFORE.copy()
    after[:3], after[-4:] = 0.5, 0.4
    found = flips(after)
    assert found.alteration == "turned"
    assert (found.every.n, found.benign.n, found.malignant.n) == (50, 30, 20)
    assert (found.every.rate, found.benign.rate, found.malignant.rate) == (7 / 50, 3 / 30, 4 / 20)
    assert found.every.ci_low < 7 / 50 < found.every.ci_high
    assert found.malignant.ci_high - found.malignant.ci_low > found.every.ci_high - found.every.ci_low


def test_scores_that_move_on_their_side_of_the_threshold_flip_nothing():
    assert flips(np.where(BEFORE > 0.5, 0.6, 0.4)).every.rate == 0
    assert flips(np.where(BEFORE > 0.5, 0.6, 0.4), threshold=0.7).every.rate == MALIGNANT / 50


def test_the_interval_is_that_of_resampling_patients():
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(25), 2)
    after = np.where(np.repeat(rng.random(25) < 0.3, 2), 1 - BEFORE, BEFORE)
    changed = (after >= 0.5) != (BEFORE >= 0.5)
    drawn = np.random.default_rng(0)
    rates = [changed.reshape(25, 2)[drawn.integers(25, size=25)].mean() for _ in range(400)]
    found = flips(after, patient)
    assert (found.every.ci_low, found.every.ci_high) == pytest.approx(tuple(np.quantile(rates, [0.025, 0.975])))


def test_a_class_of_few_patients_has_no_rate():
    found = flips(BEFORE[:35], target=TARGET[:35])
    assert (found.malignant.n, found.malignant.rate, found.malignant.ci_low) == (5, None, None)
    assert found.every.rate == found.benign.rate == 0


def test_no_flip_among_a_few_patients_is_no_certainty():
    found = flips(BEFORE)
    assert (found.malignant.rate, found.malignant.ci_low) == (0, 0)
    assert (found.malignant.ci_low, found.malignant.ci_high) == wilson(0, MALIGNANT)
