import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from melanoma.data.floor import (
    age_bands,
    dimensions,
    image_counts,
    learnt_scores,
    shortcut_auc,
    shortcut_scores,
    tenths,
)


def draw(count=20000, seed=0):
    """Patients of two images; a melanoma is as likely as its category says."""
    rng = np.random.default_rng(seed)
    category = rng.integers(0, 3, count)
    chance = np.array([0.02, 0.1, 0.3])[category]
    patient = pd.Series([f"p{row // 2}" for row in range(count)])
    return pd.Series(category), pd.Series((rng.random(count) < chance).astype(int)), patient, chance


def test_the_floor_of_one_feature_is_the_auc_of_its_rates():
    category, target, patient, chance = draw()
    assert shortcut_auc([category], target, patient) == pytest.approx(roc_auc_score(target, chance), abs=0.005)


def test_two_independent_features_reach_the_auc_of_the_true_rule():
    rng = np.random.default_rng(1)
    target = pd.Series((rng.random(20000) < 0.2).astype(int))
    shown = [pd.Series(np.where(rng.random(20000) < share, target, 1 - target)) for share in (0.7, 0.8)]
    truth = shown[0] * np.log(0.7 / 0.3) + shown[1] * np.log(0.8 / 0.2)
    patient = pd.Series(range(20000)).astype("str")
    assert shortcut_auc(shown, target, patient) == pytest.approx(roc_auc_score(target, truth), abs=0.005)


def test_a_feature_that_says_nothing_gives_one_half():
    _, target, patient, _ = draw()
    assert shortcut_auc([pd.Series("x", index=target.index)], target, patient) == 0.5
    noise = pd.Series(np.random.default_rng(2).integers(0, 5, len(target)))
    assert shortcut_auc([noise], target, patient) == pytest.approx(0.5, abs=0.03)


def test_what_names_the_patient_gives_nothing_away():
    # Within a patient all images are alike, so folds that shared a patient would give 1.
    patient = pd.Series([f"p{row // 4}" for row in range(800)])
    target = pd.Series([row // 4 % 2 for row in range(800)])
    assert shortcut_auc([patient], target, patient) == 0.5


def test_rare_categories_of_benign_images_do_not_look_malignant():
    target = pd.Series([1] * 20 + [0] * 1980)
    category = pd.Series(["common"] * 1000 + [f"rare{row}" for row in range(1000)])
    patient = pd.Series(range(2000)).astype("str")
    # All melanomas are in the common one.
    assert shortcut_auc([category], target, patient) > 0.6


def test_missing_is_a_category_of_its_own():
    target = pd.Series([0, 1] * 100)
    sex = pd.Series([None, "male"] * 100, dtype="str")
    assert shortcut_auc([sex], target, pd.Series(range(200)).astype("str")) == 1


@pytest.mark.parametrize("positives", [0, 4, 100])
def test_too_few_patients_of_a_class_give_none(positives):
    target = pd.Series([1] * positives + [0] * (100 - positives))
    assert shortcut_auc([target], target, pd.Series(range(100)).astype("str")) is None


def test_ages_become_decades():
    bands = age_bands(pd.Series([0.0, 9.5, 45.0, 110.0, np.nan]))
    assert bands.tolist()[:4] == ["0-9", "0-9", "40-49", "110-119"]
    assert bands.isna().tolist() == [False, False, False, False, True]


def test_counts_of_images_follow_the_patient():
    patient = pd.Series(["a"] * 10 + ["b"] * 2 + ["c"] * 2)
    tenths = image_counts(patient)
    assert tenths[patient == "a"].nunique() == 1
    assert tenths[patient == "b"].unique().tolist() == tenths[patient == "c"].unique().tolist()
    assert tenths[0] > tenths[13]


def test_scores_added_up_give_the_floor():
    category, target, patient, _ = draw(2000)
    scores = shortcut_scores([category, patient], target, patient)
    assert scores.shape == (2000, 2)
    assert (scores[:, 1] == 0).all()
    assert roc_auc_score(target, scores.sum(axis=1)) == shortcut_auc([category, patient], target, patient)


def test_what_is_learnt_from_some_rows_scores_the_others():
    category, target, _, _ = draw(3000)
    learn = np.arange(3000) < 2000
    scores = learnt_scores([category], target, learn)
    rates = [target[learn & (category == one)].mean() for one in range(3)]
    assert scores.shape == (1000, 1)
    assert [scores[category[~learn] == one, 0].max() for one in range(3)] == sorted(np.unique(scores))
    assert rates == sorted(rates)


def test_a_category_that_was_not_learnt_says_nothing():
    target, learn = pd.Series([0, 1] * 10 + [0, 1]), np.arange(22) < 20
    assert learnt_scores([pd.Series(["a"] * 20 + ["b", None])], target, learn).ravel().tolist() == [0, 0]


def test_four_melanomas_are_too_few_to_learn_from():
    target = pd.Series([1] * 4 + [0] * 20)
    assert learnt_scores([target], target, np.arange(24) < 22) is None


def test_few_different_numbers_stay_and_many_become_tenths():
    assert tenths(pd.Series([3.0, 3.0, 5.0, np.nan])).tolist()[:3] == [3, 3, 5]
    assert tenths(pd.Series(range(1000))).value_counts().tolist() == [100] * 10


def test_dimensions_are_missing_where_a_side_is():
    names = dimensions(pd.Series([640.0, 1e6, np.nan]), pd.Series([480, 2, 3]))
    assert names.tolist()[:2] == ["640 x 480", "1000000 x 2"]
    assert names.isna().tolist() == [False, False, True]
