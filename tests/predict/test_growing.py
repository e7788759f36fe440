import pandas as pd
import pytest

from melanoma.predict.growing import GrowingCsv

ROWS = pd.DataFrame({"b": [0.1, None], "a": ["x", "y,z"], "other": 1})


def test_rows_are_written_as_pandas_would_write_them_at_once(tmp_path):
    with GrowingCsv(tmp_path / "grown.csv", ["a", "b"]) as file:
        file.add(ROWS)
        file.add(ROWS)
    pd.concat([ROWS, ROWS]).to_csv(tmp_path / "whole.csv", columns=["a", "b"], index=False)
    assert (tmp_path / "grown.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["grown.csv", "whole.csv"]


def test_a_half_one_does_not_take_the_place_of_a_whole_one(tmp_path):
    (tmp_path / "a.csv").write_text("whole")

    def write():
        with GrowingCsv(tmp_path / "a.csv", ["a"]) as file:
            file.add(ROWS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert (tmp_path / "a.csv").read_text() == "whole"
    assert (tmp_path / "a.csv.partial").read_text().startswith("a\nx\n")
