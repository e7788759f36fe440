"""The ways in which images are put into groups, to ask whether the model does worse in one of them."""

import numpy as np
import pandas as pd

from melanoma.vocabulary import METADATA

UNKNOWN = "unknown"
OF_FILES = ("source", "image size")
AGE_BANDS = ("0-29", "30-49", "50-69", "70+")
MOST_SIZES = 6
"""Image sizes that are groups of their own; where there are more, they are put into bands."""
SIZE_BANDS = ("under 1 megapixel", "1 to 4 megapixels", "4 to 12 megapixels", "12 megapixels and more")


def group_images(predictions: pd.DataFrame) -> dict[str, pd.Series]:
    """Name each image's group, (n,) ordered categories, under each grouping that the table's columns allow.

    `predictions` has any of the columns sex, age_approx, anatom_site_general_challenge, source, width and height. A
    missing value is the group "unknown"; a column without any value gives no grouping, and neither does one source or
    image size for all.
    """
    known = predictions.dropna(axis="columns", how="all")
    groupings: dict[str, pd.Series] = {}
    if "sex" in known:
        groupings["sex"] = _as_text(known["sex"])
    if "age_approx" in known:
        groupings["age"] = _in_bands(known["age_approx"], (0, 30, 50, 70), AGE_BANDS)
    if "anatom_site_general_challenge" in known:
        groupings["site"] = _as_text(known["anatom_site_general_challenge"])
    if "source" in known:
        groupings["source"] = _as_text(known["source"])
    if {"width", "height"} <= set(known):
        groupings["image size"] = _sizes(known["width"], known["height"])
    if columns := [name for name in METADATA if name in known]:
        complete = known[columns].notna().all(axis=1)
        groupings["metadata"] = _ordered(complete.map({True: "complete", False: "something missing"}))
    return {name: values for name, values in groupings.items() if name not in OF_FILES or values.nunique() > 1}


def _as_text(values: pd.Series) -> pd.Series:
    return _ordered(values.astype("str"), sorted(values.dropna().astype("str").unique()))


def _in_bands(values: pd.Series, starts: tuple[float, ...], names: tuple[str, ...]) -> pd.Series:
    """Name the band of each value that is not below the first start; bands are closed on the left."""
    bands = pd.cut(values.astype(float), [*starts, np.inf], right=False, labels=list(names))
    return _ordered(bands, list(names))


def _sizes(width: pd.Series, height: pd.Series) -> pd.Series:
    sizes = pd.DataFrame({"width": width, "height": height}).astype(float)
    pixels = sizes["width"] * sizes["height"]
    distinct = sizes.dropna().drop_duplicates().sort_values(["width", "height"])
    if len(distinct) > MOST_SIZES:
        return _in_bands(pixels / 1e6, (0, 1, 4, 12), SIZE_BANDS)
    names = [f"{row.width:.0f} x {row.height:.0f} px" for row in distinct.itertuples()]
    place = sizes.merge(distinct.assign(name=names), how="left", on=["width", "height"])["name"]
    return _ordered(pd.Series(place.to_numpy(), index=sizes.index), names)


def _ordered(values: pd.Series, names: list[str] | None = None) -> pd.Series:
    """Order the groups as named, else by name, with the unknown ones last."""
    names = sorted(values.unique()) if names is None else names
    filled = pd.Series(pd.Categorical(values, [*names, UNKNOWN], ordered=True), index=values.index)
    return filled.fillna(UNKNOWN)
