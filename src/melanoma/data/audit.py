"""What a data set holds, lacks and gives away without its pictures, in numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from melanoma.data.floor import FOLDS, age_bands, dimensions, image_counts, shortcut_auc
from melanoma.data.splits import SPLITS
from melanoma.vocabulary import SEXES, SITES

UNKNOWN = "unknown"
_MAY_BE_MISSING = ("lesion_id", "sex", "age_approx", "anatom_site_general_challenge")
FLOORS: dict[str, tuple[str, ...]] = {
    "dimensions": ("dimensions",),
    "images_per_patient": ("images_per_patient",),
    "age": ("age",),
    "sex": ("sex",),
    "site": ("site",),
    "sex_age_site": ("sex", "age", "site"),
    "sex_age_site_images": ("sex", "age", "site", "images_per_patient"),
    "all": ("sex", "age", "site", "images_per_patient", "dimensions"),
}
"""What each floor is reached from."""

Audit = dict[str, Any]


def audit(
    table: pd.DataFrame,
    split: pd.Series,
    sizes: pd.DataFrame | None,
    *,
    name: str,
    size: int,
    alike: Mapping[str, Any],
    missing_files: Sequence[str] | None = None,
    unreadable: Mapping[str, str] | None = None,
) -> Audit:
    """Give all figures of audit.json.

    `sizes` has width and height in pixels of every row's original; `alike` counts the pairs that splits share and
    those within each. What is None was not looked for, as no image was opened.
    """
    return {
        "data": name,
        **_summary(table),
        "counts": _counts(table, split),
        "missing_values": {column: int(table[column].isna().sum()) for column in _MAY_BE_MISSING},
        "stored_size": size,
        "sizes": None if sizes is None else _sizes(table, sizes),
        "smaller_than_stored": None if sizes is None else int((sizes.min(axis=1) < size).sum()),
        "missing_files": missing_files,
        "unreadable": unreadable,
        "alike": alike,
        "floor": _floor(table, sizes),
        "floor_folds": FOLDS,
    }


def _summary(rows: pd.DataFrame) -> dict[str, Any]:
    positives = int(rows["target"].sum())
    return {
        "images": len(rows),
        "patients": int(rows["patient_id"].nunique()),
        "positives": positives,
        "rate": positives / len(rows) if len(rows) else None,
    }


def _counts(table: pd.DataFrame, split: pd.Series) -> dict[str, list[dict[str, Any]]]:
    bands = age_bands(table["age_approx"])
    columns: dict[str, tuple[pd.Series, Sequence[Any]]] = {
        "split": (split, SPLITS),
        "target": (table["target"], (0, 1)),
        "site": (table["anatom_site_general_challenge"], SITES),
        "sex": (table["sex"], SEXES),
        "age": (bands, sorted(bands.dropna().unique(), key=lambda band: int(band.split("-")[0]))),
        "source": (table["source"], sorted(table["source"].dropna().unique())),
    }
    return {name: _groups(table, column, values) for name, (column, values) in columns.items()}


def _groups(table: pd.DataFrame, column: pd.Series, values: Sequence[Any]) -> list[dict[str, Any]]:
    groups = [{"value": value, **_summary(table[(column == value).fillna(False)])} for value in values]
    unknown = table[column.isna()]
    return [*groups, {"value": UNKNOWN, **_summary(unknown)}] if len(unknown) else groups


def _sizes(table: pd.DataFrame, sizes: pd.DataFrame) -> list[dict[str, Any]]:
    """Count images and melanomas of every width and height, the most frequent first."""
    joined = sizes.assign(target=table["target"].astype(int))
    groups = joined.groupby(["width", "height"])["target"].agg(["size", "sum"]).reset_index()
    groups = groups.sort_values(["size", "width", "height"], ascending=[False, True, True])
    return [
        {"width": int(width), "height": int(height), "images": int(n), "positives": int(found), "rate": found / n}
        for width, height, n, found in groups.itertuples(index=False)
    ]


def _floor(table: pd.DataFrame, sizes: pd.DataFrame | None) -> dict[str, float | None]:
    features = {
        "sex": table["sex"],
        "age": age_bands(table["age_approx"]),
        "site": table["anatom_site_general_challenge"],
        "images_per_patient": image_counts(table["patient_id"]),
    }
    if sizes is not None:
        features["dimensions"] = dimensions(sizes["width"], sizes["height"])
    return {
        name: shortcut_auc([features[part] for part in parts], table["target"], table["patient_id"])
        if set(parts) <= features.keys()
        else None
        for name, parts in FLOORS.items()
    }
