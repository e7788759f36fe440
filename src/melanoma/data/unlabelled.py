"""Images that nobody has labelled -> the canonical table, without targets, and their reader."""

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from melanoma.config import ColumnsConfig, DataConfig, ReaderConfig
from melanoma.data.cells import Cells, first_row
from melanoma.data.headers import from_headers
from melanoma.data.readers import READERS, Reader
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.formats import reader_of_file, reader_of_folder
from melanoma.data.records import canonical
from melanoma.data.text_table import read_text_table
from melanoma.errors import ConfigError, DataError
from melanoma.schema import near
from melanoma.vocabulary import METADATA

_log = logging.getLogger(__name__)


def open_unlabelled(
    images: Path, root: Path | None, data: DataConfig, readers: dict[str, ReaderConfig], cache: Path
) -> tuple[pd.DataFrame, Reader]:
    """List the images of a folder, a file or a CSV, with what the CSV, or else the image files, say of them.

    Args:
        images: The folder or file.
        root: Where the images of a CSV lie; None: in its own folder, or below.
        data: Words, columns, and what an absent image does; its folders are not used.
        readers: To choose from, by name; the first is taken where several fit.
        cache: Folder for indexes of shards.

    Raises:
        ConfigError: if there is no such file, or it is of no known format.
        DataError: if there is no image, two have one name, or a value breaks the contract.
    """
    if unknown := readers.keys() - READERS.keys():
        raise ConfigError(f"reader.name={min(unknown)}: no such reader; {near(min(unknown), READERS)}")
    if not images.exists():
        raise ConfigError(f"images={images}: no such file or folder; give a folder, an image or a CSV")
    if images.suffix.lower() == ".csv" and images.is_file():
        return _of_csv(images, root or images.parent, data, readers, cache)
    if root is not None:
        raise ConfigError(f"root={root} says where the images of a CSV lie, and images={images} is none; leave it out")
    reader = _of_folder(images, readers, cache) if images.is_dir() else _of_file(images, readers, cache)
    names = reader.names()
    if not names:
        raise DataError(f"no images found: {images} holds no usable record")
    if odd := [name for name in names if not name.isprintable()]:
        raise DataError(f"images: {odd[0]!r} is no name of an image: control characters, or not UTF-8; rename the file")
    table = from_headers(pd.DataFrame(index=pd.Index(names)), data)
    return _completed(table, list(METADATA), reader, data), reader


def _of_folder(path: Path, readers: dict[str, ReaderConfig], cache: Path) -> Reader:
    reader, files = reader_of_folder(path, readers)
    if reader.name != "tfrecord":  # shards are named as they like
        _refuse_namesakes(reader, files)
    return READERS[reader.name](Folder(path, path, reader.suffixes, "images", cache=cache, root_option="images"))


def _of_file(file: Path, readers: dict[str, ReaderConfig], cache: Path) -> Reader:
    reader, folder = reader_of_file(file, readers), file.parent
    anywhere = Path(folder.resolve().anchor)  # where a link leads that the user has named is the user's affair
    return READERS[reader.name](Folder(anywhere, folder, reader.suffixes, "images", cache=cache, only=file.name))


def _of_csv(
    csv: Path, root: Path, data: DataConfig, readers: dict[str, ReaderConfig], cache: Path
) -> tuple[pd.DataFrame, Reader]:
    cells = _cells(csv, data)
    columns = _columns(cells.frame, data.columns)
    table = canonical(cells, replace(data, columns=columns)).assign(patient_id=_patients(cells.frame, data))
    if not root.is_dir():
        raise ConfigError(f"root={root}: no such folder; give the one that holds the images of {csv}")
    choice, _ = reader_of_folder(root, readers)
    folder = Folder(root, root, choice.suffixes, "root", data.name_ending, cache, root_option="root")
    reader = READERS[choice.name](folder)
    absent = reader.missing(table["image_name"])
    if absent and (data.on_error == "fail" or len(absent) > data.max_bad_fraction * len(table)):
        raise DataError(
            f"{len(absent)} of {len(table)} images of {csv} are not among the {choice.name} files below {root}, such "
            f"as {absent[0]}; give their folder as root=DIR and their format as reader=NAME, or leave them out with "
            "data.on_error=skip, and data.max_bad_fraction=1 where they are many"
        )
    lacking = [name for name in METADATA if getattr(columns, name) is None]
    return _completed(table, lacking, reader, data), reader


