"""Any metadata CSV becomes the canonical table, by the data config's mapping alone."""

import logging
import warnings
from pathlib import Path

import pandas as pd

from melanoma.config import DataConfig
from melanoma.errors import DataError
from melanoma.schema import near

SITES = ("head/neck", "upper extremity", "lower extremity", "torso", "palms/soles", "oral/genital")
SEXES = ("male", "female")
COLUMNS = (
    "image_name",
    "patient_id",
    "lesion_id",
    "sex",
    "age_approx",
    "anatom_site_general_challenge",
    "target",
)
"""The canonical table's columns, in order; one row an image."""

_log = logging.getLogger(__name__)


def read_records(config: DataConfig) -> pd.DataFrame:
    """Read the data set's CSV into the canonical table.

    Returns:
        A frame with `COLUMNS`: text, but age_approx float years and target Int64; unknown values are missing.

    Raises:
        DataError: naming the file, line and column of the first value that breaks the contract.
    """
    path = Path(config.root, (config.csv or [""])[0])
    raw = _read_csv(path, config)
    _require_columns(raw, path, config)
    table = pd.DataFrame(index=raw.index)
    table["image_name"] = _image_names(raw, path, config)
    table["patient_id"] = _patient_ids(raw, path, config)
    table["lesion_id"] = _words(raw, config.columns.lesion_id, config)
    table["sex"] = _vocabulary(raw, "sex", config.sexes, SEXES, path, config)
    table["age_approx"] = _ages(raw, path, config)
    table["anatom_site_general_challenge"] = _vocabulary(
        raw, "anatom_site_general_challenge", config.sites, SITES, path, config
    )
    table["target"] = _targets(raw, path, config)
    return _without_repeats(table[list(COLUMNS)], path)


def _read_csv(path: Path, config: DataConfig) -> pd.DataFrame:
    """Read every cell as text: as numbers, the patients 001 and 01 would become one."""
    if not path.is_file():
        raise DataError(
            f"no data found: looked for {path.absolute()}; give its folder as data.root=DIR. {config.source}. "
            "To try the program without data: melanoma-train experiment=demo"
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
        separator = max(",;\t", key=header.count)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
            raw = pd.read_csv(
                path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False
            )
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path} is empty; expected a header and a row an image") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from error
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path} line 2 has more cells than the header; quote a cell that holds a {separator!r}"
        ) from error
    except (pd.errors.ParserError, ValueError) as error:
        raise DataError(f"{path} is not a CSV file: {str(error).splitlines()[0]}") from error
    if raw.empty:
        raise DataError(f"{path} has a header but no rows; expected a row an image")
    raw.columns = raw.columns.str.strip()
    # A short row leaves its last cells missing in spite of keep_default_na.
    raw = raw.fillna("")
    for column in raw.columns:
        raw[column] = raw[column].str.strip()
    return raw


def _require_columns(raw: pd.DataFrame, path: Path, config: DataConfig) -> None:
    columns = config.columns
    wanted = {"patient_id": columns.patient_id} | {
        name: column if isinstance(column, list) else [column]
        for name in COLUMNS
        if name != "patient_id" and (column := getattr(columns, name)) is not None
    }
    for name, names in wanted.items():
        for column in names:
            if column not in raw.columns:
                raise DataError(
                    f"{path} has no column {column!r}; {near(column, raw.columns, raw.columns)} "
                    f"(name it with data.columns.{name}=COLUMN"
                    + (")" if name in ("image_name", "patient_id", "target") else ", or null if there is none)")
                )


def _where(path: Path, row: int) -> str:
    return f"{path} line {row + 2}"


def _first(mask: pd.Series) -> int | None:
    return int(mask.to_numpy().argmax()) if mask.any() else None


def _image_names(raw: pd.DataFrame, path: Path, config: DataConfig) -> pd.Series:
    names = raw[config.columns.image_name]
    unsafe = names.str.contains(r"[/\\\x00-\x1f]", regex=True) | names.isin(["", ".", ".."])
    if (row := _first(unsafe)) is not None:
        raise DataError(
            f"{_where(path, row)}: {config.columns.image_name} is {names[row][:80]!r}; expected the name of a file "
            "without a folder: no path separator, no control character, not blank"
        )
    return names


