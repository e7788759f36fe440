import numpy as np
import pytest

from melanoma.evaluation.prevalence import decision_curve, operating_points, plot_decision_curves

TARGET = np.array([0] * 8 + [1] * 4)
PROBABILITY = np.array([0.1] * 6 + [0.6] * 2 + [0.2] + [0.7] * 3)
PATIENT = np.arange(12)


def test_predictive_values_follow_by_bayes_rule():
    [point] = operating_points(TARGET, PROBABILITY, PATIENT, {"Threshold": 0.5}, [0.1], 200, 0)
    assert (point.sensitivity, point.specificity) == (0.75, 0.75)
    assert point.ppv == pytest.approx(0.075 / (0.075 + 0.225))
    assert point.npv == pytest.approx(0.675 / (0.675 + 0.025))
    assert point.number_needed_to_biopsy == pytest.approx(4)
    assert point.ppv_interval[0] < point.ppv < point.ppv_interval[1]
    fewest, most = point.number_needed_to_biopsy_interval
    assert (1 / most, 1 / fewest) == pytest.approx(point.ppv_interval)


def test_at_the_share_of_these_images_they_are_those_counted():
    [point] = operating_points(TARGET, PROBABILITY, PATIENT, {"Threshold": 0.5}, [4 / 12], 50, 0)
    assert point.ppv == pytest.approx(3 / 5)
    assert point.npv == pytest.approx(6 / 7)


def test_each_threshold_meets_each_prevalence():
    points = operating_points(TARGET, PROBABILITY, PATIENT, {"a": 0.5, "b": 0.65}, [0.018, 0.1], 20, 0)
    assert [(point.name, point.prevalence) for point in points] == [("a", 0.018), ("a", 0.1), ("b", 0.018), ("b", 0.1)]


@pytest.mark.parametrize(
    ("target", "threshold", "missing"),
    [(TARGET, 0.9, {"ppv", "number_needed_to_biopsy"}), (np.zeros(12, dtype=int), 0.5, {"sensitivity", "ppv", "npv"})],
)
def test_what_is_not_defined_is_none(target, threshold, missing):
    [point] = operating_points(target, PROBABILITY, PATIENT, {"Threshold": threshold}, [0.1], 20, 0)
    none = {name for name, value in vars(point).items() if value is None}
    intervals = {"ppv_interval", "npv_interval", "number_needed_to_biopsy_interval"}
    assert missing <= none <= missing | intervals | {"number_needed_to_biopsy"}


def test_net_benefit_is_what_vickers_and_elkin_count():
    curve = decision_curve(TARGET, PROBABILITY, 4 / 12, 4 / 12)
    place = curve.threshold_probability.index(0.5)
    assert curve.model[place] == pytest.approx(3 / 12 - 2 / 12 * 1)
    assert curve.treat_all[place] == pytest.approx(4 / 12 - 8 / 12)
    assert curve.model[0] == pytest.approx(curve.treat_all[0])  # all score above 0.005


def test_probabilities_are_shifted_to_the_prevalence_asked_for():
    half = decision_curve(TARGET, PROBABILITY, 0.5, 4 / 12)
    # From one third to one half doubles the odds: 0.2 becomes one third.
    place = half.threshold_probability.index(0.33)
    assert half.model[place] == pytest.approx(0.5 - 0.25 * 0.5 * 0.33 / 0.67)
    assert decision_curve(np.zeros(3, dtype=int), np.ones(3), 0.1, 0.1) is None


def test_images_of_another_prevalence_do_not_change_what_a_calibrated_model_is_worth():
    rng = np.random.default_rng(0)
    probability = rng.beta(0.3, 9, 400_000)  # right at 3.2 %
    target = (rng.random(len(probability)) < probability).astype(int)
    enriched = np.concatenate([np.flatnonzero(target), rng.choice(np.flatnonzero(target == 0), 30_000)])
    own = target.mean()
    plain, shifted = (decision_curve(target[rows], probability[rows], 0.018, own) for rows in (slice(None), enriched))
    assert np.array(shifted.model[:20]) == pytest.approx(np.array(plain.model[:20]), rel=0.1)


def test_a_model_without_an_error_here_has_no_interval():
    target = np.array([0, 0, 0, 0, 1, 1])
    [point] = operating_points(target, target * 0.8, np.arange(6), {"Threshold": 0.5}, [0.1], 100, 0)
    assert (point.ppv, point.ppv_interval) == (1.0, None)


def test_pictures_are_drawn(tmp_path):
    plot_decision_curves([decision_curve(TARGET, PROBABILITY, one, 0.3) for one in (0.018, 0.1)], tmp_path / "two.png")
    plot_decision_curves([], tmp_path / "none.png")
    assert (tmp_path / "two.png").stat().st_size > 10_000
    assert (tmp_path / "none.png").stat().st_size > 1_000