def _completed(table: pd.DataFrame, lacking: list[str], reader: Reader, data: DataConfig) -> pd.DataFrame:
    """Fill the columns that nothing else gives from the image files; unknown where they do not say, or not clearly.

    Nobody can be expected to mend the headers of thousands of files before they are scored.
    """
    absent = set(reader.missing(table["image_name"]))
    headers = reader.headers([name for name in table["image_name"] if name not in absent])
    known = [name for name in lacking if name in headers]
    forgiven: dict[str, list[str]] = {}
    said = from_headers(headers[known], data, forgiven).set_index("image_name").reindex(table["image_name"])
    if forgiven:
        counts = ", ".join(f"{name} of {len(images)} (such as {images[0]})" for name, images in forgiven.items())
        _log.warning("the files of %d images say what is not understood, and counts as unknown: %s; further words are "
                     "added with '+data.sites={WORD: ONE OF THE SIX}' or '+data.sexes={WORD: ONE OF THE TWO}'",
                     len(headers), counts)  # fmt: skip
    return table.assign(**{name: said[name].set_axis(table.index) for name in known})


def _cells(csv: Path, data: DataConfig) -> Cells:
    frame = read_text_table(csv)
    lines, frame = frame.index.to_numpy(), frame.reset_index(drop=True)
    column = next((name for name in ("image_name", data.columns.image_name) if name in frame), None)
    if column is None:
        raise DataError(
            f"{csv} has no column image_name; {near('image_name', frame.columns)} (a data set's own columns are read "
            "with data=NAME)"
        )
    cells = Cells(frame, str(csv), dict.fromkeys(frame.columns, (csv, lines)), column)
    if (row := first_row(frame[column].duplicated())) is not None:
        first = int((frame[column] == frame[column][row]).to_numpy().argmax())
        raise DataError(
            f"{cells.where(row, column)}: {column} is {cells.quote(row, column)}, as in line {lines[first]}; name each "
            "image once"
        )
    return cells


def _columns(frame: pd.DataFrame, columns: ColumnsConfig) -> ColumnsConfig:
    """Name the columns that the CSV has: the canonical one, else the data config's, else none."""
    found: dict[str, Any] = {
        name: next((column for column in (name, getattr(columns, name)) if column in frame), None)
        for name in ("image_name", *METADATA)
    }
    return replace(columns, **found, patient_id=[], lesion_id=None, target=None, fold=None)


def _patients(frame: pd.DataFrame, data: DataConfig) -> pd.Series:
    """Give the patients; unknown ones are missing, as nothing is split by them."""
    column = next((name for name in ("patient_id", *data.columns.patient_id) if name in frame), None)
    if column is None:
        return pd.Series(pd.NA, index=frame.index, dtype="str")
    return frame[column].mask(frame[column].str.lower().isin(data.missing))


def _refuse_namesakes(reader: ReaderConfig, files: list[str]) -> None:
    stem, count = Counter(Path(file).stem for file in files).most_common(1)[0]
    if count > 1:
        first, second, *_ = sorted(file for file in files if Path(file).stem == stem)
        way_out = (
            "score their folders one by one"  # which may be named after patients
            if first == second
            else f"keep to one ending: reader={reader.name} 'reader.suffixes=[{Path(first).suffix}]'"
        )
        raise DataError(f"images: {first} and {second} would both be image {stem}; rename one, or {way_out}")
