"""Canonical table -> train, val and test that share no patient; saved, loaded and checked."""

import hashlib
import logging
import os
import warnings
from fractions import Fraction
from pathlib import Path

import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from melanoma.config import SplitConfig
from melanoma.errors import SplitError

SPLITS = ("train", "val", "test")
_MOST_FOLDS = 20
_LISTED = 10
"""Pairs of images in an error."""

_log = logging.getLogger(__name__)


def draw_splits(table: pd.DataFrame, config: SplitConfig) -> pd.Series:
    """Give every row a split, stratified by target and grouped by patient.

    The test split is taken first: one of the folds, or a fraction. The validation fraction is a share of what is left.

    Raises:
        SplitError: if there are fewer patients than the folds or fractions need.
    """
    split = pd.Series("train", index=table.index, name="split")
    if config.folds is not None and config.fold is not None:
        # Every run deals the patients out alike, so that the test splits of all folds are every image once.
        why = f"split.folds={config.folds}; use more patients or fewer folds"
        split[_deal(table, config.folds, config.seed, why)[config.fold]] = "test"
    elif config.test_fraction > 0:
        split[_take(table, config.test_fraction, config.seed)] = "test"
    rest = table[split == "train"]
    split[_take(rest, config.val_fraction, config.seed)] = "val"
    return split


def _take(table: pd.DataFrame, fraction: float, seed: int) -> pd.Index:
    """Choose whole patients that hold about `fraction` of the rows and of the positives.

    The fraction becomes k of n folds with n at most 20: 0.1 is 1 of 10.
    """
    share = Fraction(fraction).limit_denominator(_MOST_FOLDS)
    taken, folds = share.numerator, share.denominator
    if not 0 < taken < folds:
        raise SplitError(f"a split of {fraction} of the patients is too small or too large; use 0.05 to 0.95")
    parts = _deal(
        table, folds, seed, f"a fraction of {fraction}; use more patients, another fraction or data.splits=FILE"
    )
    return parts[0].append(parts[1:taken])


def _deal(table: pd.DataFrame, folds: int, seed: int, why: str) -> list[pd.Index]:
    """Deal whole patients out to folds of about as many rows and positives each; `why` is told in errors."""
    patients = table["patient_id"].nunique()
    if patients < folds:
        raise SplitError(f"{patients} patients cannot be split into {folds} folds for {why}")
    kfold = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A rare class that misses some fold is told by describe(), in words that fit.
        warnings.filterwarnings("ignore", message="The least populated class")
        parts = kfold.split(table, table["target"].astype(int), table["patient_id"])
        try:
            return [table.index[part] for _, part in parts]
        except ValueError as error:
            raise SplitError(f"cannot split {len(table)} images into {folds} folds: {error}") from error


def assert_disjoint(table: pd.DataFrame, split: pd.Series) -> None:
    """Raise SplitError, listing images in pairs, if two splits share a patient."""
    counts = split.groupby(table["patient_id"]).nunique()
    shared = counts.index[counts > 1]
    if shared.empty:
        return
    rows = table[["image_name", "patient_id"]].assign(split=split)[table["patient_id"].isin(shared)]
    rows = rows.drop_duplicates(["patient_id", "split"])
    images = (rows["image_name"] + " (" + rows["split"] + ")").groupby(rows["patient_id"], sort=False)
    pairs = images.agg(" and ".join).head(_LISTED).tolist()
    more = f" and {len(shared) - len(pairs)} more" if len(shared) > len(pairs) else ""
    raise SplitError(
        f"{len(shared)} patients are in more than one split; every patient's images must be in one. They share "
        f"{'; '.join(pairs)}{more}. Draw new splits with data.splits=null"
    )


def describe(table: pd.DataFrame, split: pd.Series) -> None:
    """Log each split's size; warn where a metric will be undefined."""
    for name in SPLITS:
        rows = table[split == name]
        positives = int(rows["target"].sum())
        _log.info(
            "%-5s %6d images  %5d patients  %5d positive (%.1f %%)",
            name, len(rows), rows["patient_id"].nunique(), positives, 100 * positives / max(len(rows), 1),
        )  # fmt: skip
        if name != "train" and len(rows) and positives in (0, len(rows)):
            _log.warning("%s holds one class only: its AUC is undefined", name)


def save_splits(table: pd.DataFrame, split: pd.Series, path: Path) -> None:
    """Write image_name, patient_id and split."""
    temporary = path.with_suffix(".tmp")
    table[["image_name", "patient_id"]].assign(split=split).to_csv(temporary, index=False)
    os.replace(temporary, path)


def load_splits(table: pd.DataFrame, path: Path) -> pd.Series:
    """Read the split of every row from a splits.csv.

    Raises:
        SplitError: if the file is unusable, lacks an image, or lets two splits share a patient.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise SplitError(f"data.splits={path} cannot be read: {str(error).splitlines()[0]}") from error
    if missing := {"image_name", "split"} - set(frame.columns):
        raise SplitError(f"{path} has no column {' and '.join(sorted(missing))}; found {', '.join(frame.columns)}")
    if frame["image_name"].duplicated().any():
        repeated = frame.loc[frame["image_name"].duplicated(), "image_name"].iloc[0]
        raise SplitError(f"{path} lists image {repeated} more than once; keep one of its rows")
    split = assign_splits(table, dict(zip(frame["image_name"], frame["split"], strict=True)), str(path))
    if "patient_id" in frame.columns:
        assert_disjoint(frame, frame["split"])
    assert_disjoint(table, split)
    return split


def assign_splits(table: pd.DataFrame, known: dict[str, str], source: str) -> pd.Series:
    """Look up every row's split by image name; `source` is named in errors."""
    split = table["image_name"].map(known).rename("split")
    if lacking := int(split.isna().sum()):
        example = table.loc[split.isna(), "image_name"].iloc[0]
        raise SplitError(f"{source} does not say the split of {lacking} of {len(table)} images, such as {example}")
    if wrong := set(split) - set(SPLITS):
        raise SplitError(f"{source}: split is {sorted(wrong)[0]!r}; expected one of {', '.join(SPLITS)}")
    if unused := len(known.keys() - set(table["image_name"])):
        _log.warning("%s lists %d images that the table does not have", source, unused)
    return split


def split_hash(table: pd.DataFrame, split: pd.Series) -> str:
    """Give the SHA-256 of which image is in which split, whatever the order of rows."""
    lines = sorted(f"{image},{name}" for image, name in zip(table["image_name"], split, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
