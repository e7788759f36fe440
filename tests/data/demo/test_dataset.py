import json
from dataclasses import asdict

import cv2
import numpy as np
import pandas as pd
import pytest

from melanoma.data.demo import dataset, draw, draw_cases, draw_picture, lesion_mask
from melanoma.data.demo.dataset import DRAWING
from melanoma.errors import DataError


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_any_number_of_processes_draws_the_same_bytes(tmp_path, demo_config):
    draw(tmp_path / "one", demo_config(), processes=1)
    draw(tmp_path / "two", demo_config(), processes=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    draw(tmp_path / "other", demo_config(seed=2), processes=1)
    assert contents(tmp_path / "one").keys() != contents(tmp_path / "other").keys()


def test_layout_is_siim_isic(tmp_path, demo_config):
    draw(tmp_path / "demo", demo_config())
    table = pd.read_csv(tmp_path / "demo/train.csv")
    assert list(table.columns) == dataset.TRAIN_COLUMNS
    files = sorted(path.stem for path in (tmp_path / "demo/jpeg/train").glob("*.jpg"))
    assert files == list(table["image_name"])
    assert set(table["benign_malignant"]) == {"benign", "malignant"}
    assert (table["benign_malignant"].eq("malignant") == table["target"].eq(1)).all()
    assert (table["diagnosis"].eq("melanoma") == table["target"].eq(1)).all()
    assert json.loads((tmp_path / "demo/demo.json").read_text()) == {"drawing": DRAWING} | asdict(demo_config())
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_truth_redraws_picture_and_mask(tmp_path, demo_config):
    draw(tmp_path / "demo", demo_config())
    drawn = draw_cases(demo_config()).to_dict("records")
    for row, original in zip(pd.read_csv(tmp_path / "demo/truth.csv").to_dict("records"), drawn, strict=True):
        picture = draw_picture(row, 32)
        np.testing.assert_array_equal(picture, draw_picture(original, 32))
        np.testing.assert_array_equal(lesion_mask(row, 32), lesion_mask(original, 32))
        file = cv2.imread(str(tmp_path / f"demo/jpeg/train/{row['image_name']}.jpg"))
        assert np.abs(file[..., ::-1].astype(float) - picture).mean() < 3


def test_a_second_draw_leaves_the_first_alone(tmp_path, demo_config):
    draw(tmp_path / "demo", demo_config())
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "demo").rglob("*")}
    draw(tmp_path / "demo", demo_config())
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "demo").rglob("*")}


def test_another_config_in_the_same_place_is_refused(tmp_path, demo_config):
    draw(tmp_path / "demo", demo_config())
    with pytest.raises(DataError, match=r"drawn with seed=1; asked for seed=2: set data\.root"):
        draw(tmp_path / "demo", demo_config(seed=2))


def test_a_folder_of_something_else_is_left_alone(tmp_path, demo_config):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/thesis.txt").write_text("mine")
    with pytest.raises(DataError, match=r"has no demo\.json"):
        draw(tmp_path / "demo", demo_config())
    assert (tmp_path / "demo/thesis.txt").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path, demo_config):
    (tmp_path / "demo").mkdir()
    draw(tmp_path / "demo", demo_config())
    assert (tmp_path / "demo/train.csv").is_file()


def test_an_unreadable_demo_json_is_refused(tmp_path, demo_config):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/demo.json").write_text("[1")
    with pytest.raises(DataError, match=r"unreadable demo\.json"):
        draw(tmp_path / "demo", demo_config())


def test_a_draw_that_fails_leaves_nothing(tmp_path, demo_config, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "draw_picture", stop)
    with pytest.raises(KeyboardInterrupt):
        draw(tmp_path / "demo", demo_config(), processes=1)
    assert not list(tmp_path.iterdir())


def test_the_slower_of_two_draws_gives_way(tmp_path, demo_config, monkeypatch):
    publish = dataset._publish

    def be_late(draft, root, config):
        monkeypatch.setattr(dataset, "_publish", publish)
        draw(root, config, processes=1)
        (root / "first").touch()
        publish(draft, root, config)

    monkeypatch.setattr(dataset, "_publish", be_late)
    draw(tmp_path / "demo", demo_config(), processes=1)
    assert (tmp_path / "demo/first").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_place_that_cannot_be_written_is_named(tmp_path, demo_config):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot draw the demo data set: .*set data\.root"):
        draw(tmp_path / "file/demo", demo_config())
