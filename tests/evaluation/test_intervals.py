import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from melanoma.evaluation import intervals
from melanoma.evaluation.intervals import (
    bootstrap_aucs,
    bootstrap_subset_aucs,
    figure_interval,
    patient_bootstrap_auc,
    percentile_interval,
    wilson,
)


def clustered(patients=40, images=5, seed=0, decimals=2):
    """Predictions whose class and error are shared within a patient; rounding makes ties."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), images)
    target = np.repeat(rng.integers(0, 2, patients), images)
    score = target + np.repeat(rng.normal(0, 1.5, patients), images) + rng.normal(0, 0.1, len(target))
    return target, np.round(score, decimals), patient


def slow_interval(target, score, patient, draws, seed):
    rng = np.random.default_rng(seed)
    rows_of = [np.flatnonzero(patient == name) for name in np.unique(patient)]
    auc = []
    for _ in range(draws):
        rows = np.concatenate([rows_of[i] for i in rng.integers(len(rows_of), size=len(rows_of))])
        if 0 < target[rows].sum() < len(rows):
            auc.append(roc_auc_score(target[rows], score[rows]))
    return tuple(np.quantile(auc, [0.025, 0.975]))


@pytest.mark.parametrize("decimals", [6, 0])
def test_equals_resampling_rows_with_and_without_ties(decimals):
    data = clustered(decimals=decimals)
    assert patient_bootstrap_auc(*data, draws=100, seed=3) == pytest.approx(slow_interval(*data, 100, 3))


def test_a_score_of_few_values_equals_resampling_rows():
    target, score, patient = clustered(images=8)
    categories = np.digitize(score, [-1, 0.5, 2])
    assert len(np.unique(patient * 4 + categories)) < len(target) / 4
    assert patient_bootstrap_auc(target, categories, patient, draws=100, seed=3) == pytest.approx(
        slow_interval(target, categories, patient, 100, 3)
    )


def test_draws_with_one_class_are_left_out():
    data = clustered(patients=4, images=3, seed=6)
    assert data[0].sum() == 6  # two patients of each class: a draw in eight holds one class
    assert patient_bootstrap_auc(*data, draws=60, seed=0) == pytest.approx(slow_interval(*data, 60, 0))


def test_clusters_widen_the_interval():
    target, score, patient = clustered()
    low, high = patient_bootstrap_auc(target, score, patient, draws=500, seed=0)
    row_low, row_high = patient_bootstrap_auc(target, score, np.arange(len(target)), draws=500, seed=0)
    assert high - low > 1.5 * (row_high - row_low)


def test_singleton_patients_are_the_ordinary_bootstrap():
    target, score, _ = clustered(patients=60, images=1)
    rng = np.random.default_rng(5)
    rows = [rng.integers(60, size=60) for _ in range(100)]
    ordinary = np.quantile([roc_auc_score(target[r], score[r]) for r in rows], [0.025, 0.975])
    assert patient_bootstrap_auc(target, score, np.arange(60), draws=100, seed=5) == pytest.approx(tuple(ordinary))


def test_same_bits_for_any_row_order_chunk_and_repeat(monkeypatch):
    target, score, patient = clustered()
    names = np.array([f"p{code:03d}" for code in patient], dtype=object)
    first = patient_bootstrap_auc(target, score, names, draws=200, seed=1)
    shuffled = np.random.default_rng(0).permutation(len(target))
    monkeypatch.setattr(intervals, "CHUNK_CELLS", 1_400)  # 7 draws at once, and a shorter last chunk
    assert patient_bootstrap_auc(target[shuffled], score[shuffled], names[shuffled], draws=200, seed=1) == first
    assert patient_bootstrap_auc(target, score, names, draws=200, seed=2) != first


def test_level_narrows_the_interval():
    low, high = patient_bootstrap_auc(*clustered(), draws=200, seed=0)
    inner_low, inner_high = patient_bootstrap_auc(*clustered(), draws=200, seed=0, level=0.5)
    assert low < inner_low < inner_high < high


@pytest.mark.parametrize(
    ("target", "patient"),
    [
        ([0, 0, 0], ["a", "b", "c"]),
        ([1, 1, 1], ["a", "b", "c"]),
        ([0, 1, 1], ["a", "a", "a"]),
        ([0, 1], ["a", "b"]),  # a draw of one patient twice has one class
        ([*[0] * 20, 1, *[0] * 9], range(30)),  # two draws of three have the melanoma, and all the same one
        ([], []),
    ],
)
def test_none_where_no_interval_can_be_given(target, patient):
    assert patient_bootstrap_auc(target, np.arange(len(target)), patient, draws=101, seed=0) is None


def test_several_scores_meet_the_same_patients_in_every_draw():
    target, score, patient = clustered()
    draws = bootstrap_aucs(target, [score, -score, score], patient, draws=200, seed=0)
    assert draws.shape == (3, 200)
    assert draws[1] == pytest.approx(1 - draws[0])
    assert percentile_interval(draws[0] - draws[2]) == (0.0, 0.0)
    assert percentile_interval(draws[0]) == patient_bootstrap_auc(target, score, patient, draws=200, seed=0)


def test_two_patients_of_a_class_are_enough_for_an_interval():
    target = [1, 1, *[0] * 28]
    assert patient_bootstrap_auc(target, [5, 20, *range(28)], range(30), draws=200, seed=0)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="level=1"):
        percentile_interval(np.ones(3), level=1)
    with pytest.raises(ValueError, match="not finite"):
        patient_bootstrap_auc([0, 1], [0.1, np.nan], ["a", "b"], draws=10, seed=0)
    with pytest.raises(ValueError, match="patient has shape"):
        patient_bootstrap_auc([0, 1], [0.1, 0.2], ["a"], draws=10, seed=0)
    with pytest.raises(ValueError, match="draws=0"):
        patient_bootstrap_auc([0, 1], [0.1, 0.2], ["a", "b"], draws=0, seed=0)


def test_subsets_meet_the_same_patients_as_the_whole():
    target, score, patient = clustered()
    rows = np.arange(len(target)) % 5 < 3
    draws = bootstrap_subset_aucs(target, score, patient, [np.ones_like(rows), rows], draws=50, seed=0)
    assert draws[0] == pytest.approx(bootstrap_aucs(target, [score], patient, draws=50, seed=0)[0])
    assert draws[1] == pytest.approx(bootstrap_aucs(target[rows], [score[rows]], patient[rows], draws=50, seed=0)[0])
    assert bootstrap_subset_aucs(target, score, patient, [], draws=50, seed=0).shape == (0, 50)


def test_wilson_golden_values():
    assert wilson(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-4))
    assert wilson(5, 10) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))
    assert wilson(10, 10)[1] == 1.0


def test_no_spread_is_no_certainty_of_a_figure():
    assert percentile_interval(np.zeros(10)) == (0, 0)
    assert figure_interval(np.zeros(10)) is None
    assert patient_bootstrap_auc([0, 1, 0, 1], [0, 1, 0, 1], [0, 1, 2, 3], 50, 0) is None
