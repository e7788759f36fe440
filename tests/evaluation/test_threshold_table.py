import numpy as np

from melanoma.evaluation.threshold_table import THRESHOLDS, threshold_table

TARGET, PROBABILITY = np.array([0, 0, 0, 1, 1]), np.array([0.05, 0.3, 0.6, 0.3, 0.9])


def test_each_threshold_is_judged_and_the_frozen_one_among_them():
    rows = threshold_table(TARGET, PROBABILITY, 0.35)
    assert [row.threshold for row in rows] == sorted([*THRESHOLDS, 0.35])
    frozen = next(row for row in rows if row.threshold == 0.35)
    assert (frozen.called_malignant, frozen.found) == (2, 1)
    assert (frozen.sensitivity, frozen.specificity, frozen.ppv, frozen.npv) == (1 / 2, 2 / 3, 1 / 2, 2 / 3)


def test_a_score_at_the_threshold_is_called():
    at = next(row for row in threshold_table(TARGET, PROBABILITY, 0.5) if row.threshold == 0.3)
    assert (at.called_malignant, at.sensitivity) == (4, 1.0)


def test_where_nothing_is_called_so_there_is_no_value():
    rows = threshold_table(TARGET, PROBABILITY, 0.5)
    assert (rows[0].npv, rows[-1].ppv) == (None, None)
    assert threshold_table(TARGET[:0], PROBABILITY[:0], 0.5) == []
