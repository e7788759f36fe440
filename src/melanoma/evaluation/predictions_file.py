"""A CSV of predictions that anybody made -> the table that is evaluated."""

import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd

from melanoma.data.cells import first_row
from melanoma.data.text_table import read_text_table
from melanoma.errors import DataError
from melanoma.evaluation.ensemble import to_logit
from melanoma.prediction import COLUMNS
from melanoma.schema import near

NEEDED = ("image_name", "target", "probability")
WORDS = ("patient_id", "lesion_id", "sex", "anatom_site_general_challenge", "source")
NUMBERS = ("age_approx", "width", "height", "file_bytes")
SYNONYMS = {"site": "anatom_site_general_challenge", "age": "age_approx"}
_UNKNOWN = ("", "unknown", "nan", "na", "n/a", "none", "null")
_WRITTEN_AS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1, "benign": 0, "malignant": 1}

_log = logging.getLogger(__name__)


def read_predictions(path: Path) -> pd.DataFrame:
    """Read image_name, target and probability, and what else is there of `WORDS` and `NUMBERS`.

    Words are taken as they are, lower case; without a patient_id each image counts as a patient of its own.

    Returns:
        A frame with `melanoma.prediction.COLUMNS`, then the other columns that the file has.

    Raises:
        DataError: naming the line and column of the first value that cannot be.
    """
    cells = read_text_table(path).rename(columns=SYNONYMS)
    _require_columns(cells, path)
    table = pd.DataFrame({"image_name": _names(cells, path)})
    for column in WORDS:
        table[column] = _words(cells, column)
    for column in NUMBERS:
        table[column] = _numbers(cells, column, path)
    table["target"] = _targets(cells, path)
    table["probability"] = _probabilities(cells, path)
    table["logit"] = to_logit(table["probability"].to_numpy())
    table["patient_id"] = _patients(table, path)
    further = [column for column in (*WORDS, *NUMBERS) if column in cells and column not in COLUMNS]
    return table[[*COLUMNS, *further]].reset_index(drop=True)


def _require_columns(cells: pd.DataFrame, path: Path) -> None:
    # Left unread, Patient_ID would make a patient of each image.
    spelt = {re.sub(r"[\s_-]+", "_", column.lower()): column for column in cells.columns}
    for column in (*NEEDED, *WORDS, *NUMBERS, *SYNONYMS):
        if column not in cells.columns and column in spelt and SYNONYMS.get(column) not in cells.columns:
            raise DataError(f"{path} has a column {spelt[column]!r}; write it {column}")
    for column in NEEDED:
        if column not in cells.columns:
            raise DataError(
                f"{path} has no column {column}; it needs {', '.join(NEEDED)}, and may have "
                f"{', '.join((*WORDS, *NUMBERS))} ({near(column, cells.columns)})"
            )
    if cells.columns.has_duplicates:  # a synonym beside its word
        twice = cells.columns[cells.columns.duplicated()][0]
        raise DataError(f"{path} has two columns for {twice}; keep one")


def _names(cells: pd.DataFrame, path: Path) -> pd.Series:
    names = cells["image_name"]
    _refuse(names == "", cells, "image_name", path, "a name")
    _refuse(names.duplicated(), cells, "image_name", path, "each image once")
    return names


def _words(cells: pd.DataFrame, column: str) -> pd.Series:
    if column not in cells:
        return pd.Series(pd.NA, index=cells.index, dtype="str")
    words = cells[column] if column.endswith("_id") else cells[column].str.lower()
    return words.mask(words.str.lower().isin(_UNKNOWN))


def _numbers(cells: pd.DataFrame, column: str, path: Path) -> pd.Series:
    if column not in cells:
        return pd.Series(np.nan, index=cells.index)
    known = ~cells[column].str.lower().isin(_UNKNOWN)
    numbers = pd.to_numeric(cells[column], errors="coerce").where(known)
    most = 120 if column == "age_approx" else np.finfo(np.float64).max
    _refuse(known & ~numbers.between(0, most, inclusive="both"), cells, column, path, "a number from 0"
            + (" to 120" if most == 120 else "") + " with a decimal point, or blank")  # fmt: skip
    return numbers.astype("float64")


def _targets(cells: pd.DataFrame, path: Path) -> pd.Series:
    targets = cells["target"].str.lower().map(_WRITTEN_AS)
    _refuse(targets.isna(), cells, "target", path, "0 or 1")
    return targets.astype("Int64")


def _probabilities(cells: pd.DataFrame, path: Path) -> pd.Series:
    numbers = pd.to_numeric(cells["probability"], errors="coerce").astype("float64")
    _refuse(~numbers.between(0, 1), cells, "probability", path, "a number from 0 to 1 with a decimal point (if it is "
            "a logit: 1 / (1 + exp(-logit)))")  # fmt: skip
    return numbers


def _patients(table: pd.DataFrame, path: Path) -> pd.Series:
    unknown = table["patient_id"].isna()
    if unknown.any():
        _log.warning(
            "%s names no patient for %d of %d images: each of them counts as a patient of its own, and intervals are "
            "too narrow where a patient has several",
            path.name, unknown.sum(), len(table),
        )  # fmt: skip
    return table["patient_id"].mask(unknown, lone_patient(table["image_name"]))


def lone_patient(image_name: pd.Series) -> pd.Series:
    """Make a patient of each image, where none is known."""
    return "image " + image_name


def _refuse(wrong: pd.Series, cells: pd.DataFrame, column: str, path: Path, expected: str) -> None:
    if (row := first_row(wrong)) is not None:
        raise DataError(
            f"{path} line {cells.index[row]}: {column} is {str(cells[column].iloc[row])[:80]!r}; expected {expected}"
        )
