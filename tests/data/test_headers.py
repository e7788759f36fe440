"""Whole numbers and words in image files, without image files: a reader that only has headers."""

import pandas as pd
import pytest

from melanoma.data.headers import complete_from_headers, from_headers, records_from_headers
from melanoma.data.records import read_records
from melanoma.errors import DataError

NONE = ("data.columns.sex=null", "data.columns.age_approx=null", "data.columns.anatom_site_general_challenge=null")
CODED = {"patient_id": "7", "sex": "1", "age_approx": "45", "anatom_site_general_challenge": "3", "target": "1"}


class Headers:
    def __init__(self, checks_table=False, **rows):
        self.frame = pd.DataFrame.from_dict(rows, orient="index", dtype="str")
        self.checks_table = checks_table

    def names(self):
        return sorted(self.frame.index)

    def missing(self, names):
        return [name for name in names if name not in self.frame.index]

    def headers(self, names):
        return self.frame.loc[list(names)]


def test_a_table_comes_from_records_alone(configure):
    table = records_from_headers(configure().data, Headers(a=CODED, b=CODED | {"sex": "-1", "target": "0"}))
    row = table.iloc[0]
    assert (row["patient_id"], row["sex"], row["age_approx"], row["target"]) == ("7", "female", 45, 1)
    assert row["anatom_site_general_challenge"] == "torso"
    assert table["sex"].isna().tolist() == [False, True]


def test_columns_that_the_csv_lacks_come_from_the_files(write_csv):
    config = write_csv("a,0", "b,1", header="image_name,target", overrides=(*NONE, "data.columns.patient_id=[]"))
    words = {"patient_id": "x", "sex": "F", "age_approx": "45", "anatom_site_general_challenge": "HEAD/NECK"}
    table = complete_from_headers(read_records(config), config, Headers(a=words | {"sex": ""}, b=words))
    assert table.loc[1, ["patient_id", "sex", "age_approx"]].tolist() == ["x", "female", 45]
    assert table.loc[1, "anatom_site_general_challenge"] == "head/neck"
    assert table["sex"].isna().tolist() == [True, False]
    assert table["target"].tolist() == [0, 1]


def test_images_whose_patient_nobody_knows_are_left_out_if_they_may_be(write_csv, caplog):
    lacking = (*NONE, "data.columns.patient_id=[]")
    rows, header = [f"{name},{number % 2}" for number, name in enumerate("abcd")], "image_name,target"
    told = {name: cell for name, cell in CODED.items() if name != "target"}
    reader = Headers(a=told, b=dict.fromkeys(told, ""), d=told)
    skip = write_csv(*rows, header=header, overrides=(*lacking, "data.on_error=skip", "data.max_bad_fraction=0.5"))
    assert complete_from_headers(read_records(skip), skip, reader)["image_name"].tolist() == ["a", "d"]
    assert "image b: its header is empty or cannot be read" in caplog.text
    fail = write_csv(*rows, header=header, overrides=lacking)
    with pytest.raises(DataError, match="1 of 4 images have no file, such as c"):
        complete_from_headers(read_records(fail), fail, reader)


def test_the_csv_goes_before_the_files_where_it_has_a_column(write_csv):
    config = write_csv("a,p,male,50,torso,0")
    table = read_records(config)
    assert complete_from_headers(table, config, Headers(a=CODED)) is table


@pytest.mark.parametrize(
    ("column", "cell", "way_out"),
    [("sex", "0", "Correct data.codes.sex, now male, female"), ("target", "0", "data.csv=null")],
)
def test_records_that_contradict_the_csv_are_refused(write_csv, column, cell, way_out):
    config = write_csv("a,p,female,50,torso,1", "b,p,,,,1")
    with pytest.raises(DataError) as caught:
        complete_from_headers(read_records(config), config, Headers(True, a=CODED | {column: cell}, b=CODED))
    message = str(caught.value)
    assert f"{column} of 1 of 2 images is another in the CSV than in the image files, such as a" in message
    assert way_out in message


def test_records_that_agree_where_both_know_are_accepted(write_csv):
    config = write_csv("a,p,female,50,torso,1", "b,p,,,,1", "c,p,male,50,torso,1")
    headers = Headers(True, a=CODED, b=CODED, c=CODED | {"sex": "-1"})
    assert complete_from_headers(read_records(config), config, headers)["sex"].isna().tolist() == [False, True, False]


def test_a_number_that_no_word_is_listed_for(configure):
    with pytest.raises(DataError, match=r"image a: its sex is a number beyond the 2 words of data\.codes\.sex"):
        records_from_headers(configure().data, Headers(a=CODED | {"sex": "2"}))


def test_values_in_image_files_stay_out_of_messages(configure):
    for column in ("sex", "age_approx", "anatom_site_general_challenge", "target"):
        with pytest.raises(DataError) as caught:
            records_from_headers(configure().data, Headers(a=CODED | {column: "DOE^JANE"}))
        assert "image a" in str(caught.value)
        assert "doe" not in str(caught.value).lower()


def test_an_age_that_is_not_written_as_dicom_does(configure):
    with pytest.raises(DataError, match=r"image a: age_approx is .* 0 to 120 .* form 045Y, 018M") as told:
        records_from_headers(configure().data, Headers(a=CODED | {"age_approx": "077?"}))
    assert "077" not in str(told.value)


def test_what_is_not_understood_is_missing_where_it_is_forgiven(configure):
    odd = {"sex": "DOE", "age_approx": "121", "anatom_site_general_challenge": "6"}
    known = {name: CODED[name] for name in odd}
    forgiven = {}
    headers = pd.DataFrame([known, odd, dict.fromkeys(odd, ""), known | {"age_approx": "x"}], index=list("abcd"))
    table = from_headers(headers, configure().data, forgiven).set_index("image_name")
    assert forgiven == {"sex": ["b"], "age_approx": ["b", "d"], "anatom_site_general_challenge": ["b"]}
    assert table.loc["a", list(odd)].tolist() == ["female", 45, "torso"]
    assert table.loc[["b", "c"], list(odd)].isna().all(axis=None)
    assert table.loc["d", "sex"] == "female"


def test_no_image_at_all(configure):
    with pytest.raises(DataError, match="no images found"):
        records_from_headers(configure().data, Headers())
