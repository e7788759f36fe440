import logging
import os
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from melanoma.errors import DataError
from melanoma.evaluation.predictions_file import read_predictions
from melanoma.prediction import COLUMNS


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        (tmp_path / "made.csv").write_text(text)
        return read_predictions(tmp_path / "made.csv")

    return write_and_read


def test_three_columns_are_enough(read, caplog):
    with caplog.at_level(logging.WARNING):
        table = read("image_name,target,probability\na,0,0.25\nb,1,1\n")
    assert list(table.columns) == list(COLUMNS)
    assert table["target"].tolist() == [0, 1]
    assert table["logit"].iloc[0] == pytest.approx(-1.0986123)
    assert table["logit"].iloc[1] < 30  # finite
    assert table["patient_id"].nunique() == 2
    assert "names no patient for 2 of 2 images" in caplog.text


def test_what_else_is_known_is_taken(read):
    table = read(
        "image_name;patient_id;target;probability;site;age;sex;width;camera\n"
        "001;01;benign;0.1;Torso;45;;640;x\n01;1;malignant;0.9;unknown;;Female;;y\n"
    )
    assert table["image_name"].tolist() == ["001", "01"]
    assert table["patient_id"].tolist() == ["01", "1"]
    assert table["anatom_site_general_challenge"].isna().tolist() == [False, True]
    assert table["sex"].tolist()[1] == "female"
    assert table["age_approx"].iloc[0] == 45
    assert list(table.columns) == [*COLUMNS, "width"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,0,1.5", r"line 3: probability is '1.5'; expected a number from 0 to 1 with a decimal point \(if"),
        ("a,0,nan", "line 3: probability is 'nan'"),
        ("a,2,0.5", "line 3: target is '2'; expected 0 or 1"),
        ("a,,0.5", "line 3: target is ''"),
        (",0,0.5", "line 3: image_name is ''; expected a name"),
        ("x,0,0.5", "line 3: image_name is 'x'; expected each image once"),
    ],
)
def test_a_value_that_cannot_be_is_named(read, row, message):
    with pytest.raises(DataError, match=message):
        read(f"image_name,target,probability\nx,1,0.5\n{row}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "image_name,label,probability\na,0,1\n",
            r"no column target; it needs .* \(known: image_name, label",
        ),
        ("image_name,target,probability,site,anatom_site_general_challenge\na,0,1,x,x\n", "two columns for anatom"),
        ("image_name,target,probability,age_approx\na,0,1,200\n", "line 2: age_approx is '200'; expected a number"),
        ("", "is empty"),
        ("image_name,target,probability,Patient_ID\na,0,1,p\n", "has a column 'Patient_ID'; write it patient_id"),
        ("Image Name,target,probability\na,0,1\n", "has a column 'Image Name'; write it image_name"),
        ("image_name,target,probability,Age\na,0,1,50\n", "has a column 'Age'; write it age"),
        ("image_name,target,probability,probability\na,0,1,0\n", "has two columns probability; keep one"),
        ("image_name,target,probability, target\na,0,1,1\n", "has two columns target; keep one"),
        ("image_name;target;probability\na;0;0,5\n", "probability is '0,5'; expected a number .* with a decimal point"),
        ("image_name,target,probability\na,0,0,5\n", "more cells than the header; .* write decimals with a point"),
    ],
)
def test_a_file_that_cannot_be_is_told(read, text, message):
    with pytest.raises(DataError, match=message):
        read(text)


def test_a_file_that_can_be_read_once_only_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    text = "image_name,target,probability\n" + "".join(f"i{row},0,0.5\n" for row in range(2000))
    with ThreadPoolExecutor(1) as writer:
        writer.submit((tmp_path / "pipe").write_text, text)
        assert len(read_predictions(tmp_path / "pipe")) == 2000


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_predictions(tmp_path / "none.csv")


def test_our_own_predictions_can_be_read(read, trained):
    own = pd.read_csv(trained / "predictions_val.csv")
    table = read((trained / "predictions_val.csv").read_text())
    assert table["probability"].tolist() == own["probability"].tolist()
    assert table["patient_id"].tolist() == own["patient_id"].tolist()
