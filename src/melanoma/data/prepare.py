"""Originals -> a resized store with splits and an audit."""

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

import pandas as pd

from melanoma.config import DataConfig, PrepareConfig
from melanoma.data.audit import Audit, audit
from melanoma.data.audit_page import finding, remarks, write_audit
from melanoma.data.cells import read_cells
from melanoma.data.contact_sheet import draw_contact_sheet
from melanoma.data.faults import Faults
from melanoma.data.fingerprints import fingerprint_images
from melanoma.data.leaks import KINDS, count_within, find_leaks
from melanoma.data.readers import READERS, Reader
from melanoma.data.readers.folder import Folder
from melanoma.data.splits import save_splits
from melanoma.data.stores.fill import fill
from melanoma.data.stores.ledger import Ledger, claim
from melanoma.data.table import choose_splits, open_data, read_table
from melanoma.errors import DataError

_FOLDERS = {"jpeg": "jpeg", "tfrecord": "tfrecords"}
_LAYOUT = 1
"""Raised when the same settings would give other files."""

_log = logging.getLogger(__name__)


def prepare(config: PrepareConfig) -> None:
    """Write the store, train.csv, splits.csv, audit.json and audit.html; go on with one that was interrupted.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    root = Path(config.out)
    table, reader = _open(config)
    table, split = choose_splits(table, config.data, config.split)
    with claim(root, _settings(config, table, split)):
        if reader is None:
            figures = _audit(config, table, split, _csv_sizes(config.data, table))
        else:
            table, split, figures = _fill(config, root, table, split, reader)
        save_splits(table, split, root / "splits.csv")
    _write(root / "audit.json", json.dumps(figures, indent=2, allow_nan=False) + "\n")
    write_audit(root / "audit.html", figures)
    for remark in remarks(figures):
        _log.warning(remark)
    print(finding(figures))
    print(f"audit {root / 'audit.html'}")


def _fill(
    config: PrepareConfig, root: Path, table: pd.DataFrame, split: pd.Series, reader: Reader
) -> tuple[pd.DataFrame, pd.Series, Audit]:
    """Make the images and train.csv; give the rows of the images that are there, their splits, and the audit."""
    ledger = Ledger(root, _FOLDERS[config.format])
    faults = fill(table, split, reader, ledger, config)
    made = table["image_name"].isin(ledger.entries.keys() - set(faults.missing))
    if not made.any():
        raise DataError(f"{config.data.name}: no image could be made; look at data.root and data.images")
    table, split = table[made].reset_index(drop=True), split[made].reset_index(drop=True)
    sizes = _original_sizes(table, ledger)
    _write(root / "train.csv", pd.concat([table, sizes], axis=1).to_csv(index=False))
    return table, split, _audit(config, table, split, sizes, faults)


def _audit(
    config: PrepareConfig,
    table: pd.DataFrame,
    split: pd.Series,
    sizes: pd.DataFrame | None,
    faults: Faults | None = None,
) -> Audit:
    return audit(
        table,
        split,
        sizes,
        name=config.data.name,
        size=config.size,
        missing_files=None if faults is None else faults.missing,
        unreadable=None if faults is None else faults.unreadable,
        alike=_alike(table, split, Path(config.out), config),
    )


def _open(config: PrepareConfig) -> tuple[pd.DataFrame, Reader | None]:
    return (
        open_data(config.data, config.reader, Path(config.cache)) if config.images else (read_table(config.data), None)
    )


def _settings(config: PrepareConfig, table: pd.DataFrame, split: pd.Series) -> dict[str, Any]:
    """Give what must stay the same for a later run to go on in the same folder."""
    settings: dict[str, Any] = {"layout": _LAYOUT, "data": config.data.name}
    if config.images:
        settings |= {name: getattr(config, name) for name in ("size", "fit", "format", "quality")}
        if config.format == "tfrecord":  # records repeat the table, and a shard holds one split
            text = table.assign(split=split).to_csv(index=False)
            settings["table_and_splits"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return settings


def _original_sizes(table: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    entries = [ledger.entries[name] for name in table["image_name"]]
    return pd.DataFrame({"width": [e.width for e in entries], "height": [e.height for e in entries]}, table.index)


def _csv_sizes(data: DataConfig, table: pd.DataFrame) -> pd.DataFrame | None:
    """Take width and height from the CSV, if it says those of every image."""
    parts = []
    for one in (data, *data.extra.values()):
        cells = read_cells(one)
        if not {"width", "height"} <= set(cells.frame.columns):
            return None
        parts.append(cells.frame.set_index(cells.image_name)[["width", "height"]])
    sizes = pd.concat(parts).apply(pd.to_numeric, errors="coerce")
    sizes = sizes[~sizes.index.duplicated()].loc[table["image_name"]].set_axis(table.index)
    return None if sizes.isna().any(axis=None) else sizes.astype(int)


def _alike(table: pd.DataFrame, split: pd.Series, root: Path, config: PrepareConfig) -> dict[str, Any]:
    """List in leaks.csv what the splits share; without images, lesions alone.

    The stored pictures are compared, which are as alike as their originals and read many times faster.
    """
    folder = root / _FOLDERS[config.format]
    reader = fingerprints = None
    if config.images and config.data.leaks != "ids":
        reader = READERS[config.format](Folder(root, folder, [".jpg", ".tfrec"], "out"))
        names = table["image_name"].tolist()
        fingerprints = fingerprint_images(reader, names, Path(config.cache), str(folder.resolve()), config.workers)
    leaks = find_leaks(table, split, fingerprints)
    _write(root / "leaks.csv", leaks.pairs.to_csv(index=False))
    pictures = leaks.pairs[leaks.pairs["kind"].isin(["bytes", "near"])]
    (root / "leaks.png").unlink(missing_ok=True)  # of a former run
    if reader is not None and len(pictures):
        draw_contact_sheet(pictures, reader, root / "leaks.png")
    return {
        "across_splits": {kind: leaks.counts().get(kind, 0) for kind in KINDS},
        "within_splits": count_within(table, split, fingerprints) if fingerprints else None,
    }


def _write(path: Path, text: str) -> None:
    """Replace a file in one step."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
