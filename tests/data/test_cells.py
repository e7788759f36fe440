import logging

import pytest

from melanoma.data.cells import header_cells, read_cells
from melanoma.errors import DataError


@pytest.fixture
def two_files(tmp_path, configure):
    def write(first: str, second: str, *overrides: str):
        (tmp_path / "a.csv").write_text(first)
        (tmp_path / "b.csv").write_text(second)
        return configure("data.csv=[a.csv,b.csv]", *overrides).data

    return write


def test_files_are_joined_by_image_name_whatever_their_order(two_files):
    cells = read_cells(two_files("image_name,sex\n1,male\n2,female\n", "image_name,target\n2,b\n1,a\n"))
    assert cells.frame.to_numpy().tolist() == [["1", "male", "a"], ["2", "female", "b"]]
    assert cells.where(0, "sex").endswith("a.csv line 2")
    assert cells.where(0, "target").endswith("b.csv line 3")


def test_files_are_joined_without_the_name_s_ending(two_files):
    config = two_files("image_name,sex\n1_small,male\n", "image_name,target\n1,a\n", "data.name_ending=_small")
    assert read_cells(config).frame["image_name"].tolist() == ["1"]


def test_image_that_the_second_file_lacks(two_files):
    with pytest.raises(DataError, match=r"b\.csv lacks 1 of 2 images of the first CSV, such as 2$"):
        read_cells(two_files("image_name,sex\n1,male\n2,female\n", "image_name,target\n1,a\n"))


def test_image_that_the_second_file_repeats(two_files):
    with pytest.raises(DataError, match=r"b\.csv lists image 1 more than once"):
        read_cells(two_files("image_name,sex\n1,male\n", "image_name,target\n1,a\n1,a\n"))


def test_rows_that_only_the_second_file_has_are_told(two_files, caplog):
    read_cells(two_files("image_name,sex\n1,male\n", "image_name,target\n1,a\n2,b\n"))
    assert "lists 1 images that the first CSV does not have" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


def test_what_an_image_file_says_is_not_repeated(configure):
    import pandas as pd

    cells = header_cells(pd.DataFrame({"sex": ["DOE^JANE"]}, index=["im1"]))
    assert (cells.where(0, "sex"), cells.quote(0, "sex")) == ("image im1", "something else")
