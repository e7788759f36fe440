"""Which images of another data set a model was trained or validated on: by name, by file, by look."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from melanoma.checkpoint import Checkpoint
from melanoma.data.digests import Digests, find_file, find_picture
from melanoma.data.fingerprints import Fingerprints

COLUMNS = ["image_name", "kind", "known_as", "split"]
"""Of overlap.csv: an image of the other data set, how it is known, and the model's own image with its split."""
KINDS = ("name", "file", "look")
_SUFFIX = "_downsampled"


@dataclass(frozen=True)
class Counts:
    """Plain values, as JSON has them."""

    images: int
    """Of the other data set, before any is left out."""
    known: int
    """Of them, those that the model was trained or validated on."""
    by_kind: dict[str, int]
    """An image may be known in several ways."""
    checkpoints: int
    without_pictures: int
    """Of them, those without digests, whose images were compared by name alone."""
    unread: int
    """Images that could not be read, and were compared by name alone."""
    treatment: str
    """drop or keep."""


@dataclass(frozen=True)
class Overlap:
    """What another data set shares with the images that a model was trained or validated on."""

    rows: pd.DataFrame
    """`COLUMNS`: a row for each image and kind."""
    counts: Counts


def find_known(names: list[str], prints: Fingerprints | None, checkpoint: Checkpoint) -> pd.DataFrame:
    """Look for images of another data set among those that a checkpoint was trained or validated on.

    Args:
        names: The other data set's images.
        prints: Their fingerprints; None compares names alone, as does a checkpoint without digests.
        checkpoint: What was trained.

    Returns:
        `COLUMNS`, by kind.
    """
    used = [(name, split, row) for row, (name, split) in enumerate(checkpoint.splits.items()) if split != "test"]
    place = {plain_name(name): number for number, (name, *_) in enumerate(used)}
    found = [("name", name, place[plain_name(name)]) for name in names if plain_name(name) in place]
    if prints is not None and checkpoint.digests is not None:
        digests = Digests(**{name: rows.numpy() for name, rows in checkpoint.digests.items()})
        digests = digests.of(np.array([row for *_, row in used], np.intp))
        for kind, numbers in (("file", find_file(prints, digests)), ("look", find_picture(prints, digests))):
            found += [(kind, prints.image_names[row], int(numbers[row])) for row in np.flatnonzero(numbers >= 0)]
    rows = [(name, kind, *used[number][:2]) for kind, name, number in found]
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str")


def plain_name(name: str) -> str:
    """Give what names of one image have in common: the ISIC archive's number, else the name in lower case.

    Sizes that were put behind it, as in ISIC_0000001_downsampled, are no part of it.
    """
    short = name.casefold().removesuffix(_SUFFIX)
    number = re.fullmatch(r"isic_?0*(\d+)", short)
    return f"isic_{number[1]}" if number else short