def _patient_ids(raw: pd.DataFrame, path: Path, config: DataConfig) -> pd.Series:
    columns = config.columns.patient_id
    ids = _words(raw, columns[0], config).fillna("")
    for column in columns[1:]:
        ids = ids.where(ids != "", _words(raw, column, config).fillna(""))
    if (row := _first(ids == "")) is not None:
        image = config.columns.image_name
        raise DataError(
            f"{_where(path, row)}: {' and '.join(columns)} is blank, and two splits must not share a patient. To let "
            f"each such image be its own patient: data.columns.patient_id=[{','.join([*columns, image])}]"
        )
    if config.columns.patient_id != ["patient_id"]:
        _log.info("splits are grouped by %s, which stands for the patient", " else ".join(columns))
    return ids


def _words(raw: pd.DataFrame, column: str | None, config: DataConfig) -> pd.Series:
    """Give the column's text, with missing for the words that mean it and for a column that is not there."""
    if column is None:
        return pd.Series(pd.NA, index=raw.index, dtype="str")
    return raw[column].mask(raw[column].str.lower().isin(config.missing))


def _vocabulary(
    raw: pd.DataFrame,
    name: str,
    mapping: dict[str, str],
    allowed: tuple[str, ...],
    path: Path,
    config: DataConfig,
) -> pd.Series:
    option = {"sex": "sexes", "anatom_site_general_challenge": "sites"}[name]
    for word, meaning in mapping.items():
        if meaning not in (*allowed, ""):
            raise DataError(f"data.{option}.{word} is {meaning!r}; expected one of {', '.join(allowed)}, or ''")
    words = _words(raw, getattr(config.columns, name), config).str.lower()
    lookup = {word: word for word in allowed} | {word.lower(): meaning for word, meaning in mapping.items()}
    mapped = words.map(lookup)
    if (row := _first(words.notna() & mapped.isna())) is not None:
        raise DataError(
            f"{_where(path, row)}: {getattr(config.columns, name)} is {words[row]!r}; expected one of "
            f"{', '.join(allowed)}. Map it with '+data.{option}={{{words[row]}: ONE OF THEM}}', or to '' for unknown"
        )
    return mapped.mask(mapped == "")


def _ages(raw: pd.DataFrame, path: Path, config: DataConfig) -> pd.Series:
    words = _words(raw, config.columns.age_approx, config)
    ages = pd.to_numeric(words, errors="coerce").astype("float64")
    if (row := _first(words.notna() & ~ages.between(0, 120))) is not None:
        raise DataError(
            f"{_where(path, row)}: {config.columns.age_approx} is {words[row]!r}; expected 0 to 120 years, or blank"
        )
    return ages


def _targets(raw: pd.DataFrame, path: Path, config: DataConfig) -> pd.Series:
    if config.columns.target is None:
        raise DataError("data.columns.target is null; this command needs a column that says 0 or 1")
    column = config.columns.target[0]
    for word, label in config.labels.items():
        if label not in (0, 1):
            raise DataError(f"data.labels.{word} is {label}; expected 0 or 1")
    targets = raw[column].map(config.labels)
    if (row := _first(targets.isna())) is not None:
        word = raw[column][row]
        raise DataError(
            f"{_where(path, row)}: {column} is {word!r}; expected one of {', '.join(config.labels)}. "
            + ("Give every row a label" if word == "" else f"Map it with '+data.labels={{{word}: 1}}', or 0")
        )
    return targets.astype("Int64")


def _without_repeats(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Drop repeated images that agree; refuse those that do not."""
    repeated = table.duplicated("image_name")
    if not repeated.any():
        return table
    conflict = table.groupby("image_name")[["target", "patient_id"]].transform("nunique").gt(1).any(axis=1)
    if (row := _first(conflict & repeated)) is not None:
        raise DataError(
            f"{_where(path, row)}: image {table['image_name'][row]} was there before with another target or patient; "
            "keep one of the rows"
        )
    _log.warning("%s: %d rows repeat an image and were dropped", path, int(repeated.sum()))
    return table[~repeated].reset_index(drop=True)
