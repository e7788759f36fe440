import numpy as np
import pytest

from melanoma.compare.paired import Pair, compare_pairs, holm
from melanoma.evaluation.delong import delong_covariance, delong_p
from melanoma.evaluation.intervals import bootstrap_aucs


def made(seed=0, n=120):
    rng = np.random.default_rng(seed)
    target, noise = rng.integers(0, 2, n), rng.normal(0, 1, n)
    scores = {"weak": 0.2 * target + noise, "strong": 3.0 * target + noise, "twin": 3.0 * target + noise}
    draws = bootstrap_aucs(target, list(scores.values()), np.arange(n) // 3, 200, 0)
    aucs = {name: float(np.mean(np.subtract.outer(s[target == 1], s[target == 0]) > 0)) for name, s in scores.items()}
    return target, scores, aucs, dict(zip(scores, draws, strict=True))


def test_every_pair_or_each_against_the_baseline():
    data = made()
    pairs = [(pair.first, pair.second) for pair in compare_pairs(*data, baseline=None)]
    assert pairs == [("weak", "strong"), ("weak", "twin"), ("strong", "twin")]
    pairs = [(pair.first, pair.second) for pair in compare_pairs(*data, baseline="strong")]
    assert pairs == [("weak", "strong"), ("twin", "strong")]


def test_the_figures_are_those_of_the_two_runs():
    target, scores, aucs, draws = made()
    pair = compare_pairs(target, scores, aucs, draws, "weak")[0]
    assert pair.difference == aucs["strong"] - aucs["weak"]
    low, high = np.quantile(draws["strong"] - draws["weak"], [0.025, 0.975])
    assert (pair.ci_low, pair.ci_high) == pytest.approx((low, high))
    covariance = delong_covariance(target, [scores["strong"], scores["weak"]])
    assert pair.p == pytest.approx(delong_p(pair.difference, covariance, 0, 1))
    assert pair.p_holm == pytest.approx(2 * pair.p)
    assert pair.told_apart


def test_predictions_that_are_the_same_differ_by_nothing():
    pair = compare_pairs(*made(), baseline="twin")[1]
    assert (pair.difference, pair.ci_low, pair.ci_high, pair.p, pair.p_holm) == (0, 0, 0, 1, 1)
    assert not pair.told_apart


def test_holm_s_own_example_of_three():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, None, 0.6]) == [1.0, None, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("target", "reason"),
    [([0, 0, 0, 0], "one class only"), ([0, 0, 0, 1], "two images of each class"), ([0, 1, 0, 1], "no variance")],
)
def test_what_is_not_defined_has_its_reason(target, reason):
    target = np.array(target)
    scores = {"perfect": target.astype(float), "constant": np.zeros(4)}
    aucs = {"perfect": 1.0, "constant": 0.5} if target.any() else {"perfect": None, "constant": None}
    (pair,) = compare_pairs(target, scores, aucs, None, None)
    assert (pair.ci_low, pair.p, pair.p_holm) == (None, None, None)
    assert reason in pair.why_missing["p_holm"]
    assert set(pair.why_missing) == {key for key, value in vars(pair).items() if value is None}
    assert not pair.told_apart


@pytest.mark.parametrize(
    ("low", "high", "p", "apart"), [(0.1, 0.2, 0.04, True), (-0.1, 0.2, 0.04, False), (0.1, 0.2, 0.05, False)]
)
def test_both_the_test_and_the_interval_must_tell_apart(low, high, p, apart):
    assert Pair("a", "b", 0.15, low, high, p, p, {}).told_apart is apart
