import numpy as np
import pytest

from melanoma.evaluation.retrieval import top_k_sensitivity


def test_the_highest_of_each_patient_are_looked_at():
    target = [1, 0, 1, 1, 0, 0]
    score = [0.9, 0.8, 0.1, 0.2, 0.3, 0.1]
    patient = ["a", "a", "a", "b", "b", "b"]
    assert top_k_sensitivity(target, score, patient, k=1) == pytest.approx(1 / 3)
    assert top_k_sensitivity(target, score, patient, k=2) == pytest.approx(2 / 3)
    assert top_k_sensitivity(target, score, patient) == 1.0


def test_ties_share_the_last_places():
    assert top_k_sensitivity([1, 0, 0, 0], [0.5, 0.5, 0.5, 0.9], ["a"] * 4, k=2) == pytest.approx(1 / 3)


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(0)
    target, score, patient = rng.integers(0, 2, 90), rng.random(90).round(1), rng.integers(0, 3, 90)
    order = rng.permutation(90)
    assert top_k_sensitivity(target, score, patient) == top_k_sensitivity(target[order], score[order], patient[order])


def test_without_a_malignant_image_there_is_none():
    assert top_k_sensitivity([0, 0], [0.1, 0.2], ["a", "b"]) is None
    with pytest.raises(ValueError, match="k=0"):
        top_k_sensitivity([1], [0.1], ["a"], k=0)
