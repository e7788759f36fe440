import re

import cv2
import numpy as np
import pytest

from melanoma.errors import ConfigError
from melanoma.explain.trust import CAUTION


def maps(tmp_path):
    return {path.stem: path for path in (tmp_path / "predict/heat_maps").glob("*.png")}


def test_each_scored_image_stands_beside_its_map(predicted, demo_root, tmp_path):
    csv = demo_root / "train.csv"
    rows = predicted("explain=grad_cam", "tta=flip", images=csv)
    drawn = maps(tmp_path)
    assert set(drawn) == set(rows["image_name"])
    pairs = [np.hsplit(cv2.imread(str(path)), 2) for path in drawn.values()]
    assert all(picture.shape[0] == picture.shape[1] for picture, _ in pairs)
    assert any(not np.array_equal(picture, overlay) for picture, overlay in pairs)
    assert CAUTION in (tmp_path / "predict/heat_maps/README.txt").read_text()


def test_only_chosen_images_are_explained_and_the_picture_is_what_the_model_sees(predicted, demo_root, tmp_path):
    names = sorted(path.stem for path in (demo_root / "jpeg/train").glob("*.jpg"))
    rows = predicted("explain=grad_cam", f"explain_images=[{names[3]}]")
    assert len(rows) == len(names)
    ((name, path),) = maps(tmp_path).items()
    assert name == names[3]
    drawn = cv2.imread(str(path))
    picture, _ = np.hsplit(drawn, 2)
    stored = cv2.resize(cv2.imread(str(demo_root / f"jpeg/train/{name}.jpg")), picture.shape[1::-1])
    assert np.abs(picture.astype(int) - stored).mean() < 15


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["explain=attention"], "explain=attention needs a checkpoint of model="),
        (["explain=grad_cam", "explain_images=[none]"], "explain_images: none is not among"),
        (["explain_images=[a]"], "add explain=grad_cam"),
    ],
)
def test_what_cannot_be_explained_ends_before_anything_is_scored(predicted, tmp_path, options, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        predicted(*options)
    assert not (tmp_path / "predict/predictions.csv").exists()


def test_several_checkpoints_are_not_explained(predicted, trained, changed):
    both = f"[{trained},{changed('other.pt', lambda _: None)}]"
    with pytest.raises(ConfigError, match="explains one checkpoint, and there are 2"):
        predicted("explain=grad_cam", checkpoint=both)
