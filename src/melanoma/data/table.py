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
from melanoma.errors import ConfigError, DataError, SplitError

_log = logging.getLogger(__name__)


def open_data(data: DataConfig, reader: ReaderConfig, cache: Path | None) -> tuple[pd.DataFrame, Reader]:
    """Read the canonical table and open its reader; rows of `data.extra` follow, but for images named before.

    Raises:
        DataError: if a table breaks the contract, or a folder is not there.
    """
    opened = {name: _open(one, reader, cache) for name, one in _data_sets(data).items()}
    if len(opened) == 1:
        return opened[data.name]
    table = _join([part for part, _ in opened.values()], data)
    source_of = dict(zip(table["image_name"], table["source"], strict=True))
    return table, SourcesReader({name: own for name, (_, own) in opened.items()}, source_of)


def read_table(data: DataConfig) -> pd.DataFrame:
    """Read the canonical table as `open_data` does, from CSVs alone; no image need be there.

    Raises:
        DataError: if a table breaks the contract.
        ConfigError: if there is no CSV.
    """
    parts = []
    for name, one in _data_sets(data).items():
        table = _read_csv(one)
        if table is None:
            raise ConfigError(f"{name} has no CSV (data.csv=null), and images=false opens no image; leave images=true")
        parts.append(_finish(table, one))
    return _join(parts, data)


def _data_sets(data: DataConfig) -> dict[str, DataConfig]:
    if data.name in data.extra:
        raise DataError(f"data.extra.{data.name}: {data.name} is there already; give it another name")
    return {data.name: data} | {name: replace(extra, name=name) for name, extra in data.extra.items()}


def _open(data: DataConfig, reader: ReaderConfig, cache: Path | None) -> tuple[pd.DataFrame, Reader]:
    # A missing CSV says more about what is wrong than a missing folder of images.
    table = _read_csv(data)
    own = make_reader(data, data.reader or reader, cache)
    table = records_from_headers(data, own) if table is None else complete_from_headers(table, data, own)
    return _finish(table, data), own


def _read_csv(data: DataConfig) -> pd.DataFrame | None:
    """Read the table, of a demo data set that is drawn first if need be; None where there is no CSV."""
    if data.demo is not None:
        draw(Path(data.root), data.demo)
    return read_records(data) if data.csv else None


def _finish(table: pd.DataFrame, data: DataConfig) -> pd.DataFrame:
    table = drop_listed(table, data)
    _require(table, data)
    _log.info("%s: %d images of %d patients", data.name, len(table), table["patient_id"].nunique())
    return table


def _join(parts: list[pd.DataFrame], data: DataConfig) -> pd.DataFrame:
    table = pd.concat(parts, ignore_index=True)
    repeated = table.duplicated("image_name")
    for name, count in table.loc[repeated, "source"].value_counts().items():
        _log.warning("%s: %d images are in a data set before it, and left out", name, count)
    # Leaks between data sets are listed together, and can be left out together.
    return drop_listed(table[~repeated], data)


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
