"""One image format a file; `READERS` names them as the config does."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma.config import DataConfig, ReaderConfig
from melanoma.data.readers.dicom import DicomReader
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader
from melanoma.data.readers.tfrecord import TfrecordReader
from melanoma.errors import ConfigError, DataError
from melanoma.schema import near


class Reader(Protocol):
    """Finds and decodes images of one format. Safe to use from several threads, and after a fork or pickling.

    Methods that take one image name raise ImageError, naming the image and what is wrong with it.
    """

    checks_table: bool
    """Whether `headers` is at hand without opening every image, so that a CSV is held against it."""

    def missing(self, image_names: Iterable[str]) -> list[str]:
        """List the images that are not there."""
        ...

    def read(self, image_name: str, least: int = 0) -> NDArray[np.uint8]:
        """Decode one image to RGB (H, W, 3); above 0, `least` lets it come smaller, with no side below `least`."""
        ...

    def size(self, image_name: str) -> tuple[int, int]:
        """Give (width, height) without decoding."""
        ...

    def coded(self, image_name: str) -> bytes:
        """Give the coded picture without what is said about it: the same for one JPEG stream in any format."""
        ...

    def stamp(self, image_name: str) -> tuple[int, int]:
        """Give bytes and time of change in ns of the file: while they stay, the picture does."""
        ...

    def headers(self, image_names: Sequence[str]) -> pd.DataFrame:
        """Give what the files say of their images, as text, under the canonical table's column names.

        Returns:
            A frame with the image names as its index; the columns that this format knows, "" where a value is unknown.
        """
        ...

    def names(self) -> list[str]:
        """List every image there is, sorted."""
        ...


READERS: dict[str, Callable[[Folder], Reader]] = {"jpeg": JpegReader, "dicom": DicomReader, "tfrecord": TfrecordReader}


def make_reader(data: DataConfig, reader: ReaderConfig, cache: Path | None = None) -> Reader:
    """Open the reader that the config names, on the data set's folder for it.

    Raises:
        DataError: if the folder is not there.
    """
    if reader.name not in READERS:
        raise ConfigError(f"reader.name={reader.name}: no such reader; {near(reader.name, READERS)}")
    if reader.name not in data.images:
        raise DataError(
            f"data.images does not say where {data.name} keeps its {reader.name} files; it has "
            f"{', '.join(data.images)}. Choose reader=ONE OF THEM, or add +data.images.{reader.name}=FOLDER"
        )
    path = Path(data.root, data.images[reader.name])
    option = f"data.images.{reader.name}"
    return READERS[reader.name](Folder(Path(data.root), path, reader.suffixes, option, data.name_ending, cache))


def images_key(data: DataConfig, reader: ReaderConfig) -> str:
    """Name the formats and folders of a data set's images, and of those below `data.extra`."""
    parts = []
    for one in (data, *data.extra.values()):
        name = (one.reader or reader).name
        parts.append(f"{name} {Path(one.root, one.images.get(name, '')).resolve()}")
    return "\n".join(parts)
