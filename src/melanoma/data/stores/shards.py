"""Writes TFRecord shards of resized images, each with what is known of them."""

import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from melanoma.data.splits import SPLITS
from melanoma.data.stores.ledger import Entry, Ledger
from melanoma.data.stores.tfrecord import write_shard

SHARD_IMAGES = 1024
"""Images a shard: what a killed run has to make again at most."""
_TEXTS = ("image_name", "patient_id", "sex", "anatom_site_general_challenge", "source")


class Shard(NamedTuple):
    """Rows of the canonical table that make one file."""

    stem: str
    rows: pd.DataFrame


class ShardStore:
    """A folder of `<split>NN-COUNT.tfrec`, each of them whole."""

    def __init__(self, ledger: Ledger) -> None:
        self._folder, self._ledger = ledger.folder, ledger
        self._folder.mkdir(exist_ok=True)
        for left_over in self._folder.glob("*.partial*"):
            left_over.unlink()

    def write(self, shard: Shard, pictures: Iterable[tuple[Entry, bytes]]) -> None:
        """Write one shard of the pictures that could be made."""
        for former in self._folder.glob(f"{shard.stem}-*"):
            former.unlink()
        entries: list[Entry] = []
        partial = self._folder / f"{shard.stem}.partial"
        rows = {str(row["image_name"]): row for row in shard.rows.to_dict("records")}
        write_shard(partial, _records(rows, pictures, entries))
        if not entries:
            partial.unlink()
            return
        file = f"{shard.stem}-{len(entries)}.tfrec"
        length = partial.stat().st_size
        # Told before the file appears: so a file that is there is always known.
        self._ledger.add([entry._replace(file=file, file_bytes=length) for entry in entries])
        os.replace(partial, self._folder / file)


def plan_shards(table: pd.DataFrame, split: pd.Series, missing: Collection[str] = ()) -> list[Shard]:
    """Cut every split into shards, in the table's order; missing images keep their places free."""
    shards = []
    for name in SPLITS:
        rows = table[split == name]
        count = math.ceil(len(rows) / SHARD_IMAGES)
        digits = max(2, len(str(count - 1)))
        for number in range(count):
            part = rows.iloc[number * SHARD_IMAGES : (number + 1) * SHARD_IMAGES]
            shards.append(Shard(f"{name}{number:0{digits}}", part[~part["image_name"].isin(missing)]))
    return shards


def _records(
    rows: Mapping[str, Mapping[Any, Any]], pictures: Iterable[tuple[Entry, bytes]], entries: list[Entry]
) -> Iterator[dict[str, bytes | int | float]]:
    for entry, data in pictures:
        entries.append(entry)
        row = rows[entry.image_name]
        yield {
            "image": data,
            "age_approx": float(row["age_approx"]),  # not a number where it is not known
            "target": int(row["target"]),
            **{name: _text(row[name]) for name in _TEXTS},
        }


def _text(value: Any) -> bytes:
    return b"" if pd.isna(value) else str(value).encode()
