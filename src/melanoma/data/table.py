"""A data config -> the canonical table, the reader of its images, and the split of each row."""

import logging
from dataclasses import replace
from pathlib import Path

import pandas as pd

from melanoma.config import DataConfig, ReaderConfig, SplitConfig
from melanoma.data.demo import draw
from melanoma.data.duplicates import drop_listed
from melanoma.data.headers import complete_from_headers, records_from_headers
from melanoma.data.readers import Reader, make_reader
from melanoma.data.readers.sources import SourcesReader
from melanoma.data.records import read_records
from melanoma.data.splits import assert_disjoint, describe, draw_splits, load_splits
from melanoma.errors import DataError, SplitError

_log = logging.getLogger(__name__)


def open_data(data: DataConfig, reader: ReaderConfig, cache: Path | None) -> tuple[pd.DataFrame, Reader]:
    """Read the canonical table and open its reader; rows of `data.extra` follow, but for images named before.

    Raises:
        DataError: if a table breaks the contract, or a folder is not there.
    """
    opened = {data.name: _open(data, reader, cache)}
    for name, extra in data.extra.items():
        if name in opened:
            raise DataError(f"data.extra.{name}: {name} is there already; give it another name")
        opened[name] = _open(replace(extra, name=name), reader, cache)
    if len(opened) == 1:
        return opened[data.name]
    table = pd.concat([part for part, _ in opened.values()], ignore_index=True)
    repeated = table.duplicated("image_name")
    for name, count in table.loc[repeated, "source"].value_counts().items():
        _log.warning("%s: %d images are in a data set before it, and left out", name, count)
    table = table[~repeated].reset_index(drop=True)
    source_of = dict(zip(table["image_name"], table["source"], strict=True))
    return table, SourcesReader({name: own for name, (_, own) in opened.items()}, source_of)


def _open(data: DataConfig, reader: ReaderConfig, cache: Path | None) -> tuple[pd.DataFrame, Reader]:
    if data.demo is not None:
        draw(Path(data.root), data.demo)
    # A missing CSV says more about what is wrong than a missing folder of images.
    table = read_records(data) if data.csv else None
    own = make_reader(data, data.reader or reader, cache)
    table = records_from_headers(data, own) if table is None else complete_from_headers(table, data, own)
    table = drop_listed(table, data)
    _require(table, data)
    _log.info("%s: %d images of %d patients", data.name, len(table), table["patient_id"].nunique())
    return table, own


def _require(table: pd.DataFrame, data: DataConfig) -> None:
    if table.empty:
        raise DataError(f"{data.name}: no images are left; look at data.columns.fold and data.duplicates")
    for name in ("patient_id", "target"):
        absent = table[name].isna()
        if absent.any():
            raise DataError(
                f"{data.name}: {name} of {absent.sum()} of {len(table)} images is not known, such as "
                f"{table.loc[absent, 'image_name'].iloc[0]}; name its column with data.columns.{name}=COLUMN"
                + (" (image_name lets each image be its own patient)" if name == "patient_id" else "")
            )


def choose_splits(table: pd.DataFrame, data: DataConfig, config: SplitConfig) -> tuple[pd.DataFrame, pd.Series]:
    """Load the splits, take them from the table's folds, or draw them; give the rows that take part, and their split.

    With `config.extra=train` the images of further data sets are only learnt from; those whose patient or lesion is
    held out for validation or test are left out.

    Raises:
        SplitError: if the splits break their contract.
    """
    further = (table["source"] != data.name) & (config.extra == "train")
    split = _choose(table[~further], data, config)
    if further.any():
        kept = table[further & ~_held_out(table, split)]
        _log.info("%d images of further data sets join the training split", len(kept))
        if left_out := int(further.sum()) - len(kept):
            _log.warning("%d more are left out: their patient or lesion is held out for validation or test", left_out)
        split = pd.concat([split, pd.Series("train", index=kept.index, name="split")])
    table, split = table.loc[split.index].reset_index(drop=True), split.reset_index(drop=True)
    assert_disjoint(table, split)
    describe(table, split)
    return table, split


def _choose(table: pd.DataFrame, data: DataConfig, config: SplitConfig) -> pd.Series:
    if data.splits:
        return load_splits(table, Path(data.splits))
    if config.val_folds or config.test_folds:
        return _by_fold(table, data, config)
    return draw_splits(table, config)


def _by_fold(table: pd.DataFrame, data: DataConfig, config: SplitConfig) -> pd.Series:
    if table["fold"].isna().any():
        raise SplitError(f"split.val_folds and split.test_folds need a fold for every image of {data.name}: name its "
                         "column with data.columns.fold=COLUMN")  # fmt: skip
    found = sorted(table["fold"].unique())
    for option, folds in (("test_folds", config.test_folds), ("val_folds", config.val_folds)):
        if unknown := set(folds) - set(found):
            raise SplitError(f"split.{option}: no image has fold {min(unknown)}; found {', '.join(map(str, found))}")
    if both := set(config.test_folds) & set(config.val_folds):
        raise SplitError(f"fold {min(both)} is in both split.test_folds and split.val_folds")
    if not config.val_folds:
        raise SplitError("split.test_folds needs split.val_folds too: name the folds that choose the best epoch")
    split = pd.Series("train", index=table.index, name="split")
    split[table["fold"].isin(config.val_folds)] = "val"
    split[table["fold"].isin(config.test_folds)] = "test"
    return split


def _held_out(table: pd.DataFrame, split: pd.Series) -> pd.Series:
    """Say of every row whether its patient or lesion is in validation or test."""
    held = table.loc[split.index[split != "train"]]
    lesions = held["lesion_id"].dropna()
    return table["patient_id"].isin(held["patient_id"]) | table["lesion_id"].isin(lesions)
