import pandas as pd
import pytest

from melanoma.data.duplicates import drop_listed
from melanoma.errors import DataError


@pytest.fixture
def left(tmp_path, configure):
    """The images that stay, of a table of six, when these pairs are listed."""

    def drop(*pairs: str, folds=None, header="image_name_1,image_name_2"):
        (tmp_path / "pairs.csv").write_text("\n".join([header, *pairs]) + "\n")
        table = pd.DataFrame({"image_name": list("abcdef"), "fold": pd.array(folds or [None] * 6, dtype="Int64")})
        return "".join(drop_listed(table, configure("data.duplicates=pairs.csv").data)["image_name"])

    return drop


@pytest.mark.parametrize(
    ("pairs", "stay"),
    [
        (["a,b", "c,d"], "acef"),
        (["a,b", "b,c"], "adef"),
        (["b,c", "a,b"], "adef"),
        (["a,b", "b,a"], "acdef"),
        (["x,b", "b,y"], "abcdef"),
    ],
)
def test_one_image_of_each_set_of_duplicates_stays(left, pairs, stay):
    assert left(*pairs) == stay


def test_rows_with_a_negative_fold_are_left_out(left):
    assert left(folds=[0, -1, 3, -1, 0, 0]) == "acef"


def test_list_without_its_columns(left):
    with pytest.raises(DataError, match=r"pairs\.csv has no column image_name_1 and image_name_2; found a, b"):
        left(header="a,b")


def test_list_that_is_not_there(configure):
    with pytest.raises(DataError, match=r"data\.duplicates=.*none\.csv cannot be read"):
        drop_listed(pd.DataFrame({"fold": pd.array([0], dtype="Int64")}), configure("data.duplicates=none.csv").data)
