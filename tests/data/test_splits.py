import logging

import numpy as np
import pandas as pd
import pytest

from melanoma.config import SplitConfig
from melanoma.data.splits import (
    assert_disjoint,
    describe,
    draw_splits,
    load_splits,
    save_splits,
    split_hash,
)
from melanoma.errors import SplitError


def make_table(patients=200, prevalence=0.1, seed=0):
    rng = np.random.default_rng(seed)
    ids = np.repeat([f"p{number}" for number in range(patients)], rng.integers(1, 8, patients))
    return pd.DataFrame(
        {
            "image_name": [f"im{row}" for row in range(len(ids))],
            "patient_id": ids,
            "target": (rng.random(len(ids)) < prevalence).astype(int),
        }
    )


def config(test=0.1, val=0.2, seed=0, folds=None, fold=None):
    return SplitConfig(test, val, seed, test_folds=[], val_folds=[], folds=folds, fold=fold, extra="train")


TABLE = make_table()
SPLIT = draw_splits(TABLE, config())


def test_a_tenth_is_test_and_a_fifth_of_the_rest_is_validation():
    shares = SPLIT.value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.1, abs=0.02)
    assert shares["val"] == pytest.approx(0.18, abs=0.02)
    assert shares["train"] == pytest.approx(0.72, abs=0.02)


def test_no_two_splits_share_a_patient():
    assert SPLIT.groupby(TABLE["patient_id"]).nunique().max() == 1


def test_positives_are_spread_as_the_images_are():
    positives = TABLE["target"].groupby(SPLIT).sum()
    for name, share in {"train": 0.72, "val": 0.18, "test": 0.1}.items():
        assert positives[name] == pytest.approx(share * TABLE["target"].sum(), abs=4), name


def test_the_seed_decides_the_split():
    assert draw_splits(TABLE, config()).equals(SPLIT)
    assert not draw_splits(TABLE, config(seed=1)).equals(SPLIT)


def test_no_test_fraction_gives_no_test_split():
    split = draw_splits(TABLE, config(test=0))
    assert set(split) == {"train", "val"}
    assert (split == "val").mean() == pytest.approx(0.2, abs=0.02)


def test_fractions_that_are_no_whole_fold_are_met():
    split = draw_splits(TABLE, config(test=0.3, val=0.5))
    assert split.value_counts(normalize=True)["test"] == pytest.approx(0.3, abs=0.03)
    assert split.value_counts(normalize=True)["val"] == pytest.approx(0.35, abs=0.03)


@pytest.mark.parametrize("change", [{"test": 0.01}, {"test": 0.99}, {"val": 0.01}])
def test_a_fraction_that_no_folds_can_give(change):
    with pytest.raises(SplitError, match=r"too small or too large; use 0\.05 to 0\.95"):
        draw_splits(TABLE, config(**change))


def test_fewer_patients_than_folds():
    with pytest.raises(SplitError) as caught:
        draw_splits(make_table(patients=4), config())
    message = str(caught.value)
    assert "4 patients cannot be split into 10 folds" in message
    assert "data.splits=FILE" in message
    assert "\n" not in message


def test_the_test_splits_of_all_folds_are_every_image_once_and_share_no_patient():
    tests = [TABLE[draw_splits(TABLE, config(folds=5, fold=fold)) == "test"] for fold in range(5)]
    assert sorted(pd.concat(tests)["image_name"]) == sorted(TABLE["image_name"])
    assert sum(test["patient_id"].nunique() for test in tests) == TABLE["patient_id"].nunique()
    for test in tests:
        assert len(test) == pytest.approx(len(TABLE) / 5, abs=3)
        assert test["target"].sum() == pytest.approx(TABLE["target"].sum() / 5, abs=2)


def test_validation_is_its_fraction_of_what_a_fold_leaves():
    split = draw_splits(TABLE, config(folds=4, fold=3))
    assert split.groupby(TABLE["patient_id"]).nunique().max() == 1
    shares = split.value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.25, abs=0.02)
    assert shares["val"] == pytest.approx(0.15, abs=0.02)


def test_the_seed_decides_the_folds_and_the_test_fraction_does_not():
    fold = draw_splits(TABLE, config(folds=5, fold=1))
    assert draw_splits(TABLE, config(test=0.4, folds=5, fold=1)).equals(fold)
    assert not draw_splits(TABLE, config(seed=1, folds=5, fold=1)).equals(fold)


def test_fewer_patients_than_folds_of_k():
    with pytest.raises(SplitError, match=r"3 patients cannot be split into 5 folds for split\.folds=5; use more"):
        draw_splits(make_table(patients=3), config(folds=5, fold=0))


