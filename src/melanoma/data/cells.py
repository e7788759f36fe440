"""Text cells as a CSV or the image files give them, and how to speak of one of them in an error."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma.config import DataConfig
from melanoma.data.text_table import read_text_table
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
    forgiven: dict[str, list[str]] | None = None
    """Takes, by column, the images whose cell is not understood and so counts as missing; None: it is an error."""

    def first_fault(self, wrong: pd.Series, column: str) -> int | None:
        """Give the first row that is to be refused; none where faults are forgiven."""
        if self.forgiven is None:
            return first_row(wrong)
        if wrong.any():
            self.forgiven[column] = self.frame.loc[wrong, self.image_name].tolist()
        return None

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
    places = dict.fromkeys(joined.columns, (first, joined.index.to_numpy()))
    joined = joined.reset_index(drop=True)
    for path, frame in others:
        added = [column for column in frame.columns if column not in joined.columns]
        rows = _matching_rows(joined[name], frame[name], path)
        joined = pd.concat([joined, frame[added].iloc[rows].set_axis(joined.index)], axis=1)
        places |= dict.fromkeys(added, (path, frame.index.to_numpy()[rows]))
    return Cells(joined, " and ".join(str(path) for path, _ in frames), places, name)


def header_cells(headers: pd.DataFrame, forgiven: dict[str, list[str]] | None = None) -> Cells:
    """Take what image files say of themselves; see `Reader.headers`."""
    return Cells(headers.reset_index(names="image_name"), "the image files", {}, "image_name", forgiven)


def first_row(mask: pd.Series) -> int | None:
    """Give the place of the first row that is true."""
    return int(mask.to_numpy().argmax()) if mask.any() else None


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
