"""Text cells as a CSV or the image files give them, and how to speak of one of them in an error."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma.config import DataConfig
from melanoma.errors import DataError

_log = logging.getLogger(__name__)

_MOST_WORDS = 20
"""Of a vocabulary that an error names; more are no vocabulary, but names."""


@dataclass(frozen=True)
class Cells:
    """A frame of stripped text, a row an image, under the data set's own column names."""

    frame: pd.DataFrame
    name: str
    """Of the file or files, for errors."""
    places: dict[str, tuple[Path, NDArray[np.int64]]]
    """For each column the CSV it came from, and each row's line there; empty for cells of image files."""
    image_name: str
    """The column that names the image."""

    def where(self, row: int, column: str) -> str:
        """Say where a cell stands."""
        if column not in self.places:
            return f"image {self.frame[self.image_name].iloc[row]}"
        path, lines = self.places[column]
        return f"{path} line {lines[row]}"

    def quote(self, row: int, column: str) -> str:
        """Repeat a cell of a CSV; what an image file says of its patient is not for a log."""
        if column not in self.places:
            return "something else"
        return repr(str(self.frame[column].iloc[row])[:80])

    def further(self, column: str | None, words: pd.Series) -> str:
        """Name the words of a CSV that follow the first, so that a vocabulary nobody has mapped is seen at once."""
        others = [repr(str(word)[:80]) for word in words.dropna().unique()[1:] if word]
        known = column in self.places and 0 < len(others) <= _MOST_WORDS
        return f" (further down {', '.join(others)})" if known else ""


def read_cells(config: DataConfig) -> Cells:
    """Read the data set's CSV, or several, joined to the rows of the first by image name.

    Raises:
        DataError: if a file is missing, is not a CSV, or lacks an image of the first.
    """
    name = config.columns.image_name
    frames = [_read_csv(Path(config.root, file), config) for file in config.csv or []]
    for path, frame in frames:
        if name not in frame.columns:
            raise DataError(
                f"{path} has no column {name!r}; found {', '.join(frame.columns)} (name it with "
                "data.columns.image_name=COLUMN)"
            )
        frame[name] = frame[name].str.removesuffix(config.name_ending)
    (first, joined), *others = frames
    places = dict.fromkeys(joined.columns, (first, np.arange(2, len(joined) + 2)))
    for path, frame in others:
        added = [column for column in frame.columns if column not in joined.columns]
        rows = _matching_rows(joined[name], frame[name], path)
        joined = pd.concat([joined, frame[added].iloc[rows].set_axis(joined.index)], axis=1)
        places |= dict.fromkeys(added, (path, rows + 2))
    return Cells(joined, " and ".join(str(path) for path, _ in frames), places, name)


def header_cells(headers: pd.DataFrame) -> Cells:
    """Take what image files say of themselves; see `Reader.headers`."""
    return Cells(headers.reset_index(names="image_name"), "the image files", {}, "image_name")


def _matching_rows(names: pd.Series, others: pd.Series, path: Path) -> NDArray[np.int64]:
    """Give for every name its row in another file."""
    if others.duplicated().any():
        repeated = others[others.duplicated()].iloc[0]
        raise DataError(f"{path} lists image {repeated} more than once; keep one of its rows")
    rows = pd.Index(others).get_indexer(pd.Index(names))
    if (rows < 0).any():
        example = names[rows < 0].iloc[0]
        raise DataError(f"{path} lacks {(rows < 0).sum()} of {len(names)} images of the first CSV, such as {example}")
    if unused := len(others) - len(set(rows)):
        _log.warning("%s lists %d images that the first CSV does not have", path, unused)
    return np.asarray(rows, dtype=np.int64)


def _read_csv(path: Path, config: DataConfig) -> tuple[Path, pd.DataFrame]:
    if not path.is_file():
        raise DataError(
            f"no data found: looked for {path.absolute()}; give its folder as data.root=DIR. {config.source}. "
            "To try the program without data: melanoma-train experiment=demo"
        )
    return path, read_text_table(path)


def read_text_table(path: Path) -> pd.DataFrame:
    """Read every cell of a CSV as stripped text: as numbers, the patients 001 and 01 would become one.

    Raises:
        DataError: if it is not a CSV with a header and at least one row.
    """
    try:
        raw = _parse_csv(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path} is empty; expected a header and a row an image") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from error
    except pd.errors.ParserWarning as error:
        raise DataError(f"{path} line 2 has more cells than the header; quote a cell that holds a separator") from error
    except (pd.errors.ParserError, ValueError) as error:
        raise DataError(f"{path} is not a CSV file: {str(error).splitlines()[0]}") from error
    if raw.empty:
        raise DataError(f"{path} has a header but no rows; expected a row an image")
    raw.columns = raw.columns.str.strip()
    # A short row leaves its last cells missing in spite of keep_default_na.
    raw = raw.fillna("")
    for column in raw.columns:
        raw[column] = raw[column].str.strip()
    return raw


def _parse_csv(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
    separator = max(",;\t", key=header.count)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
