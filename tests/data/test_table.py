import logging

import cv2
import numpy as np
import pytest

from melanoma.data.table import choose_splits, open_data
from melanoma.errors import DataError, SplitError

ROWS = [f"im{number},p{number // 2},male,50,torso,{number % 3 // 2}" for number in range(60)]
HEADER = "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,target"


@pytest.fixture
def split_rows(write_csv, configure, folder):
    """The rows that take part, and their splits, of sixty rows with these overrides."""

    def make(*overrides, rows=ROWS, header=HEADER):
        write_csv(*rows, header=header)
        config = configure(*overrides)
        table, _ = open_data(config.data, config.reader, None)
        return choose_splits(table, config.data, config.split)

    return make


def test_splits_are_drawn_and_described(split_rows, caplog):
    with caplog.at_level(logging.INFO):
        table, split = split_rows()
    assert split.groupby(table["patient_id"]).nunique().max() == 1
    assert set(split) == {"train", "val", "test"}
    assert "siim_isic: 60 images of 30 patients" in caplog.text


def test_given_splits_are_used(split_rows, tmp_path):
    lines = [f"im{number},p{number // 2},{'val' if number < 20 else 'train'}" for number in range(60)]
    (tmp_path / "mine.csv").write_text("\n".join(["image_name,patient_id,split", *lines]))
    _, split = split_rows(f"data.splits={tmp_path / 'mine.csv'}")
    assert split.tolist() == ["val"] * 20 + ["train"] * 40


def test_given_splits_that_share_a_patient_are_refused(split_rows, tmp_path):
    lines = [f"im{number},{'val' if number % 2 else 'train'}" for number in range(60)]
    (tmp_path / "mine.csv").write_text("\n".join(["image_name,split", *lines]))
    with pytest.raises(SplitError, match="30 patients are in more than one split"):
        split_rows(f"data.splits={tmp_path / 'mine.csv'}")


def test_too_few_patients_are_refused(split_rows):
    with pytest.raises(SplitError, match="5 patients cannot be split into 10 folds"):
        split_rows(rows=ROWS[:10])


def test_unknown_patients_and_targets_are_refused_with_the_way_out(split_rows):
    with pytest.raises(DataError, match=r"patient_id of 60 of 60 images is not known, .*data\.columns\.patient_id="):
        split_rows("data.columns.patient_id=[]")
    with pytest.raises(DataError, match=r"target of 60 of 60 images is not known, such as im0; .*columns\.target="):
        split_rows("data.columns.target=null")


FOLDED = [f"{row},{number // 2 % 15 if number < 58 else -1}" for number, row in enumerate(ROWS)]


def by_fold(split_rows, test, val):
    overrides = (f"split.test_folds={test}", f"split.val_folds={val}")
    return split_rows("data.columns.fold=tfrecord", *overrides, rows=FOLDED, header=HEADER + ",tfrecord")


def test_a_column_of_folds_becomes_the_splits(split_rows):
    table, split = by_fold(split_rows, "[0,5,10]", "[1,6,11]")
    assert len(table) == 58
    assert {fold: set(split[table["fold"] == fold]) for fold in (0, 1, 2, 10, 11)} == {
        **{0: {"test"}, 10: {"test"}, 1: {"val"}, 11: {"val"}, 2: {"train"}}
    }
    assert set(by_fold(split_rows, "[]", "[1]")[1]) == {"train", "val"}


@pytest.mark.parametrize(
    ("test", "val", "fault"),
    [
        ("[0]", "[0]", "fold 0 is in both"),
        ("[0]", "[]", "needs split.val_folds too"),
        ("[99]", "[1]", "split.test_folds: no image has fold 99; found 0, 1"),
    ],
)
def test_folds_that_do_not_fit(split_rows, test, val, fault):
    with pytest.raises(SplitError, match=fault):
        by_fold(split_rows, test, val)


