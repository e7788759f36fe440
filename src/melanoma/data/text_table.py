"""A CSV file -> its cells as text, each row with its line in the file."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from melanoma.errors import DataError

Row = tuple[int, list[str]]
"""The line where it begins, and its cells without the spaces around them."""


def read_text_table(path: Path) -> pd.DataFrame:
    """Read every cell of a CSV as stripped text: as numbers, the patients 001 and 01 would become one.

    Cells are parted by what the header has most of: commas, semicolons or tabs. A short row ends in blank cells; empty
    lines, and columns without a name, are passed over.

    Returns:
        The cells, with each row's line in the file as index.

    Raises:
        DataError: if it is not a CSV with a header and at least one row.
    """
    try:
        # Read once: what comes through a pipe cannot be opened twice.
        with path.open(encoding="utf-8-sig", newline="") as file:
            (_, header), *rows = _rows(file.read(), path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as CSV in UTF-8, and not packed") from error
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV file: {error}") from error
    _refuse_repeated(header, path)
    if not rows:
        raise DataError(f"{path} has a header but no rows; expected a row an image")
    frame = pd.DataFrame(
        [cells + [""] * (len(header) - len(cells)) for _, cells in rows],
        index=pd.Index([line for line, _ in rows], name="line"),
        columns=header,
        dtype="str",
    )
    return frame.loc[:, [name != "" for name in header]]


def _rows(text: str, path: Path) -> list[Row]:
    """Give the header's row and the others.

    Raises:
        DataError: if there is none, or one has more cells than the header.
    """
    rows = list(_read(text))
    if not rows:
        raise DataError(f"{path} is empty; expected a header and a row an image")
    most = len(rows[0][1])
    for line, cells in rows:
        if len(cells) > most:
            raise DataError(
                f"{path} line {line} has more cells than the header; quote a cell that holds a separator, and write "
                "decimals with a point"
            )
    return rows


def _read(text: str) -> Iterator[Row]:
    stream = io.StringIO(text, newline="")
    first = next((line for line in stream if line.strip()), "")
    stream.seek(0)
    reader = csv.reader(stream, delimiter=max(",;\t", key=first.count), strict=True)
    line = 1
    for row in reader:
        cells = [cell.strip() for cell in row]
        if cells not in ([], [""]):
            yield line, cells
        line = reader.line_num + 1


def _refuse_repeated(header: list[str], path: Path) -> None:
    """Refuse two columns of one name, as only one would be read."""
    seen: set[str] = set()
    for name in header:
        if name in seen:
            raise DataError(f"{path} has two columns {name}; keep one")
        seen |= {name} - {""}
