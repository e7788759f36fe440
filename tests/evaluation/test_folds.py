import logging

import pandas as pd
import pytest

from melanoma.errors import ConfigError, DataError
from melanoma.evaluation.ensemble import mean_threshold
from melanoma.evaluation.metrics import roc_auc

FOLDS = ("ensemble=folds",)


def test_each_image_is_scored_once_by_the_checkpoint_that_has_not_seen_its_patient(fold, scored, trained, tmp_path):
    runs = [fold(number) for number in range(3)]
    metrics, pooled, page = scored(str(tmp_path / "sweep"), options=FOLDS)
    images = pd.read_csv(trained / "splits.csv")["image_name"]
    assert sorted(pooled["image_name"]) == sorted(images)
    assert pooled.groupby("patient_id")["fold"].nunique().max() == 1
    alone = pd.concat([scored(run)[1] for run in runs], ignore_index=True)
    assert pooled.drop(columns="fold").equals(alone)
    assert metrics["auc"] == pytest.approx(roc_auc(pooled["target"], pooled["logit"]))
    assert "each fold&#39;s own model reaches AUC" in page


def test_folds_have_their_own_auc_and_one_threshold(fold, scored):
    runs = [fold(number) for number in (2, 0, 1)]
    metrics, pooled, page = scored(*runs, options=FOLDS)
    parts = [pooled[pooled["fold"] == number] for number in range(3)]
    assert metrics["folds"] == [0, 1, 2]
    assert metrics["fold_aucs"] == pytest.approx([roc_auc(part["target"], part["logit"]) for part in parts])
    assert metrics["threshold"] == pytest.approx(mean_threshold([0.4, 0.2, 0.3]))
    assert "mean, as logits, of the 3 checkpoints&#39; own thresholds" in page
    assert all(f"{auc:.3f}" in page for auc in metrics["fold_aucs"])


def test_a_fold_that_is_missing_is_told(fold, scored, caplog):
    with caplog.at_level(logging.WARNING):
        metrics, *_ = scored(fold(1), options=FOLDS)
    assert metrics["folds"] == [1]
    assert "no checkpoint of fold 0, 2 of 3" in caplog.text


def test_views_of_a_fold_s_images_take_its_threshold_from_its_own_validation(fold, scored):
    metrics, _, page = scored(fold(0), fold(1), options=(*FOLDS, "tta=flip"))
    assert metrics["threshold"] != pytest.approx(mean_threshold([0.2, 0.3]))
    assert "in the same views" in page


def test_checkpoints_of_other_splits_are_refused(fold, scored, trained):
    zero = fold(0)
    with pytest.raises(ConfigError, match=r"tiny.* is of no k-fold split"):
        scored(zero, str(trained), options=FOLDS)
    with pytest.raises(ConfigError, match=r"not folds of one split: split\.folds is 3 and 4, split\.seed is 0 and 9"):
        scored(zero, fold(1, folds=4, seed=9), options=FOLDS)
    with pytest.raises(ConfigError, match="are both of fold 0; leave one out"):
        scored(zero, fold(0, name="again"), options=FOLDS)


def test_folds_of_other_tables_are_refused(member, fold, scored):
    def retable(checkpoint, config):
        checkpoint.config["split"] |= {"folds": 3, "fold": 1}
        checkpoint.splits = dict.fromkeys(checkpoint.splits, "test")

    with pytest.raises(DataError, match=r"both tested on \d+ patients, such as that of .*; their tables differ"):
        scored(fold(0), member("whole", retable), options=FOLDS)


@pytest.mark.parametrize(
    ("option", "words"),
    [("split=val", "leave split=val out"), ("data.splits=x", "leave data.splits out"),
     ("data=ham10000", "leave data=ham10000 out")],
)  # fmt: skip
def test_folds_are_scored_on_their_own_test_splits(scored, option, words):
    with pytest.raises(ConfigError, match=words):
        scored("x", options=(*FOLDS, option))
