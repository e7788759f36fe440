import numpy as np
import pandas as pd
import pytest

from melanoma.data.floor import age_bands, shortcut_auc
from melanoma.evaluation.floors import FACTS, OUT_OF_FOLD, TOGETHER, TOO_FEW, floor_scores
from melanoma.evaluation.lessons import Lesson
from melanoma.evaluation.metrics import roc_auc


def table(n=400, seed=0):
    """Wide pictures are melanomas more often, and so are the old; sex says nothing."""
    rng = np.random.default_rng(seed)
    wide, age = rng.random(n) < 0.5, rng.integers(30, 80, n).astype(float)
    target = (rng.random(n) < np.where(wide, 0.5, 0.1) * age / 80).astype(int)
    columns = {"target": target, "width": np.where(wide, 800.0, 600.0), "height": 600.0, "file_bytes": 9.0}
    columns |= {"sex": rng.choice(["male", "female"], n), "age_approx": age, "anatom_site_general_challenge": None}
    names = [f"{seed}_{row}" for row in range(n)]
    return pd.DataFrame({"image_name": names, "patient_id": names, **columns})


def test_each_fact_and_all_together_are_scored_out_of_fold():
    predictions = table()
    floor = floor_scores(predictions)
    target = predictions["target"].to_numpy()
    assert set(floor.by_fact) == {"image size", "age", "sex", TOGETHER}
    assert floor.learnt_from == OUT_OF_FOLD
    own = roc_auc(target, floor.by_fact["age"])
    assert own == shortcut_auc([age_bands(predictions["age_approx"])], predictions["target"], predictions["patient_id"])
    assert roc_auc(target, floor.by_fact[TOGETHER]) > roc_auc(target, floor.by_fact["image size"]) > own
    added = sum(scores for name, scores in floor.by_fact.items() if name != TOGETHER)
    assert floor.by_fact[TOGETHER] == pytest.approx(added)


def test_what_is_not_known_or_the_same_for_all_has_a_reason():
    same = "every image has the same"
    assert floor_scores(table()).why_missing == {"file size": same, "images per patient": same, "site": "not known"}
    bare = table()[["image_name", "patient_id", "target"]]
    assert floor_scores(bare).why_missing.keys() == {*FACTS, TOGETHER}
    assert floor_scores(bare.iloc[:0]).by_fact == {}


def test_too_few_melanomas_give_no_floor():
    predictions = table()
    floor = floor_scores(predictions.assign(target=(predictions.index < 4).astype(int)))
    assert floor.by_fact == {}
    assert floor.why_missing[TOGETHER] == floor.why_missing["age"] == TOO_FEW


def test_it_is_learnt_from_what_the_model_has_learnt_from():
    predictions, rows = table(seed=1), table(n=4000, seed=2)
    taught = floor_scores(predictions, [Lesson(predictions["image_name"], rows)])
    assert taught.learnt_from == "the images that the model has learnt from"
    wide = predictions["width"].to_numpy() == 800
    scores = taught.by_fact["image size"]
    assert (np.unique(scores[wide]).size, np.unique(scores[~wide]).size) == (1, 1)
    assert scores[wide][0] > 0 > scores[~wide][0]
    turned = floor_scores(predictions, [Lesson(predictions["image_name"], rows.assign(target=1 - rows["target"]))])
    assert turned.by_fact["image size"][wide][0] < 0


def test_folds_have_a_lesson_each_and_keep_the_order_of_rows():
    predictions, rows = table(seed=1), table(n=4000, seed=2)
    whole = floor_scores(predictions, [Lesson(predictions["image_name"], rows)])
    names = predictions["image_name"]
    parts = [Lesson(names[1::2], rows), Lesson(names[::2], rows)]
    assert floor_scores(predictions, parts).by_fact["age"].tolist() == whole.by_fact["age"].tolist()
    few = Lesson(names, rows[rows["target"] == 0])
    assert floor_scores(predictions, [few]).why_missing[TOGETHER] == TOO_FEW
