import numpy as np
import pytest

from melanoma.evaluation.intervals import bootstrap_aucs
from melanoma.evaluation.metrics import roc_auc
from melanoma.evaluation.stratified_auc import stratified_aucs


def data(n=300, strata=4, seed=0):
    """Target and score depend on the stratum; ties, and patients in several strata."""
    rng = np.random.default_rng(seed)
    stratum = rng.integers(0, strata, n)
    target = (rng.random(n) < 0.2 + 0.15 * stratum).astype(int)
    score = np.round(target + stratum + rng.normal(0, 1, n), 1)
    return target, score, stratum, rng.integers(0, n // 3, n)


def pooled(target, score, stratum):
    wins = pairs = 0.0
    for one in np.unique(stratum):
        positive, negative = (score[(stratum == one) & (target == label)] for label in (1, 0))
        gap = positive[:, None] - negative
        wins += ((gap > 0) + 0.5 * (gap == 0)).sum()
        pairs += gap.size
    return wins / pairs


def test_by_hand():
    # Size a: both malignant images win over the one benign; size b: one of two pairs is won, and one tied.
    target, stratum = np.array([1, 1, 0, 1, 0, 0]), np.array([0, 0, 0, 1, 1, 1])
    score = np.array([0.3, 0.4, 0.1, 0.8, 0.8, 0.7])
    (found,) = stratified_aucs(target, score, stratum, np.arange(6), 6, np.array([1, 0]), 0, 0)
    assert found.tolist() == [(1 + 1 + 1 + 0.5) / 4, 0.75, 1]


def test_pairs_of_one_stratum_alone_count():
    target, score, stratum, patient = data()
    found = stratified_aucs(target, score, stratum, patient, 100, np.arange(4), 0, 0)[0]
    assert found[0] == pytest.approx(pooled(target, score, stratum))
    assert found[0] < roc_auc(target, score) - 0.03
    expected = [roc_auc(target[stratum == one], score[stratum == one]) for one in range(4)]
    assert found[1:] == pytest.approx(expected)


def test_one_stratum_gives_the_auc_and_its_draws():
    target, score, _, patient = data()
    patient = np.unique(patient, return_inverse=True)[1]
    found = stratified_aucs(target, score, np.zeros_like(target), patient, int(patient.max()) + 1, np.array([0]), 50, 3)
    assert found[0] == pytest.approx(roc_auc(target, score))
    assert found[1:, 0] == pytest.approx(bootstrap_aucs(target, [score], patient, 50, 3)[0])


def test_the_draws_are_those_of_all_patients():
    target, score, stratum, patient = data()
    patient = np.unique(patient, return_inverse=True)[1]
    patients, rows = int(patient.max()) + 1, stratum > 0
    found = stratified_aucs(target[rows], score[rows], stratum[rows] - 1, patient[rows], patients, np.arange(3), 20, 5)
    drawn, expected = np.random.default_rng(5), []
    for _ in range(20):
        images = np.concatenate(
            [np.flatnonzero((patient == one) & rows) for one in drawn.integers(patients, size=patients)]
        )
        expected.append(pooled(target[images], score[images], stratum[images]))
    assert found[1:, 0] == pytest.approx(expected)
