import logging

import pytest

from melanoma.data.table import open_table, read_table
from melanoma.errors import SplitError

ROWS = [f"im{number},p{number // 2},male,50,torso,{number % 3 // 2}" for number in range(60)]


def test_splits_are_drawn_and_described(write_csv, configure, caplog):
    write_csv(*ROWS)
    config = configure()
    with caplog.at_level(logging.INFO):
        table, split = open_table(config.data, config.split)
    assert split.groupby(table["patient_id"]).nunique().max() == 1
    assert set(split) == {"train", "val", "test"}
    assert "siim_isic: 60 images of 30 patients" in caplog.text


def test_given_splits_are_used(write_csv, configure, tmp_path):
    write_csv(*ROWS)
    lines = [f"im{number},p{number // 2},{'val' if number < 20 else 'train'}" for number in range(60)]
    (tmp_path / "mine.csv").write_text("\n".join(["image_name,patient_id,split", *lines]))
    config = configure(f"data.splits={tmp_path / 'mine.csv'}")
    _, split = open_table(config.data, config.split)
    assert split.tolist() == ["val"] * 20 + ["train"] * 40


def test_given_splits_that_share_a_patient_are_refused(write_csv, configure, tmp_path):
    write_csv(*ROWS)
    lines = [f"im{number},{'val' if number % 2 else 'train'}" for number in range(60)]
    (tmp_path / "mine.csv").write_text("\n".join(["image_name,split", *lines]))
    config = configure(f"data.splits={tmp_path / 'mine.csv'}")
    with pytest.raises(SplitError, match="30 patients are in more than one split"):
        open_table(config.data, config.split)


def test_too_few_patients_are_refused(write_csv, configure):
    write_csv(*ROWS[:10])
    config = configure()
    with pytest.raises(SplitError, match="5 patients cannot be split into 10 folds"):
        open_table(config.data, config.split)


def test_a_demo_data_set_is_drawn_where_it_is_not(tmp_path, configure):
    changes = ["data=demo", f"data.root={tmp_path / 'drawn'}", "data.demo.patients=4", "data.demo.image_size=16"]
    config = configure(*changes, "data.images.jpeg=jpeg/train")
    table = read_table(config.data)
    assert table["patient_id"].nunique() == 4
    assert all((tmp_path / "drawn/jpeg/train" / f"{name}.jpg").is_file() for name in table["image_name"])
