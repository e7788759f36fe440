import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from melanoma.evaluation.reliability import measure_reliability, plot_reliability


def right(n=20_000, seed=0):
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.5, 8, n)
    return (rng.random(n) < probability).astype(int), probability, np.arange(n)


def test_right_probabilities_have_little_error():
    target, probability, patient = right()
    measured = measure_reliability(target, probability, patient)
    assert max(measured.ece_equal_width, measured.ece_equal_mass) < 0.01
    assert measured.line.slope.low < 1 < measured.line.slope.high
    assert measured.brier == pytest.approx(brier_score_loss(target, probability))
    assert measured.log_loss == pytest.approx(log_loss(target, probability))


def test_equal_mass_sees_what_equal_width_does_not():
    # All in the first bin of equal width, where the errors of both halves cancel.
    probability, target = np.repeat([0.0, 0.04], 500), np.repeat([0, 1, 0], [480, 20, 500])
    measured = measure_reliability(target, probability, np.arange(1000))
    assert measured.ece_equal_width == pytest.approx(0)
    assert measured.ece_equal_mass == pytest.approx(0.04)


def test_bins_hold_every_image_once_in_any_order():
    target, probability, patient = right(1000)
    order = np.random.default_rng(1).permutation(1000)
    bins, again = (
        measure_reliability(target[rows], probability[rows], patient[rows]).bins for rows in (np.arange(1000), order)
    )
    assert sum(one.n for one in bins) == 1000
    assert len(bins) == 15
    assert max(one.n for one in bins) - min(one.n for one in bins) <= 1
    assert [(one.n, one.observed) for one in bins] == [(one.n, one.observed) for one in again]


def test_pictures_are_drawn_of_any_images(tmp_path):
    nothing = measure_reliability(np.array([], dtype=int), np.array([]), np.array([]))
    assert (nothing.brier, nothing.bins) == (None, [])
    for place, kinds in enumerate(
        [(nothing, None), (measure_reliability(*right(50)), measure_reliability(*right(50)))]
    ):
        plot_reliability(*kinds, tmp_path / f"{place}.png")
        assert (tmp_path / f"{place}.png").stat().st_size > 5_000
