"""Any metadata CSV becomes the canonical table, by the data config's mapping alone."""

import logging

import numpy as np
import pandas as pd

from melanoma.config import DataConfig
from melanoma.data.cells import Cells, first_row, read_cells
from melanoma.errors import DataError
from melanoma.schema import near
from melanoma.vocabulary import SEXES, SITES

VOCABULARIES = {"sex": SEXES, "anatom_site_general_challenge": SITES}
COLUMNS = (
    "image_name",
    "patient_id",
    "lesion_id",
    "sex",
    "age_approx",
    "anatom_site_general_challenge",
    "target",
    "fold",
    "source",
)
"""The canonical table's columns, in order; one row an image."""

_OPTIONS = {"sex": "sexes", "anatom_site_general_challenge": "sites"}

_log = logging.getLogger(__name__)


def read_records(config: DataConfig) -> pd.DataFrame:
    """Read the data set's CSV into the canonical table.

    Raises:
        DataError: naming the file, line and column of the first value that breaks the contract.
    """
    cells = read_cells(config)
    _require_columns(cells, config)
    return _without_repeats(canonical(cells, config), cells)


def canonical(cells: Cells, config: DataConfig) -> pd.DataFrame:
    """Map text cells to the canonical table, column by column; a column that is not there is missing.

    Returns:
        A frame with `COLUMNS`: text, but age_approx float years, target and fold Int64; unknown values are missing.
    """
    table = pd.DataFrame(index=cells.frame.index)
    table["image_name"] = _image_names(cells, config)
    table["patient_id"] = _patient_ids(cells, config)
    table["lesion_id"] = _words(cells, config.columns.lesion_id, config)
    for name, allowed in VOCABULARIES.items():
        table[name] = _vocabulary(cells, name, allowed, config)
    table["age_approx"] = _ages(cells, config)
    table["target"] = _targets(cells, config)
    table["fold"] = _folds(cells, config)
    table["source"] = pd.Series(config.name, index=table.index, dtype="str")
    return table[list(COLUMNS)]


def _require_columns(cells: Cells, config: DataConfig) -> None:
    none = f"; if there is none, [{config.columns.image_name}] lets each image be its own patient"
    for name in COLUMNS[:-1]:
        way_out = {"patient_id": none, "image_name": "", "target": ""}.get(name, ", or null if there is none")
        wanted = getattr(config.columns, name)
        for column in wanted if isinstance(wanted, list) else [wanted]:
            if column is not None and column not in cells.frame.columns:
                raise DataError(
                    f"{cells.name} has no column {column!r}; {near(column, cells.frame.columns, cells.frame.columns)} "
                    f"(name it with data.columns.{name}=COLUMN{way_out})"
                )


def _image_names(cells: Cells, config: DataConfig) -> pd.Series:
    column = config.columns.image_name
    names = cells.frame[column]
    unsafe = names.str.contains(r"[/\\\x00-\x1f]", regex=True) | names.isin(["", ".", ".."])
    if (row := first_row(unsafe)) is not None:
        raise DataError(
            f"{cells.where(row, column)}: {column} is {cells.quote(row, column)}; expected the name of a file "
            "without a folder: no path separator, no control character, not blank"
        )
    return names


def _patient_ids(cells: Cells, config: DataConfig) -> pd.Series:
    columns = config.columns.patient_id
    if not columns:
        return _words(cells, None, config)
    ids = _words(cells, columns[0], config).fillna("")
    for column in columns[1:]:
        ids = ids.where(ids != "", _words(cells, column, config).fillna(""))
    if (row := first_row(ids == "")) is not None:
        image = config.columns.image_name
        raise DataError(
            f"{cells.where(row, columns[0])}: {' and '.join(columns)} is blank, and two splits must not share a "
            f"patient. To let each such image be its own patient: data.columns.patient_id=[{','.join(columns)},{image}]"
        )
    if columns != ["patient_id"]:
        _log.info("%s: splits are grouped by %s, which stands for the patient", config.name, " else ".join(columns))
    return ids


def _words(cells: Cells, column: str | None, config: DataConfig) -> pd.Series:
    """Give the column's text, with missing for the words that mean it and for a column that is not there."""
    if column is None:
        return pd.Series(pd.NA, index=cells.frame.index, dtype="str")
    words = cells.frame[column]
    return words.mask(words.str.lower().isin(config.missing))


