"""Rows that the data set itself says to leave out: listed duplicates, and folds below 0."""

import logging
from pathlib import Path

import pandas as pd

from melanoma.config import DataConfig
from melanoma.errors import DataError

_log = logging.getLogger(__name__)


def drop_listed(table: pd.DataFrame, config: DataConfig) -> pd.DataFrame:
    """Leave out the rows with a fold below 0, and all but one image of each set of listed duplicates.

    Raises:
        DataError: if the list of duplicates cannot be used.
    """
    outside = (table["fold"] < 0).fillna(False).astype(bool)
    if outside.any():
        _log.info("%s: %d images with a fold below 0 are left out", config.name, outside.sum())
        table = table[~outside]
    if config.duplicates is not None:
        later = _later(_read_pairs(Path(config.root, config.duplicates), config), set(table["image_name"]))
        if later:
            _log.info("%s: %d images are listed as duplicates and left out", config.name, len(later))
        table = table[~table["image_name"].isin(later)]
    return table.reset_index(drop=True)


def _read_pairs(path: Path, config: DataConfig) -> list[tuple[str, str]]:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(f"data.duplicates={path} cannot be read: {str(error).splitlines()[0]}") from error
    columns = ["image_name_1", "image_name_2"]
    if missing := set(columns) - set(frame.columns):
        raise DataError(f"{path} has no column {' and '.join(sorted(missing))}; found {', '.join(frame.columns)}")
    names = frame[columns].apply(lambda column: column.str.strip().str.removesuffix(config.name_ending))
    return list(names.itertuples(index=False, name=None))


def _later(pairs: list[tuple[str, str]], present: set[str]) -> set[str]:
    """Give the images of the table that another one, which stays, stands for."""
    stands_for: dict[str, str] = {}

    def first(name: str) -> str:
        while name in stands_for:
            name = stands_for[name]
        return name

    for one, two in pairs:
        if one in present and two in present and first(one) != first(two):
            stands_for[first(two)] = first(one)
    return set(stands_for)
