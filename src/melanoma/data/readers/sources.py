"""Several data sets behind one reader."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma.errors import ImageError

if TYPE_CHECKING:
    from melanoma.data.readers import Reader


class SourcesReader:
    """Reads each image with the reader of the data set it comes from."""

    checks_table = False

    def __init__(self, readers: "dict[str, Reader]", source_of: dict[str, str]) -> None:
        self._readers, self._source_of = readers, source_of

    def missing(self, image_names: Iterable[str]) -> list[str]:
        """List the images that are not there."""
        names = list(image_names)
        absent = {name for name in names if name not in self._source_of}
        for source, reader in self._readers.items():
            absent.update(reader.missing(name for name in names if self._source_of.get(name) == source))
        return [name for name in names if name in absent]

    def read(self, image_name: str, least: int = 0) -> NDArray[np.uint8]:
        """Decode one image to RGB (H, W, 3)."""
        return self._reader(image_name).read(image_name, least)

    def size(self, image_name: str) -> tuple[int, int]:
        """Give (width, height)."""
        return self._reader(image_name).size(image_name)

    def coded(self, image_name: str) -> bytes:
        """Give the coded picture."""
        return self._reader(image_name).coded(image_name)

    def stamp(self, image_name: str) -> tuple[int, int]:
        """Give bytes and time of change in ns of the file."""
        return self._reader(image_name).stamp(image_name)

    def headers(self, image_names: Sequence[str]) -> pd.DataFrame:
        """Give no columns: each data set's own reader was asked for them."""
        return pd.DataFrame(index=pd.Index(image_names, name="image_name"))

    def names(self) -> list[str]:
        """List every image of the joint table."""
        return sorted(self._source_of)

    def _reader(self, image_name: str) -> "Reader":
        if image_name not in self._source_of:
            raise ImageError(image_name, "is of no data set")
        return self._readers[self._source_of[image_name]]