def _vocabulary(cells: Cells, name: str, allowed: tuple[str, ...], config: DataConfig) -> pd.Series:
    option, column = _OPTIONS[name], getattr(config.columns, name)
    mapping: dict[str, str] = getattr(config, option)
    for word, meaning in mapping.items():
        if meaning not in (*allowed, ""):
            raise DataError(f"data.{option}.{word} is {meaning!r}; expected one of {', '.join(allowed)}, or ''")
    words = _words(cells, column, config).str.lower()
    lookup = {word: word for word in allowed} | {word.lower(): meaning for word, meaning in mapping.items()}
    mapped = words.map(lookup)
    if (row := cells.first_fault(words.notna() & mapped.isna(), name)) is not None:
        word = words[row] if column in cells.places else "WORD"
        raise DataError(
            f"{cells.where(row, column)}: {column} is {cells.quote(row, column).lower()}"
            f"{cells.further(column, words[mapped.isna()])}; expected one of {', '.join(allowed)}. "
            f"Map it with '+data.{option}={{{word}: ONE OF THEM}}', or to '' for unknown"
        )
    return mapped.mask(mapped == "")


def _ages(cells: Cells, config: DataConfig) -> pd.Series:
    column = config.columns.age_approx
    words = _words(cells, column, config)
    ages = pd.to_numeric(words, errors="coerce").astype("float64")
    wrong = words.notna() & ~ages.between(0, 120)
    if column is not None and (row := cells.first_fault(wrong, "age_approx")) is not None:
        raise DataError(
            f"{cells.where(row, column)}: {column} is {cells.quote(row, column)}; expected 0 to 120 years, or blank"
            + ("" if column in cells.places else " (in DICOM of the form 045Y, 018M, 003W or 010D)")
        )
    return ages.mask(wrong)


def _targets(cells: Cells, config: DataConfig) -> pd.Series:
    columns = config.columns.target
    if not columns:
        return pd.Series(pd.NA, index=cells.frame.index, dtype="Int64")
    for word, label in config.labels.items():
        if label not in (0, 1):
            raise DataError(f"data.labels.{word} is {label}; expected 0 or 1")
    column = columns[0]
    words = cells.frame[column] if len(columns) == 1 else _one_hot(cells, columns)
    targets = words.map(config.labels)
    if (row := first_row(targets.isna())) is not None:
        word = words[row] if column in cells.places else "WORD"
        way_out = "Give every row a label" if word == "" else f"Map it with '+data.labels={{{word}: 1}}', or 0"
        found = cells.quote(row, column) if len(columns) == 1 else repr(word)
        raise DataError(
            f"{cells.where(row, column)}: {column if len(columns) == 1 else 'the label'} is {found}"
            f"{cells.further(column, words[targets.isna()])}; expected one of {', '.join(config.labels)}. {way_out}"
        )
    return targets.astype("Int64")


def _one_hot(cells: Cells, columns: list[str]) -> pd.Series:
    """Give for every row the name of its one column that is 1."""
    numbers = cells.frame[columns].apply(pd.to_numeric, errors="coerce")
    wrong = ~numbers.isin([0, 1]).all(axis=1) | (numbers.sum(axis=1) != 1)
    if (row := first_row(wrong)) is not None:
        raise DataError(f"{cells.where(row, columns[0])}: expected 1 in one of {', '.join(columns)}, and 0 in the rest")
    return pd.Series(np.array(columns)[numbers.to_numpy().argmax(axis=1)], index=cells.frame.index, dtype="str")


def _folds(cells: Cells, config: DataConfig) -> pd.Series:
    column = config.columns.fold
    if column is None:
        return pd.Series(pd.NA, index=cells.frame.index, dtype="Int64")
    folds = pd.to_numeric(cells.frame[column], errors="coerce")
    if (row := first_row(folds.isna() | (folds % 1 != 0))) is not None:
        raise DataError(f"{cells.where(row, column)}: {column} is {cells.quote(row, column)}; expected a whole number")
    return folds.astype("Int64")


def _without_repeats(table: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    """Drop repeated images that agree; refuse those that do not."""
    repeated = table.duplicated("image_name")
    if not repeated.any():
        return table
    conflict = table.groupby("image_name")[["target", "patient_id"]].transform("nunique").gt(1).any(axis=1)
    if (row := first_row(conflict & repeated)) is not None:
        raise DataError(
            f"{cells.where(row, cells.image_name)}: image {table['image_name'][row]} was there before with another "
            "target or patient; keep one of the rows"
        )
    _log.warning("%s: %d rows repeat an image and were dropped", cells.name, int(repeated.sum()))
    return table[~repeated].reset_index(drop=True)
