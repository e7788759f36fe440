"""Whether several runs were tested on the same images of the same patients."""

import pandas as pd

from melanoma.errors import DataError
from melanoma.evaluation.report import counted


def require_same_rows(tables: dict[str, pd.DataFrame], kind: str, way_out: str) -> None:
    """Raise DataError if two tables differ in images, their patients or their targets; `kind` is what they are of."""
    (first, ours), *others = tables.items()
    for name, theirs in others:
        lacking = [_only_in(ours, theirs, first), _only_in(theirs, ours, name)]
        if any(lacking):
            raise DataError(
                f"{kind} {first} and {name} are not tested on the same images: {'; '.join(filter(None, lacking))}. "
                f"{way_out}"
            )
        _require_same_values(f"{kind} {first} and {name}", ours, theirs)


def _only_in(ours: pd.DataFrame, theirs: pd.DataFrame, name: str) -> str:
    images = ours[~ours["image_name"].isin(theirs["image_name"])]
    if images.empty:
        return ""
    patients = len(set(images["patient_id"]) - set(theirs["patient_id"]))
    found = f"{counted(len(images), 'image')} and {counted(patients, 'patient')} only in {name}"
    return f"{found}, such as {images['image_name'].iloc[0]}"


def _require_same_values(names: str, ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    both = ours.merge(theirs, on="image_name", suffixes=("", "_theirs"))
    for column, words in (("target", "labels"), ("patient_id", "patients")):
        if (differ := both[column] != both[f"{column}_theirs"]).any():
            raise DataError(
                f"{names} read different {words} of {differ.sum()} of {len(both)} test images, such as "
                f"{both.loc[differ, 'image_name'].iloc[0]}; their tables or data configs differ: train both on one"
            )
