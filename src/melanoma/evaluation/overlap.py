"""Another data set is scored without the images that a model knows."""

import logging
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pandas as pd

from melanoma.config import EvalConfig
from melanoma.data.fingerprints import Fingerprints, fingerprint_images
from melanoma.data.readers import images_key
from melanoma.errors import DataError
from melanoma.evaluation.known_images import KINDS, Counts, Overlap, find_known
from melanoma.evaluation.report import counted
from melanoma.evaluation.scoring import Opened

_log = logging.getLogger(__name__)


def without_known(opened: dict[str, Opened], config: EvalConfig) -> dict[str, Opened]:
    """Leave out of all checkpoints' rows what any of them was trained or validated on, as `overlap` says.

    `opened`, by the checkpoint's path, holds the same rows; those of the checkpoint's own data set stay as they are.

    Raises:
        DataError: if nothing is left; with overlap=fail, if anything was found.
    """
    members = list(opened.values())
    if not any(member.is_external for member in members):
        return opened
    names = members[0].table["image_name"].tolist()
    prints = _read_prints(members, names, config)
    found = pd.concat([find_known(names, prints, one.checkpoint) for one in members], ignore_index=True)
    rows = found.drop_duplicates(ignore_index=True)
    overlap = Overlap(rows, _count(rows, members, prints, config.overlap, len(names)))
    _judge(overlap, config.overlap)
    known = set(rows["image_name"]) if config.overlap == "drop" else set()
    return {path: _leave_out(one, known, overlap) for path, one in opened.items()}


def describe(counts: Counts) -> str:
    """Say in a sentence or two what was found, and what was done about it."""
    by_name = counts.without_pictures == counts.checkpoints
    way = "name" if by_name else "name, file or look"
    text = f"None of {counted(counts.images, 'image')} was used to train or validate the model, by {way}."
    if counts.known:
        them = "is" if counts.known == 1 else "are"
        done = (
            f"{them} left out" if counts.treatment == "drop" else f"{them} scored all the same, which is not evidence"
        )
        text = f"{_found(counts)} and {done}; overlap.csv says which."
    if counts.without_pictures:
        those = f" of {counts.without_pictures} of {counts.checkpoints} checkpoints" if not by_name else ""
        text += f" Names alone{those} were compared, as no digests of the images are kept there."
    if counts.unread:
        text += f" {counted(counts.unread, 'image')} could not be read and compared."
    return text


def _read_prints(members: list[Opened], names: list[str], config: EvalConfig) -> Fingerprints | None:
    """Fingerprint the images as training does, if a checkpoint has something to compare them with."""
    if all(one.checkpoint.digests is None for one in members):
        return None
    own = members[0].own
    return fingerprint_images(members[0].reader, names, Path(config.cache), images_key(own.data, own.reader))


def _count(
    rows: pd.DataFrame, members: list[Opened], prints: Fingerprints | None, treatment: str, images: int
) -> Counts:
    by_kind = {kind: int(rows.loc[rows["kind"] == kind, "image_name"].nunique()) for kind in KINDS}
    return Counts(
        images=images,
        known=int(rows["image_name"].nunique()),
        by_kind=by_kind,
        checkpoints=len(members),
        without_pictures=sum(one.checkpoint.digests is None for one in members),
        unread=len(prints.unread) if prints else 0,
        treatment=treatment,
    )


def _judge(overlap: Overlap, treatment: str) -> None:
    counts = overlap.counts
    if counts.known and treatment == "fail":
        example = overlap.rows["image_name"].iloc[0]
        raise DataError(f"{_found(counts)}, such as {example}; overlap=drop leaves them out")
    if counts.known == counts.images and treatment == "drop":
        raise DataError(f"{_found(counts)}: nothing is left to score; overlap=keep scores them, which is no evidence")
    if counts.known or counts.without_pictures:
        _log.warning("%s", describe(counts))


def _found(counts: Counts) -> str:
    kinds = ", ".join(f"{number} by {kind}" for kind, number in counts.by_kind.items() if number)
    verb = "was" if counts.known == 1 else "were"
    return f"{counts.known:,} of {counted(counts.images, 'image')} {verb} used to train or validate the model ({kinds})"


def _leave_out(member: Opened, known: Collection[str], overlap: Overlap) -> Opened:
    return replace(member, table=member.table[~member.table["image_name"].isin(known)], overlap=overlap)
