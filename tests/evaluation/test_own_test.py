import logging
import shutil

import pandas as pd
import pytest


@pytest.fixture
def other(other_root):
    return ("data=siim_isic", f"data.root={other_root}")


def internal(evidence):
    return {figure["key"]: figure["internal"] for figure in evidence["external"]["figures"]}


def test_the_own_test_split_is_judged_as_its_own_evaluation_does(trained, scored, evidence, other):
    own, *_ = scored(str(trained))
    metrics, _, page = scored(str(trained), options=other)
    beside = internal(evidence())
    assert metrics["threshold"] == own["threshold"]
    for key in ("auc", "recall", "specificity", "brier", "ece", "pauc_80"):
        assert beside[key] == own[key]
    assert "scored likewise" in page


def test_views_and_calibration_hold_for_both(trained, scored, evidence, other):
    own, *_ = scored(str(trained), options=("tta=flip", "calibrate=prior"))
    scored(str(trained), options=(*other, "tta=flip", "calibrate=prior"))
    assert internal(evidence())["brier"] == own["brier"]


def lacks_folder(root, image):
    shutil.rmtree(root)


def lacks_image(root, image):
    (root / f"jpeg/train/{image}.jpg").unlink()


def lacks_row(root, image):
    table = pd.read_csv(root / "train.csv", dtype=str)
    table[table["image_name"] != image].to_csv(root / "train.csv", index=False)


def has_damaged_image(root, image):
    (root / f"jpeg/train/{image}.jpg").write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("lack", "told"),
    [
        (lacks_folder, "train.csv"),
        (lacks_image, "1 of 9 test images are not there, such as ISIC_"),
        (lacks_row, "1 of 9 test images are not in its table"),
        (has_damaged_image, "image ISIC_"),
    ],
)
def test_data_that_cannot_be_read_is_told_with_the_way_out(
    member, scored, evidence, other, demo_root, tmp_path, caplog, lack, told
):
    root = shutil.copytree(demo_root, tmp_path / "own")

    def moved(checkpoint, config):
        checkpoint.config["data"] |= {"root": str(root), "demo": None}
        lack(root, next(name for name, split in checkpoint.splits.items() if split == "test"))

    with caplog.at_level(logging.WARNING):
        metrics, _, page = scored(member("moved", moved), options=other)
    (line,) = (message for message in caplog.messages if "own test split is not shown" in message)
    assert told in line
    assert "give internal=DIR" in line
    assert "is not shown beside siim_isic: its images are not at hand here" in page
    assert str(tmp_path) not in page
    assert evidence()["external"]["figures"] == []
    assert metrics["n"] > 0


def test_null_shows_none(trained, scored, evidence, other, tmp_path):
    _, _, page = scored(str(trained), options=(*other, "internal=null"))
    assert "is not shown beside siim_isic: internal=null." in page
    assert evidence()["external"]["figures"] == []
    assert not (tmp_path / "eval/plots/external.png").exists()
