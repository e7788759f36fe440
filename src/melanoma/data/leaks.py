"""What two splits share: patients, lesions, files, pictures. Looked for before training."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from melanoma.data.contact_sheet import draw_contact_sheet
from melanoma.data.fingerprints import Fingerprints, fingerprint_images
from melanoma.data.near_duplicates import find_near_duplicates
from melanoma.data.readers import Reader
from melanoma.errors import SplitError

COLUMNS = ["image_name_1", "split_1", "image_name_2", "split_2", "kind", "distance"]
KINDS = {"patient": "of one patient", "lesion": "of one lesion", "bytes": "identical", "near": "nearly identical"}
_HELD_OUT_FIRST = ("test", "val", "train")
_EXAMPLES = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Leaks:
    """What the splits share, as pairs of images; leaving out every second image mends the splits."""

    pairs: pd.DataFrame
    """`COLUMNS`, by kind and distance: the bits in which two hashes of 64 differ, missing for patients and lesions.
    The first image is test's rather than val's, and val's rather than train's. A patient, lesion or file with many
    images has a pair for each of them that is in another split than its first one."""
    fingerprints: Fingerprints | None = None
    """Of the images that were compared; None where only ids were."""

    def counts(self) -> dict[str, int]:
        """Give the number of pairs of each kind there is."""
        found = self.pairs["kind"].value_counts()
        return {kind: int(found[kind]) for kind in KINDS if kind in found}


def check_leaks(
    table: pd.DataFrame, split: pd.Series, reader: Reader, level: str, folder: Path, cache: Path | None, key: str
) -> Leaks:
    """Find what the splits share; list it in `folder`/leaks.csv, and show pictures in leaks.png if there are any.

    Args:
        table: The canonical table.
        split: The split of each row.
        reader: Opens the images.
        level: ids compares patients and lesions alone; images also files and pictures; with strict, near-duplicates
            are an error too, not a warning.
        folder: The run's.
        cache: Keeps the images' fingerprints; None keeps none.
        key: Names the reader and its folders, to tell fingerprints apart.

    Raises:
        SplitError: if two splits share a patient, a lesion or a file, or with strict a near-duplicate.
    """
    fingerprints = None if level == "ids" else fingerprint_images(reader, table["image_name"].tolist(), cache, key)
    if fingerprints and fingerprints.unread:
        name, reason = next(iter(fingerprints.unread.items()))
        _log.warning("%d images were not compared, such as %s: %s", len(fingerprints.unread), name, reason)
    leaks = find_leaks(table, split, fingerprints)
    _write(leaks.pairs, folder / "leaks.csv")
    pictures = leaks.pairs[leaks.pairs["kind"].isin(["bytes", "near"])]
    if len(pictures):
        draw_contact_sheet(pictures, reader, folder / "leaks.png")
    _judge(leaks, level, folder)
    return leaks


def find_leaks(table: pd.DataFrame, split: pd.Series, fingerprints: Fingerprints | None) -> Leaks:
    """Find what the splits share; without fingerprints, patients and lesions alone."""
    images = pd.DataFrame({"image_name": table["image_name"], "split": split})
    parts = [_shared(images, table[f"{kind}_id"], kind) for kind in ("patient", "lesion")]
    if fingerprints:
        read = _images_of(fingerprints, table, split)
        parts += [_shared(read, _files(fingerprints), "bytes"), _near(read, fingerprints)]
    return Leaks(pd.concat(parts, ignore_index=True), fingerprints)


def count_within(table: pd.DataFrame, split: pd.Series, fingerprints: Fingerprints) -> dict[str, dict[str, int]]:
    """Count in each split the images whose file is another one's too, and the pairs of near-duplicates."""
    read, files = _images_of(fingerprints, table, split), _files(fingerprints)
    counts = {}
    for name in split.unique():
        rows = np.flatnonzero(read["split"] == name)
        near = len(find_near_duplicates(fingerprints, rows, rows)) // 2
        counts[name] = {"bytes": int(files[rows].duplicated().sum()), "near": near}
    return counts


def _images_of(fingerprints: Fingerprints, table: pd.DataFrame, split: pd.Series) -> pd.DataFrame:
    """Give name and split of the fingerprinted images, in their order."""
    split_of = dict(zip(table["image_name"], split, strict=True))
    names = fingerprints.image_names
    return pd.DataFrame({"image_name": names, "split": [split_of[name] for name in names]}, dtype="str")


def _files(fingerprints: Fingerprints) -> pd.Series:
    return pd.Series([digest.tobytes() for digest in fingerprints.digests], dtype=object)


def _shared(images: pd.DataFrame, group: pd.Series, kind: str) -> pd.DataFrame:
    """Pair the first image of each group with those in other splits."""
    known = images.assign(group=group)[group.notna()]
    known = known.sort_values("split", key=lambda names: names.map(_HELD_OUT_FIRST.index), kind="stable")
    first = known.groupby("group", sort=False)[["image_name", "split"]].transform("first")
    across = first["split"] != known["split"]
    sides = [first["image_name"], first["split"], known["image_name"], known["split"]]
    return _pairs([side[across] for side in sides], kind, 0 if kind == "bytes" else pd.NA)


def _near(images: pd.DataFrame, fingerprints: Fingerprints) -> pd.DataFrame:
    rows = {name: np.flatnonzero(images["split"] == name) for name in _HELD_OUT_FIRST}
    found = np.concatenate(
        [
            find_near_duplicates(fingerprints, rows[one], rows[other])
            for one, other in (("test", "val"), ("test", "train"), ("val", "train"))
        ]
    )
    one, other, bits = found[np.argsort(found[:, 2], kind="stable")].T
    names, splits = images["image_name"].to_numpy(), images["split"].to_numpy()
    return _pairs([names[one], splits[one], names[other], splits[other]], "near", bits)


def _pairs(sides: list[Any], kind: str, distance: Any) -> pd.DataFrame:
    frame = pd.DataFrame(dict(zip(COLUMNS, sides, strict=False)), dtype="str").assign(kind=kind, distance=distance)
    return frame.astype({"kind": "str", "distance": "Int64"})


def _write(pairs: pd.DataFrame, path: Path) -> None:
    temporary = path.with_suffix(".csv.tmp")
    pairs.to_csv(temporary, index=False)
    os.replace(temporary, path)


def _judge(leaks: Leaks, level: str, folder: Path) -> None:
    """Raise on what makes a result worthless; warn of near-duplicates, which a person should look at."""
    grave = Leaks(leaks.pairs[(leaks.pairs["kind"] != "near") | (level == "strict")])
    if len(grave.pairs):
        kinds, listed = grave.counts().keys(), folder.absolute() / "leaks.csv"
        less = "" if kinds & {"patient", "lesion"} else f"; or data.leaks={'ids' if 'bytes' in kinds else 'images'}"
        raise SplitError(
            f"{_describe(grave)}. To leave the second image of each pair out: data.duplicates={listed} "
            f"data.splits={listed.with_name('splits.csv')}; or give other splits with data.splits=FILE{less}"
        )
    if len(leaks.pairs):
        _log.warning("%s; look at them in %s", _describe(leaks), folder / "leaks.png")


def _describe(leaks: Leaks) -> str:
    counts = ", ".join(f"{count} {KINDS[kind]}" for kind, count in leaks.counts().items())
    first = leaks.pairs[COLUMNS[:4]].head(_EXAMPLES).itertuples(index=False)
    examples = ", ".join(f"{one} ({split}) and {other} ({other_split})" for one, split, other, other_split in first)
    return f"the splits share image pairs: {counts} (leaks.csv lists them), such as {examples}"