def test_folds_need_their_column(split_rows):
    with pytest.raises(SplitError, match=r"name its column with data\.columns\.fold=COLUMN"):
        split_rows("split.val_folds=[1]")


def test_a_demo_data_set_is_drawn_where_it_is_not(tmp_path, configure):
    changes = ["data=demo", f"data.root={tmp_path / 'drawn'}", "data.demo.patients=4", "data.demo.image_size=16"]
    config = configure(*changes, "data.images.jpeg=jpeg/train")
    table, reader = open_data(config.data, config.reader, None)
    assert table["patient_id"].nunique() == 4
    assert reader.missing(table["image_name"]) == []


@pytest.fixture
def two_sources(tmp_path, configure, write_csv):
    """SIIM-ISIC's layout with a second data set below `more`, in which p0 and the lesion of p1 come again."""
    images = tmp_path / "images"
    more = tmp_path / "more"
    for folder in (images, more / "images"):
        folder.mkdir(parents=True)
    for number in range(60):
        cv2.imwrite(str(images / f"im{number}.png"), np.full((4, 4, 3), 7, np.uint8))
    rows = [f"new{number},{'p0' if number < 3 else f'q{number}'},{number},0" for number in range(10)]
    rows += ["new10,q10,les2,1", "im5,p2,x,1"]
    for row in rows:
        cv2.imwrite(str(more / "images" / f"{row.split(',')[0]}.png"), np.full((4, 4, 3), 9, np.uint8))
    (more / "more.csv").write_text("\n".join(["image_name,patient_id,lesion,target", *rows]))
    write_csv(*(f"{row},les{number}" for number, row in enumerate(ROWS)), header=HEADER + ",lesion")
    lines = [f"im{number},{'test' if number < 4 else 'val' if number < 20 else 'train'}" for number in range(60)]
    (tmp_path / "mine.csv").write_text("\n".join(["image_name,split", *lines]))
    extra = "data.extra.more"
    none = "columns.sex=null columns.age_approx=null columns.anatom_site_general_challenge=null"
    return configure(
        *("data.columns.lesion_id=lesion", f"data.splits={tmp_path / 'mine.csv'}", f"+data@{extra}=siim_isic"),
        *(f"{extra}.root={more}", f"{extra}.csv=more.csv", f"{extra}.images.jpeg=images"),
        *(f"{extra}.{override}" for override in [*none.split(), "columns.lesion_id=lesion"]),
    )


def test_further_data_joins_the_training_split_alone(two_sources, caplog):
    table, reader = open_data(two_sources.data, two_sources.reader, None)
    assert table["source"].value_counts().to_dict() == {"siim_isic": 60, "more": 11}
    assert "more: 1 images are in a data set before it" in caplog.text
    table, split = choose_splits(table, two_sources.data, two_sources.split)
    assert set(split[table["source"] == "more"]) == {"train"}
    assert sorted(table.loc[table["source"] == "more", "image_name"]) == [f"new{number}" for number in range(3, 10)]
    assert "4 more are left out: their patient or lesion is held out" in caplog.text
    assert reader.missing(["im3", "new4", "other"]) == ["other"]
    assert (reader.read("im3").max(), reader.read("new4").max()) == (7, 9)


def test_further_data_joins_every_split_if_asked(two_sources):
    two_sources.split.extra, two_sources.data.splits = "all", None
    table, _ = open_data(two_sources.data, two_sources.reader, None)
    table, split = choose_splits(table, two_sources.data, two_sources.split)
    assert len(table) == 71
    assert split.groupby(table["patient_id"]).nunique().max() == 1


def test_further_data_needs_a_name_of_its_own(two_sources):
    two_sources.data.extra = {"siim_isic": two_sources.data.extra["more"]}
    with pytest.raises(DataError, match=r"data\.extra\.siim_isic: siim_isic is there already"):
        open_data(two_sources.data, two_sources.reader, None)
