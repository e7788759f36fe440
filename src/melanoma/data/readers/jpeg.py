"""JPEG and PNG files, told apart by their content."""

import numpy as np
from numpy.typing import NDArray

from melanoma.data.readers.codec import decode, picture_size
from melanoma.data.readers.files import FileReader


class JpegReader(FileReader):
    """Reads JPEG and PNG files."""

    def read(self, image_name: str, least: int = 0) -> NDArray[np.uint8]:
        """Decode one image to RGB (H, W, 3), upright as its EXIF orientation says."""
        return decode(self.coded(image_name), image_name, least)

    def size(self, image_name: str) -> tuple[int, int]:
        """Give (width, height) from the header."""
        return picture_size(self.coded(image_name), image_name)
