"""A data config -> the canonical table and the split of each row."""

import logging
from pathlib import Path

import pandas as pd

from melanoma.config import DataConfig, SplitConfig
from melanoma.data.demo import draw
from melanoma.data.records import read_records
from melanoma.data.splits import assert_disjoint, describe, draw_splits, load_splits

_log = logging.getLogger(__name__)


def read_table(data: DataConfig) -> pd.DataFrame:
    """Read the canonical table, of a demo data set that is drawn first if need be."""
    if data.demo is not None:
        draw(Path(data.root), data.demo)
    table = read_records(data)
    _log.info("%s: %d images of %d patients", data.name, len(table), table["patient_id"].nunique())
    return table


def open_table(data: DataConfig, config: SplitConfig) -> tuple[pd.DataFrame, pd.Series]:
    """Read the table, and load or draw its splits.

    Raises:
        DataError: if the table or the splits break their contract.
    """
    table = read_table(data)
    split = load_splits(table, Path(data.splits)) if data.splits else draw_splits(table, config)
    assert_disjoint(table, split)
    describe(table, split)
    return table, split
