import pytest

from melanoma.data.text_table import read_text_table
from melanoma.errors import DataError


@pytest.fixture
def read(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "a.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_text_table(path)

    return write


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_cells_are_text_without_spaces_around_them(read, separator, end, mark):
    rows = [["name", " patient "], ["a", "001 "], [" b, c" if separator != "," else "b", "1.0"]]
    frame = read(mark + end.join(separator.join(row) for row in rows))
    assert frame.columns.tolist() == ["name", "patient"]
    assert frame["patient"].tolist() == ["001", "1.0"]
    assert frame.index.tolist() == [2, 3]


def test_lines_are_those_of_the_file(read):
    frame = read('\nname,note\n\na,"two\nlines"\n  \nb,\nc\n"d ""x""","1,5"')
    assert frame["name"].to_dict() == {4: "a", 7: "b", 8: "c", 9: 'd "x"'}
    assert frame["note"].tolist() == ["two\nlines", "", "", "1,5"]


def test_columns_without_a_name_are_passed_over(read):
    frame = read(",name,\n0,a,\n1,b,\n")
    assert frame.to_dict("list") == {"name": ["a", "b"]}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty; expected a header"),
        ("\n \n", "is empty; expected a header"),
        ("name,target\n", "has a header but no rows"),
        ("name,target\n\na,0\nb,0,5\n", "line 4 has more cells than the header"),
        ("name,target, name\na,0,b\n", "has two columns name; keep one"),
        ('name,target\na,"0\nb,1\n', "is not a CSV file: unexpected end of data"),
        ("name\n\xe4".encode("latin-1"), "is not UTF-8 text"),
    ],
)
def test_what_is_no_table_is_refused(read, content, told):
    with pytest.raises(DataError, match=told):
        read(content)
