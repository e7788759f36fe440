"""JPEG and PNG files, told apart by their content."""

import numpy as np
from numpy.typing import NDArray

from melanoma.data.readers.codec import decode, picture_size
from melanoma.data.readers.files import FileReader
from melanoma.errors import ImageError


class JpegReader(FileReader):
    """Reads JPEG and PNG files."""

    def read(self, image_name: str, least: int = 0) -> NDArray[np.uint8]:
        """Decode one image to RGB (H, W, 3), upright as its EXIF orientation says."""
        return decode(self.coded(image_name), image_name, least)

    def size(self, image_name: str) -> tuple[int, int]:
        """Give (width, height) from the header."""
        try:
            with self._path(image_name).open("rb") as file:
                return picture_size(file, image_name)
        except OSError as error:
            raise ImageError(image_name, f"cannot be opened: {error.strerror}") from error
