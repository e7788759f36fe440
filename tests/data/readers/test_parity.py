"""One lesion in three formats: the same pixels, the same row."""

import pandas as pd
import pytest

from melanoma.data.table import open_data

READERS = ("jpeg", "dicom", "tfrecord")
TOLD = ["image_name", "sex", "anatom_site_general_challenge", "target"]


@pytest.fixture
def opened(train_config):
    def open_with(reader, *overrides):
        config = train_config(f"reader={reader}", *overrides)
        return open_data(config.data, config.reader, None)

    return open_with


def test_pixels_are_the_same_in_every_format(opened):
    readers = [opened(reader)[1] for reader in READERS]
    for name in opened("jpeg")[0]["image_name"]:
        first, *others = [reader.read(name).tobytes() for reader in readers]
        assert others == [first, first]
        assert len({reader.coded(name) for reader in readers}) == 1
        assert len({reader.size(name) for reader in readers}) == 1
        assert len({reader.read(name, 16).tobytes() for reader in readers}) == 1


def test_the_csv_s_rows_are_the_same_for_every_format(opened):
    first, *others = [opened(reader)[0] for reader in READERS]
    for other in others:
        pd.testing.assert_frame_equal(other, first)


def test_records_alone_give_the_csv_s_rows(opened):
    table, alone = opened("jpeg")[0], opened("tfrecord", "data.csv=null")[0]
    pd.testing.assert_frame_equal(alone[TOLD], table[TOLD])
    numbered = dict(zip(table["patient_id"], alone["patient_id"], strict=True))
    assert alone["patient_id"].tolist() == table["patient_id"].map(numbered).tolist()
    assert alone["age_approx"].fillna(-1).tolist() == table["age_approx"].fillna(-1).tolist()


def test_dicom_headers_give_what_a_csv_of_targets_lacks(opened):
    table = opened("jpeg")[0]
    lacking = ["data.columns.patient_id=[]"]
    lacking += [f"data.columns.{name}=null" for name in ("sex", "age_approx", "anatom_site_general_challenge")]
    pd.testing.assert_frame_equal(opened("dicom", *lacking)[0], table)


def test_codes_that_do_not_fit_the_csv_are_noticed(opened):
    from melanoma.errors import DataError

    with pytest.raises(DataError, match=r"sex of \d+ of \d+ images is another in the CSV"):
        opened("tfrecord", "data.codes.sex=[female,male]")
