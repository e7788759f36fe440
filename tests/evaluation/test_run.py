import json
import logging
import shutil

import pandas as pd
import pytest

from melanoma.checkpoint import load_checkpoint, save_checkpoint
from melanoma.config import EvalConfig, TrainConfig, compose, resolve
from melanoma.errors import CheckpointError, DataError, SplitError
from melanoma.evaluation.operating import choose_threshold
from melanoma.evaluation.run import evaluate

KEYS = {
    *("split", "n", "n_positive", "n_patients", "auc", "auc_ci_low", "auc_ci_high", "average_precision"),
    *("accuracy", "precision", "recall", "f1", "specificity", "confusion_matrix", "threshold"),
    *("brier", "ece", "pauc_80", "specificity_at_95_sensitivity", "inference_ms_per_image", "model_megabytes"),
}


@pytest.fixture
def score(trained, tmp_path):
    def run(*overrides, name="eval"):
        config = resolve(compose("eval", [f"checkpoint={trained}/checkpoints/best.pt", *overrides]), EvalConfig)
        evaluate(config, tmp_path / name)
        return json.loads((tmp_path / name / "metrics.json").read_text())

    return run


def test_an_evaluation_leaves_what_it_promises(score, tmp_path):
    metrics = score()
    assert set(metrics) == KEYS
    assert metrics["split"] == "test"
    names = {path.relative_to(tmp_path / "eval").as_posix() for path in (tmp_path / "eval").rglob("*.*")}
    assert names == {"predictions.csv", "metrics.json", "report.html", "plots/roc.png", "plots/confusion.png"}


def test_test_scores_only_test_patients(score, trained, tmp_path):
    score()
    splits = pd.read_csv(trained / "splits.csv")
    scored = pd.read_csv(tmp_path / "eval/predictions.csv")
    assert set(scored["image_name"]) == set(splits["image_name"][splits["split"] == "test"])


@pytest.mark.parametrize("split", ["train", "val", "test", "all"])
def test_the_threshold_is_the_validation_split_s(score, trained, split):
    val = pd.read_csv(trained / "predictions_val.csv")
    assert score(f"split={split}")["threshold"] == choose_threshold(val["target"], val["probability"])


def test_the_confusion_matrix_adds_up(score):
    metrics = score("split=all")
    (tn, fp), (fn, tp) = metrics["confusion_matrix"]
    assert tn + fp + fn + tp == metrics["n"]
    assert tp + fn == metrics["n_positive"]
    assert metrics["accuracy"] == pytest.approx((tn + tp) / metrics["n"])


def test_the_file_that_the_splits_came_from_is_not_needed(score, trained, tmp_path):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    checkpoint.config["data"]["splits"] = "/gone/splits.csv"
    save_checkpoint(checkpoint, tmp_path / "moved.pt")
    assert score(f"checkpoint={tmp_path}/moved.pt")["n"] == score(name="again")["n"]


def test_duplicates_left_out_in_training_are_left_out_again(score, trained, tmp_path):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    test = [name for name, split in checkpoint.splits.items() if split == "test"]
    checkpoint.config["data"]["duplicates"] = "/gone/leaks.csv"
    del checkpoint.splits[test[1]]
    save_checkpoint(checkpoint, tmp_path / "less.pt")
    (tmp_path / "here.csv").write_text(f"image_name_1,image_name_2\n{test[0]},{test[1]}\n")
    with pytest.raises(DataError, match=r"data\.duplicates=/gone/leaks\.csv cannot be read"):
        score(f"checkpoint={tmp_path}/less.pt")
    metrics = score(f"checkpoint={tmp_path}/less.pt", f"data.duplicates={tmp_path}/here.csv")
    assert metrics["n"] == len(test) - 1


def test_the_training_csv_s_data_can_have_moved(score, trained, demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "moved")
    assert score(f"data.root={tmp_path}/moved")["auc"] == score(name="again")["auc"]


def test_another_data_set_is_scored_whole_with_the_same_threshold(score, demo_root, tmp_path, caplog):
    other = ["data=siim_isic", f"data.root={demo_root}"]
    with caplog.at_level(logging.WARNING):
        external = score(*other)
    assert external["split"] == "all"
    assert external["threshold"] == score(name="own")["threshold"]
    assert "used in training or validation" in caplog.text
    assert set(pd.read_csv(tmp_path / "eval/predictions.csv")["image_name"]) == set(
        pd.read_csv(demo_root / "train.csv")["image_name"]
    )


def test_a_split_of_unknown_images_is_refused(score, demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "renamed")
    csv = tmp_path / "renamed/train.csv"
    csv.write_text(csv.read_text().replace("ISIC_", "X_"))
    with pytest.raises(SplitError, match="split=all"):
        score(f"data.root={tmp_path}/renamed", "split=test")


def test_new_images_under_the_same_config_are_scored_whole(score, demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "renamed")
    csv = tmp_path / "renamed/train.csv"
    csv.write_text(csv.read_text().replace("ISIC_", "X_"))
    for path in tmp_path.glob("renamed/jpeg/train/*"):
        path.rename(path.with_name(path.name.replace("ISIC_", "X_")))
    assert score(f"data.root={tmp_path}/renamed")["split"] == "all"


def test_splits_can_be_given_anew(score, trained, tmp_path):
    splits = pd.read_csv(trained / "splits.csv").assign(split="test")
    splits.to_csv(tmp_path / "all_test.csv", index=False)
    assert score(f"data.splits={tmp_path}/all_test.csv")["n"] == len(splits)
    with pytest.raises(DataError, match="split=val holds no images"):
        score(f"data.splits={tmp_path}/all_test.csv", "split=val")


def test_a_checkpoint_without_a_threshold_says_so(score, trained, tmp_path, caplog):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    checkpoint.threshold = None
    save_checkpoint(checkpoint, tmp_path / "none.pt")
    with caplog.at_level(logging.WARNING):
        assert score(f"checkpoint={tmp_path}/none.pt")["threshold"] == 0.5
    assert "no threshold" in caplog.text


def test_weights_of_another_shape_are_refused(score, trained, tmp_path):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    checkpoint.model.pop("classifier.bias")
    save_checkpoint(checkpoint, tmp_path / "odd.pt")
    with pytest.raises(CheckpointError, match="do not fit"):
        score(f"checkpoint={tmp_path}/odd.pt")


def test_no_header_value_or_path_reaches_the_page(score, tmp_path, demo_root):
    score()
    page = (tmp_path / "eval/report.html").read_text()
    patients = pd.read_csv(demo_root / "train.csv")["patient_id"]
    assert not any(patient in page for patient in patients)
    assert str(demo_root) not in page
