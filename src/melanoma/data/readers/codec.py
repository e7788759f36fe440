"""The bytes of a JPEG or PNG -> pixels; every format that carries such bytes decodes them here, so they agree."""

import warnings
from io import BytesIO
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from melanoma.errors import ImageError

MOST_PIXELS = 89_478_485
"""Of an image that is read at all; Pillow's own limit."""
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}
_TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


def decode(data: bytes, image_name: str, least: int = 0) -> NDArray[np.uint8]:
    """Decode the bytes of a JPEG or PNG to RGB (H, W, 3), upright as its EXIF orientation says.

    Grey becomes three equal channels, alpha is dropped, 16 bits become the upper 8, CMYK is converted. With `least`,
    a JPEG may come at a half, quarter or eighth of its size, as long as no side falls below `least`: several times
    faster, because the pixels that a resize would average are never made.

    Raises:
        ImageError: if they are empty, cut short, of another format, or claim too many pixels.
    """
    kind, mode, size = _header(data, image_name)
    if mode == "CMYK":
        return _decode_cmyk(data, image_name)
    divisor = next((k for k in _REDUCED if least and kind == "JPEG" and min(size) >= k * least), 1)
    flags = cv2.IMREAD_COLOR_RGB | (_REDUCED[divisor] if divisor > 1 else 0)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(image_name, "cannot be decoded") from error
    expected = [-(-side // divisor) for side in size]
    if image is None or image.shape[1::-1] != tuple(expected):
        raise ImageError(image_name, "is cut short or damaged")
    return np.asarray(image, dtype=np.uint8)


def picture_size(data: bytes | BinaryIO, image_name: str) -> tuple[int, int]:
    """Give (width, height) as `decode` would, from the header alone, and of a file read no more than that.

    Raises:
        ImageError: if the header is empty, damaged, of another format, or claims too many pixels.
    """
    return _header(data, image_name)[2]


def _header(data: bytes | BinaryIO, image_name: str) -> tuple[str, str, tuple[int, int]]:
    """Give kind, mode and upright size without decoding, so that a tiny file cannot claim all memory."""
    file = BytesIO(data) if isinstance(data, bytes) else data
    if not file.read(1):
        raise ImageError(image_name, "is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=("JPEG", "PNG")) as image:
                size = image.size[::-1] if image.getexif().get(0x0112) in _TURNED else image.size
                return image.format or "", image.mode, size
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(image_name, "claims more pixels than any camera gives (Pillow's limit, 89 million)") from error
    except Exception as error:  # Pillow's parsers raise many kinds on damaged headers
        raise ImageError(image_name, "is neither JPEG nor PNG, or its header is damaged") from error


def _decode_cmyk(data: bytes, image_name: str) -> NDArray[np.uint8]:
    # OpenCV ignores Adobe's inverted inks; Pillow knows them.
    try:
        with Image.open(BytesIO(data), formats=("JPEG",)) as image:
            return np.array(ImageOps.exif_transpose(image).convert("RGB"), dtype=np.uint8)
    except OSError as error:
        raise ImageError(image_name, "is cut short or damaged") from error
