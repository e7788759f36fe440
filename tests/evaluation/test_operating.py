import numpy as np
import pytest

from melanoma.evaluation.operating import choose_threshold, operating_thresholds


def youden(target, probability, threshold):
    called = probability >= threshold
    return called[target == 1].mean() - called[target == 0].mean()


@pytest.mark.parametrize("seed", range(20))
def test_no_other_threshold_is_better(seed):
    rng = np.random.default_rng(seed)
    target = rng.permutation([0] * 30 + [1] * 7)
    probability = np.round(np.clip(rng.normal(0.4 + 0.1 * target, 0.2), 0, 1), 2)
    best = max(youden(target, probability, t) for t in np.append(np.unique(probability), 2.0))
    threshold = choose_threshold(target, probability)
    assert youden(target, probability, threshold) == pytest.approx(best)
    assert 0 <= threshold <= 1
    assert threshold not in probability


def test_lies_midway_between_the_neighbours():
    assert choose_threshold([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9]) == pytest.approx(0.4)


def test_of_equals_the_more_sensitive_wins():
    # Above 0.25 and above 0.65 both have J = 0.5.
    assert choose_threshold([0, 1, 0, 1], [0.2, 0.3, 0.6, 0.7]) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [([0.5, 0.5], 0.25), ([0.0, 0.0], 0.0), ([1.0, 1.0], 0.5), ([0.9, 0.1], 0.05), ([0.0, 1.0], 0.5)],
)
def test_first_and_last_scores_stay_in_range(probability, expected):
    assert choose_threshold([0, 1], probability) == pytest.approx(expected)


def test_neighbouring_floats_are_still_told_apart():
    low = np.nextafter(0.5, 0)
    probability = np.array([low, 0.5])
    assert youden(np.array([0, 1]), probability, choose_threshold([0, 1], probability)) == 1.0
    probability = np.array([0.5, np.nextafter(0.5, 1)])
    assert youden(np.array([0, 1]), probability, choose_threshold([0, 1], probability)) == 1.0


@pytest.mark.parametrize("target", [[], [0, 0], [1, 1]])
def test_one_class_has_no_threshold(target):
    assert choose_threshold(target, np.linspace(0, 1, len(target))) is None


def test_logits_are_refused():
    with pytest.raises(ValueError, match="logits"):
        choose_threshold([0, 1], [-1.0, 3.0])


def test_named_thresholds_just_reach_their_rate():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 500)
    probability = np.clip(rng.normal(0.4 + 0.2 * target, 0.2), 0, 1).round(2)
    found = operating_thresholds(target, probability)
    for rate in (0.90, 0.95):
        reached = [np.mean(probability[target == 1] >= cut) for cut in (found[f"{100 * rate:g} % sensitivity"],)]
        higher = probability[probability >= found[f"{100 * rate:g} % sensitivity"]].min() + 1e-9
        assert reached[0] >= rate > np.mean(probability[target == 1] >= higher)
    cut = found["95 % specificity"]
    lower = probability[probability < cut].max()
    assert np.mean(probability[target == 0] < cut) >= 0.95 > np.mean(probability[target == 0] < lower)


def test_a_rate_that_no_score_reaches_has_no_threshold():
    assert "95 % specificity" not in operating_thresholds([0, 0, 1], [0.9, 0.9, 0.1])
    assert operating_thresholds([0, 0], [0.1, 0.2]) == {}
