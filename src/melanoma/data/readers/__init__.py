"""One image format a file; `READERS` names them as the config does."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from melanoma.config import DataConfig, ReaderConfig
from melanoma.data.readers.jpeg import JpegReader
from melanoma.errors import ConfigError, DataError
from melanoma.schema import near


class Reader(Protocol):
    """Finds and decodes images of one format."""

    def missing(self, image_names: Iterable[str]) -> list[str]:
        """List the images that are not there."""
        ...

    def read(self, image_name: str) -> NDArray[np.uint8]:
        """Decode one image to RGB (H, W, 3).

        Raises:
            ImageError: naming the image and what is wrong with it.
        """
        ...


READERS: dict[str, Callable[[Path, Path, list[str]], Reader]] = {"jpeg": JpegReader}


def make_reader(data: DataConfig, reader: ReaderConfig) -> Reader:
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
    return READERS[reader.name](Path(data.root), Path(data.root, data.images[reader.name]), reader.suffixes)
