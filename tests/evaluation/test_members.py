import logging

import numpy as np
import pandas as pd
import pytest

from melanoma.errors import ConfigError, DataError
from melanoma.evaluation.ensemble import mean_rank
from melanoma.evaluation.operating import choose_threshold


def test_logits_and_the_threshold_are_those_of_the_mean(member, trained, scored):
    runs = [str(trained), member("a"), member("b")]
    metrics, together, page = scored(*runs)
    alone, val = ([scored(run, options=(f"split={name}",))[1] for run in runs] for name in ("test", "val"))
    assert together["logit"].tolist() == pytest.approx(np.mean([one["logit"] for one in alone], axis=0).tolist())
    assert together["image_name"].tolist() == alone[0]["image_name"].tolist()
    mean = np.mean([one["logit"] for one in val], axis=0)
    assert metrics["threshold"] == pytest.approx(choose_threshold(val[0]["target"], 1 / (1 + np.exp(-mean))))
    assert "the mean logit of 3 models reaches" in page
    assert "on their averaged predictions" in page


def test_ranks_are_judged_at_a_rank_of_the_validation_patients(member, trained, scored):
    runs = [str(trained), member("a")]
    metrics, together, page = scored(*runs, options=("ensemble=ranks",))
    test, val = ([scored(run, options=(f"split={name}",))[1]["logit"] for run in runs] for name in ("test", "val"))
    assert together["probability"].tolist() == pytest.approx(mean_rank(np.stack(test)).tolist())
    target = scored(runs[0], options=("split=val",))[1]["target"]
    assert metrics["threshold"] == pytest.approx(choose_threshold(target, mean_rank(np.stack(val))))
    assert (metrics["brier"], metrics["ece"]) == (None, None)
    assert "a mean rank is no probability" in page


def test_members_of_other_test_images_are_refused_with_the_way_out(fold, scored):
    with pytest.raises(DataError, match=r"are not tested on the same images: \d+ images .* such as .*ensemble=folds"):
        scored(fold(0), fold(1))


def test_folds_can_be_averaged_where_none_has_a_test_split(fold, scored, caplog):
    with caplog.at_level(logging.WARNING):
        metrics, together, _ = scored(fold(0), fold(1), options=("split=all",))
    assert metrics["n"] == len(together)
    assert caplog.text.count("used in training or validation") == 2


def test_other_splits_can_be_given_to_a_fold(fold, trained, scored, tmp_path):
    splits = pd.read_csv(trained / "splits.csv")
    splits.assign(split="test").to_csv(tmp_path / "all.csv", index=False)
    assert scored(fold(0), options=(f"data.splits={tmp_path}/all.csv",))[0]["n"] == len(splits)


def test_training_images_of_any_member_are_told(member, other_validation, trained, scored, caplog, tmp_path):
    splits = pd.read_csv(trained / "splits.csv")
    splits.assign(split="test").to_csv(tmp_path / "all.csv", index=False)
    with caplog.at_level(logging.WARNING):
        scored(str(trained), member("b", other_validation), options=(f"data.splits={tmp_path}/all.csv",))
    assert caplog.text.count("images of this split were trained on: not evidence") == 2


def test_the_cost_is_that_of_all_members(member, trained, scored):
    one, *_ = scored(str(trained))
    two, *_ = scored(str(trained), member("a"))
    assert two["model_megabytes"] == pytest.approx(2 * one["model_megabytes"])
    assert two["inference_ms_per_image"] > one["inference_ms_per_image"]


def test_views_are_scored_and_judged_at_a_threshold_of_the_same_views(trained, scored):
    options = ("tta=dihedral", "crops=5")
    metrics, views, page = scored(str(trained), options=options)
    plain, predictions, _ = scored(str(trained))
    _, val, _ = scored(str(trained), options=(*options, "split=val"))
    assert metrics["threshold"] == choose_threshold(val["target"], val["probability"])
    assert not np.allclose(views["logit"], predictions["logit"])
    assert metrics["inference_ms_per_image"] > 4 * plain["inference_ms_per_image"]
    assert "40: 5 crops of 32 px from 40 px" in page


def test_crops_of_the_whole_image_change_nothing(trained, scored):
    _, crops, _ = scored(str(trained), options=("crops=5", "crop_scale=1"))
    assert np.allclose(crops["logit"], scored(str(trained))[1]["logit"], atol=1e-6)


@pytest.mark.parametrize(
    ("option", "words"),
    [("tta=mirror", "tta: found 'mirror'; known: dihedral, flip, none"), ("crops=4", "crops: found 4; known: 1, 5"),
     ("crop_scale=1.5", "crop_scale: must be at most 1"), ("ensemble=rank", "did you mean ranks?")],
)  # fmt: skip
def test_options_that_are_out_of_range(scored, option, words):
    with pytest.raises(ConfigError) as caught:
        scored("x", options=(option,))
    assert words in str(caught.value)
