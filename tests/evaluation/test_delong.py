import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from melanoma.evaluation.delong import delong_covariance, delong_interval, delong_p


def data(n=60, seed=0, decimals=1):
    rng = np.random.default_rng(seed)
    target = rng.permutation([0] * (n - n // 3) + [1] * (n // 3))
    return target, [np.round(target * strength + rng.normal(0, 1, n), decimals) for strength in (0.5, 1.0, 2.0)]


def slow_covariance(target, scores):
    """The formula of DeLong et al., pair by pair."""

    def wins(one, other):
        return 1.0 if one > other else 0.5 if one == other else 0.0

    positives, negatives = np.flatnonzero(target == 1), np.flatnonzero(target == 0)
    v10 = [[np.mean([wins(s[i], s[j]) for j in negatives]) for i in positives] for s in scores]
    v01 = [[np.mean([wins(s[i], s[j]) for i in positives]) for j in negatives] for s in scores]
    return np.cov(v10) / len(positives) + np.cov(v01) / len(negatives)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_equals_the_formula_with_and_without_ties(seed, decimals):
    target, scores = data(seed=seed, decimals=decimals)
    assert delong_covariance(target, scores) == pytest.approx(slow_covariance(target, scores), abs=1e-15)


def test_golden_values():
    # Positives beat 2, 1 and 0 of 2 negatives: placements 1, 0.5, 0 and, from below, 1/3 and 2/3.
    covariance = delong_covariance([0, 1, 0, 1, 1], [[0.2, 0.1, 0.6, 0.4, 0.9]])
    assert covariance == pytest.approx(np.array([[0.25 / 3 + (1 / 18) / 2]]))
    assert delong_p(1.96 * np.sqrt(covariance[0, 0]), np.diag([covariance[0, 0], 0]), 0, 1) == pytest.approx(0.04999579)


def test_p_is_uniform_where_there_is_no_difference():
    rng = np.random.default_rng(0)
    p = []
    for _ in range(400):
        target, lesion = rng.permutation([0] * 60 + [1] * 40), rng.normal(0, 1, 100)
        scores = [target + lesion + rng.normal(0, 1, 100) for _ in range(2)]
        aucs = [np.mean(np.subtract.outer(s[target == 1], s[target == 0]) > 0) for s in scores]
        p.append(delong_p(aucs[0] - aucs[1], delong_covariance(target, scores), 0, 1))
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(p) == pytest.approx(0.5, abs=0.05)


def test_predictions_of_the_same_order_have_no_variance_and_p_1():
    target, (score, *_) = data(n=3000, decimals=6)
    covariance = delong_covariance(target, [score, np.exp(score)])
    assert covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1] == 0
    assert delong_p(0.0, covariance, 0, 1) == 1.0


def test_a_difference_without_variance_has_no_p():
    covariance = delong_covariance([0, 0, 1, 1], [[0, 0, 1, 1], [5, 5, 5, 5]])
    assert delong_p(0.5, covariance, 0, 1) is None


@pytest.mark.parametrize("target", [[], [0, 0, 0], [1, 0, 0, 0], [1, 1, 0]])
def test_fewer_than_two_of_a_class_have_no_covariance(target):
    assert delong_covariance(target, [np.arange(len(target))]) is None


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        delong_covariance([0, 1], [[0.1, 0.2], [0.1, np.nan]])


def test_the_interval_is_symmetric_on_the_logit_scale():
    target, (score, *_) = data()
    (variance,), auc = delong_covariance(target, [score])[0], roc_auc_score(target, score)
    low, high = delong_interval(target, score)
    logits = np.log([low / (1 - low), auc / (1 - auc), high / (1 - high)])
    assert np.diff(logits) == pytest.approx(1.959964 * np.sqrt(variance) / (auc * (1 - auc)))


def test_the_interval_keeps_its_level():
    rng, hits = np.random.default_rng(0), []
    for _ in range(300):
        target = rng.permutation([0] * 60 + [1] * 20)
        low, high = delong_interval(target, rng.normal(1.5 * target, 1))
        hits.append(low < 0.8555778 < high)  # of two normal distributions 1.5 apart
    assert np.mean(hits) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(("target", "score"), [([0, 0], [1, 2]), ([0, 0, 1, 1], [1, 2, 3, 4]), ([0, 1, 0, 1], [1] * 4)])
def test_no_interval_where_there_is_no_error(target, score):
    assert delong_interval(target, score) is None
