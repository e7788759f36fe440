import numpy as np
import pandas as pd
import pytest

from melanoma.evaluation.patients import (
    PATIENT_SCORES,
    mean_of_top,
    measure_patients,
    noisy_or,
    rank_in_patient,
    ugly_duckling,
)


def table(logits, patients, targets=None, lesions=None):
    frame = pd.DataFrame({"logit": np.array(logits, dtype=float), "patient_id": patients})
    frame["probability"] = 1 / (1 + np.exp(-frame["logit"]))
    frame["target"] = 0 if targets is None else targets
    return frame if lesions is None else frame.assign(lesion_id=lesions)


def made(patients=60, images=6, shift=2.0, seed=0):
    """Each patient's images have a level of their own; the melanoma stands out from it."""
    rng = np.random.default_rng(seed)
    target = (rng.random(patients * images) < 0.1).astype(int)
    level = np.repeat(rng.normal(0, 3, patients), images)
    patient = np.repeat([f"p{number}" for number in range(patients)], images)
    return table(level + shift * target + rng.normal(0, 1, len(target)), patient, target)


def found(predictions):
    return {(score.of, score.score): score for score in measure_patients(predictions, draws=100, seed=0)}


def test_the_ugly_duckling_is_what_its_neighbours_are_not():
    context = ugly_duckling(table([0, 0, 3, 5, 7, 7, 7], ["a"] * 3 + ["b"] + ["c"] * 3))
    spread = np.sqrt(3)  # of 0, 0, 3, whose mean is 1
    assert context.tolist() == pytest.approx([-1 / spread, -1 / spread, 3 + 2 / spread, 5, 7, 7, 7])


def test_a_patient_of_one_image_keeps_its_score():
    alone = table([0.3, -1.0], ["a", "b"])
    assert ugly_duckling(alone).tolist() == alone["logit"].tolist()
    assert all(score(np.array([0.3])) == pytest.approx(0.3) for score in PATIENT_SCORES.values())
    assert measure_patients(alone, draws=10, seed=0) == []


def test_scores_of_patients():
    probability = np.array([0.1, 0.5, 0.2, 0.4])
    assert noisy_or(probability) == pytest.approx(1 - 0.9 * 0.5 * 0.8 * 0.6)
    assert mean_of_top(probability) == pytest.approx((0.5 + 0.2 + 0.4) / 3)
    assert mean_of_top(probability[:2]) == pytest.approx(0.3)


def test_context_helps_where_patients_have_levels_of_their_own():
    scores = found(made())
    with_it, without = scores["image", "with the ugly duckling"], scores["image", "its own"]
    assert with_it.auc > without.auc + 0.05
    assert (with_it.uses_other_images, without.uses_other_images) == (True, False)
    assert without.auc_ci_low < without.auc < without.auc_ci_high


def test_patients_and_lesions_are_counted_once():
    lesions = ["l1", "l1", "l2", "l3", "l3", None]
    scores = found(table([1, 2, 0, 3, 1, 0], ["a", "a", "a", "b", "b", "b"], [0, 0, 0, 1, 0, 0], lesions))
    assert {(key[0], score.n, score.positives) for key, score in scores.items()} == {
        *(("image", 6, 1), ("lesion", 3, 1), ("patient", 2, 1)),
    }
    assert scores["patient", "highest"].auc == 1.0


def test_places_in_a_patient():
    predictions = table([1, 5, 5, 2], ["a", "a", "a", "b"], [0, 1, 0, 0])
    assert rank_in_patient(predictions).tolist() == [3, 1, 1, 1]
    # The melanoma beats one image and ties with two.
    assert found(predictions)["image", "its place within the patient alone"].auc == pytest.approx(2 / 3)
