import numpy as np
import pytest

from melanoma.evaluation.calibration_slope import calibration_slope


def drawn(n=4000, seed=0, slope=1.0, shift=0.0):
    """Probabilities that are right once their logits are stretched by `slope` and shifted."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-1, 1.5, n)
    target = rng.random(n) < 1 / (1 + np.exp(-(slope * logit + shift)))
    return target.astype(int), 1 / (1 + np.exp(-logit)), np.arange(n)


@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (0.5, 0), (1, -1), (1.5, 0.5)])
def test_it_finds_what_was_drawn_with(slope, shift):
    found = calibration_slope(*drawn(slope=slope, shift=shift))
    assert found.slope.low < slope < found.slope.high
    assert found.intercept.low < shift < found.intercept.high
    assert found.slope.value == pytest.approx(slope, abs=0.15)


def test_in_the_large_makes_the_mean_the_share_of_melanomas():
    target, probability, patient = drawn(shift=-1)
    found = calibration_slope(target, probability, patient).in_the_large.value
    odds = probability / (1 - probability) * np.exp(found)
    assert (odds / (1 + odds)).mean() == pytest.approx(target.mean(), abs=1e-9)


def test_its_intervals_are_as_wide_as_the_spread_of_many_draws():
    found = [calibration_slope(*drawn(500, seed)) for seed in range(200)]
    for name in ("slope", "intercept", "in_the_large"):
        values = [getattr(one, name) for one in found]
        reach = np.mean([(one.high - one.low) / 2 for one in values])
        assert reach == pytest.approx(1.96 * np.std([one.value for one in values]), rel=0.15)


def test_images_that_are_there_twice_tell_no_more():
    target, probability, patient = drawn(500)
    once = calibration_slope(target, probability, patient)
    twice = calibration_slope(*(np.repeat(column, 2) for column in (target, probability, patient)))
    for name in ("slope", "intercept", "in_the_large"):
        first, second = getattr(once, name), getattr(twice, name)
        assert (second.value, second.low, second.high) == pytest.approx((first.value, first.low, first.high), abs=1e-5)


@pytest.mark.parametrize(
    ("target", "probability"), [([0, 0], [0.1, 0.2]), ([0, 1], [0.1, 0.9]), ([1, 0], [0.1, 0.9]), ([0, 1], [0.5, 0.5])]
)
def test_a_slope_without_an_end_is_none(target, probability):
    assert calibration_slope(np.array(target), np.array(probability), np.arange(2)) is None


@pytest.mark.parametrize("probability", [[0.1, 0.5, 0.5, 0.9], [0.9, 0.5, 0.5, 0.1], [0.1, 0.9, 0.9, 0.9]])
def test_classes_that_meet_at_one_probability_leave_the_slope_without_an_end(probability):
    assert calibration_slope(np.array([0, 0, 1, 1]), np.array(probability), np.arange(4)) is None


def test_one_patient_has_no_interval():
    found = calibration_slope(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4]), np.zeros(4, dtype=int))
    assert (found.slope.low, found.in_the_large.high) == (None, None)