def test_a_shared_patient_is_refused_without_naming_the_patient():
    split = SPLIT.copy()
    split[TABLE["patient_id"] == "p1"] = ["train", *["test"] * ((TABLE["patient_id"] == "p1").sum() - 1)]
    with pytest.raises(SplitError, match="1 patients are in more than one split") as caught:
        assert_disjoint(TABLE, split)
    assert "p1" not in str(caught.value)
    assert "data.splits=null" in str(caught.value)


def test_no_positive_in_validation_is_told(caplog):
    table = TABLE.assign(target=TABLE["target"].mask(SPLIT == "val", 0))
    with caplog.at_level(logging.WARNING):
        describe(table, SPLIT)
    assert [record.message for record in caplog.records] == ["val holds one class only: its AUC is undefined"]


def test_a_rare_class_that_misses_a_fold_can_be_split():
    table = TABLE.assign(target=0)
    table.loc[0, "target"] = 1
    assert set(draw_splits(table, config())) == {"train", "val", "test"}


def test_saved_splits_are_loaded_again(tmp_path):
    path = tmp_path / "splits.csv"
    save_splits(TABLE, SPLIT, path)
    assert path.read_text().splitlines()[0] == "image_name,patient_id,split"
    assert load_splits(TABLE, path).equals(SPLIT)
    assert [file.name for file in tmp_path.iterdir()] == ["splits.csv"]


def test_saved_splits_do_not_depend_on_the_order_of_rows(tmp_path):
    path = tmp_path / "splits.csv"
    save_splits(TABLE, SPLIT, path)
    shuffled = TABLE.sample(frac=1, random_state=0)
    assert load_splits(shuffled, path).sort_index().equals(SPLIT)


SMALL = pd.DataFrame({"image_name": ["a", "b", "c"], "patient_id": ["001", "01", "01"], "target": [0, 1, 0]})
HEADER = "image_name,patient_id,split\n"


def refusal(tmp_path, text) -> str:
    path = tmp_path / "splits.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SplitError) as caught:
        load_splits(SMALL, path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_splits_that_share_no_patient_are_taken(tmp_path):
    path = tmp_path / "splits.csv"
    path.write_text(HEADER + "c,01,val\nb,01,val\na,001,train\n")
    assert load_splits(SMALL, path).tolist() == ["train", "val", "val"]


@pytest.mark.parametrize(
    "text",
    [HEADER + "a,001,train\nb,01,val\nc,01,test\n", "image_name,split\na,train\nb,val\nc,test\n"],
    ids=["in the file", "in the table alone"],
)
def test_splits_file_that_shares_a_patient(tmp_path, text):
    message = refusal(tmp_path, text)
    assert "1 patients are in more than one split" in message
    assert "They share b (val) and c (test). " in message
    assert "data.splits=null" in message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (HEADER + "a,001,train\nb,01,val\n", ("does not say the split of 1 of 3 images", "such as c")),
        (HEADER + "a,001,train\nb,01,val\nc,01\n", ("split is ''", "expected one of train, val, test")),
        (HEADER + "a,001,train\nb,01,valid\nc,01,val\n", ("split is 'valid'", "expected one of train, val, test")),
        (HEADER + "a,001,train\nb,01,val\nc,01,val\nb,01,test\n", ("image b more than once", "keep one")),
        ("image_name,fold\na,train\n", ("no column split", "found image_name, fold")),
        ("", ("cannot be read",)),
        (None, ("data.splits=", "No such file")),
    ],
    ids=["lacks an image", "short row", "bad word", "repeats an image", "lacks a column", "empty", "missing"],
)
def test_splits_file_that_cannot_be_used(tmp_path, text, parts):
    message = refusal(tmp_path, text)
    for part in ("splits.csv", *parts):
        assert part in message


def test_images_that_the_table_lacks_are_told(tmp_path, caplog):
    path = tmp_path / "splits.csv"
    path.write_text(HEADER + "a,001,train\nb,01,val\nc,01,val\nd,7,test\n")
    load_splits(SMALL, path)
    assert "lists 1 images that the table does not have" in caplog.text


def test_split_hash_tells_splits_apart_but_not_the_order_of_rows():
    order = np.random.default_rng(0).permutation(len(TABLE))
    assert split_hash(TABLE.iloc[order], SPLIT.iloc[order]) == split_hash(TABLE, SPLIT)
    other = SPLIT.copy()
    other.iloc[0] = "val" if other.iloc[0] == "train" else "train"
    assert split_hash(TABLE, other) != split_hash(TABLE, SPLIT)
