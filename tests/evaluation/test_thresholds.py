import logging

import pandas as pd
import pytest

from melanoma.evaluation.ensemble import mean_threshold


def test_members_validated_on_other_images_give_the_mean_of_their_thresholds(member, other_validation, scored, caplog):
    runs = [member("a", lambda one, config: setattr(one, "threshold", 0.2)), member("b", other_validation)]
    metrics, _, page = scored(*runs)
    assert metrics["threshold"] == pytest.approx(mean_threshold([0.2, 0.8]))
    assert "own thresholds, each chosen on the validation patients" in page
    with caplog.at_level(logging.WARNING):
        assert scored(*runs, options=("ensemble=ranks",))[0]["threshold"] == 0.5
    assert "no threshold for the ensemble: the checkpoints were validated on different images" in caplog.text


def test_without_the_validation_images_views_take_the_threshold_of_training(member, scored, caplog, trained):
    run = member("a", lambda one, config: one.splits.update(gone="val"))
    with caplog.at_level(logging.WARNING):
        metrics, *_ = scored(run, options=("tta=flip",))
    assert metrics["threshold"] == scored(str(trained))[0]["threshold"]
    assert "validation images are not at hand" in caplog.text


def test_one_class_in_validation_gives_no_threshold(member, scored, demo_root, caplog):
    truth = pd.read_csv(demo_root / "train.csv").set_index("image_name")["target"]

    def benign_alone(checkpoint, config):
        checkpoint.threshold = None
        for name, split in checkpoint.splits.items():
            if split == "val" and truth[name]:
                checkpoint.splits[name] = "train"

    runs = [member("a", benign_alone), member("b", benign_alone)]
    with caplog.at_level(logging.WARNING):
        metrics, _, page = scored(*runs)
        views, _, page_of_views = scored(runs[0], options=("tta=flip",))
    assert metrics["threshold"] == views["threshold"] == 0.5
    assert "0.5, as one class was validated" in page
    assert "0.5, as the checkpoint has none" in page_of_views
    assert "no threshold for the ensemble: one class was validated" in caplog.text
