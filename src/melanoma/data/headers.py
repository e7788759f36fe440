"""What image files say of themselves: rows where there is no CSV, cells that it lacks, and a check of it."""

import logging
from dataclasses import replace

import pandas as pd

from melanoma.config import DataConfig
from melanoma.data.cells import header_cells
from melanoma.data.faults import Faults
from melanoma.data.readers import Reader
from melanoma.data.records import VOCABULARIES, canonical
from melanoma.errors import DataError, ImageError

FILLED = ("patient_id", "sex", "age_approx", "anatom_site_general_challenge", "target")
"""The columns of the canonical table that image files may know."""
_CHECKED = ("sex", "anatom_site_general_challenge", "target")
"""Those that a CSV must agree with; ages in records are filled with the mean, and patients are numbered anew."""

_log = logging.getLogger(__name__)


def records_from_headers(config: DataConfig, reader: Reader) -> pd.DataFrame:
    """Make the canonical table from the image files alone.

    Raises:
        DataError: if there is no image, or a value breaks the contract.
    """
    names = reader.names()
    if not names:
        raise DataError(f"{config.name}: no images found; look at data.root and data.images")
    return from_headers(reader.headers(names), config)


def complete_from_headers(table: pd.DataFrame, config: DataConfig, reader: Reader) -> pd.DataFrame:
    """Fill the columns that the CSV does not have from the image files; hold the others against them.

    Raises:
        DataError: if the files contradict the CSV.
    """
    lacking = [name for name in FILLED if not getattr(config.columns, name)]
    if not lacking and not reader.checks_table:
        return table
    absent = set(reader.missing(table["image_name"]))
    present = [name for name in table["image_name"] if name not in absent]
    headers = reader.headers(present)
    if headers.columns.empty:
        return table
    if "patient_id" in lacking:
        table, headers = _with_known_patients(table, headers, absent, config)
    said = from_headers(headers, config).set_index("image_name").reindex(table["image_name"]).set_axis(table.index)
    known = [name for name in lacking if name in headers.columns]
    if known:
        _log.info("%s: %s come from the image files", config.name, ", ".join(known))
    for name in _CHECKED:
        if name in headers.columns and name not in lacking:
            _check(table, said, name, config)
    return table.assign(**{name: said[name] for name in known})


def _with_known_patients(
    table: pd.DataFrame, headers: pd.DataFrame, absent: set[str], config: DataConfig
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out images that are missing or whose header is unreadable, if the config says so: no split can take them.

    Raises:
        DataError: with `on_error=fail`, or if they are more than `max_bad_fraction`.
    """
    faults = Faults(config, len(table))
    faults.miss(sorted(absent))
    silent = (headers == "").all(axis=1)
    for name in headers.index[silent]:
        faults.count(ImageError(str(name), "its header is empty or cannot be read"))
    left_out = absent | faults.unreadable.keys()
    return table[~table["image_name"].isin(left_out)].reset_index(drop=True), headers[~silent]


def from_headers(
    headers: pd.DataFrame, config: DataConfig, forgiven: dict[str, list[str]] | None = None
) -> pd.DataFrame:
    """Map headers as a CSV's cells, with whole numbers read by `data.codes`.

    Where `forgiven` is given, it takes, by column, the images whose value is not understood; that is then missing.

    Raises:
        DataError: else, on the first such value.
    """
    known = {name: name if name in headers.columns else None for name in FILLED}
    columns = replace(
        config.columns,
        image_name="image_name",
        patient_id=["patient_id"] if known["patient_id"] else [],
        lesion_id=None,
        sex=known["sex"],
        age_approx=known["age_approx"],
        anatom_site_general_challenge=known["anatom_site_general_challenge"],
        target=["target"] if known["target"] else None,
        fold=None,
    )
    decoded = headers.copy()
    for name in VOCABULARIES:
        if name in decoded.columns:
            decoded[name] = _decode(decoded[name], name, getattr(config.codes, name), forgiven is not None)
    return canonical(header_cells(decoded, forgiven), replace(config, columns=columns, labels={"0": 0, "1": 1}))


def _decode(cells: pd.Series, name: str, words: list[str], lenient: bool) -> pd.Series:
    """Replace whole numbers by the words that they stand for; a negative one is unknown, one too high stays."""
    numbers = cells.str.fullmatch(r"-?\d+")
    codes = pd.to_numeric(cells.where(numbers))
    beyond = codes >= len(words)
    if beyond.any() and not lenient:
        image = codes.index[beyond][0]
        raise DataError(
            f"image {image}: its {name} is a number beyond the {len(words)} words of data.codes.{name}; list there, "
            "from 0, the word that each number stands for"
        )
    meanings = codes.map(dict(enumerate(words))).astype("str").fillna("")
    return cells.where(~numbers | beyond, meanings)


def _check(table: pd.DataFrame, said: pd.DataFrame, name: str, config: DataConfig) -> None:
    differs = (table[name] != said[name]) & table[name].notna() & said[name].notna()
    if differs.any():
        images = table.loc[differs, "image_name"]
        raise DataError(
            f"{config.name}: {name} of {len(images)} of {len(table)} images is another in the CSV than in the image "
            f"files, such as {images.iloc[0]}. "
            + (
                f"Correct data.codes.{name}, now {', '.join(getattr(config.codes, name)) or 'empty'}"
                if name in VOCABULARIES
                else "One of them is wrong; data.csv=null would take the image files' values"
            )
        )
