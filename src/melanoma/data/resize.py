"""An original -> its stored size, decoded no larger than that needs."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from melanoma.data.readers import Reader

Image = NDArray[np.uint8]

_MARGIN = 1.5
"""How many times the stored size a decoded fraction must have. Against Pillow's Lanczos from full size, 1 costs up to
5 dB in grainy pictures, 1.5 less than 1 dB; 2 gains nothing more."""


def read_resized(reader: Reader, image_name: str, size: int, fit: str) -> tuple[Image, tuple[int, int]]:
    """Read one image as RGB (H, W, 3) in its stored size; give the original's (width, height) beside it.

    A JPEG of at least three times the stored size is decoded at a half, a quarter or an eighth, several times faster.

    Raises:
        ImageError: if it cannot be read.
    """
    original = reader.size(image_name)
    image = reader.read(image_name, least=math.ceil(_MARGIN * min(target_size(*original, size, fit))))
    return resize(image, original, size, fit), original


def target_size(width: int, height: int, size: int, fit: str) -> tuple[int, int]:
    """Give the (width, height) that the picture itself takes; what `pad` adds comes on top.

    `short_side` keeps the shape and leaves an image as it is whose short side is below `size`; `crop`, `pad` and
    `squash` enlarge.
    """
    if fit in ("crop", "squash"):
        return size, size
    scale = size / max(width, height) if fit == "pad" else min(1.0, size / min(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resize(image: Image, original: tuple[int, int], size: int, fit: str) -> Image:
    """Fit RGB (H, W, 3) that was decoded from `original` (width, height) pixels, or a fraction of them."""
    divisor = round(original[0] / image.shape[1])
    if fit == "crop":
        image, original = _crop(image, original, divisor)
    width, height = target_size(*original, size, fit)
    # Scaled by the original's sides: the last row and column of a fraction may stand for less than a whole block of
    # pixels, and stretching them to one would shift the picture by up to a pixel.
    image = _scale(image, width * divisor / original[0], height * divisor / original[1])[:height, :width]
    return pad_square(image, size) if fit == "pad" else np.ascontiguousarray(image)


def _crop(image: Image, original: tuple[int, int], divisor: int) -> tuple[Image, tuple[int, int]]:
    """Cut out the centre square, beginning at a whole block of pixels."""
    side = min(original)
    left, top = ((length - side) // 2 // divisor for length in original)
    pixels = math.ceil(side / divisor)
    return image[top : top + pixels, left : left + pixels], (side, side)


def _scale(image: Image, x: float, y: float) -> Image:
    """Shrink, then enlarge: a call that does both at once would skip pixels where it shrinks."""
    for fx, fy in ((min(x, 1.0), min(y, 1.0)), (max(x, 1.0), max(y, 1.0))):
        if (fx, fy) != (1, 1):
            # Averaging blurs close to the image's own size; further down, cubic sees too few pixels and aliases.
            mode = cv2.INTER_AREA if min(fx, fy) < math.sqrt(0.5) else cv2.INTER_CUBIC
            image = np.asarray(cv2.resize(image, None, fx=fx, fy=fy, interpolation=mode), dtype=np.uint8)
    return image


def pad_square(image: Image, size: int) -> Image:
    """Centre the picture on a black square."""
    square = np.zeros((size, size, 3), np.uint8)
    height, width = image.shape[:2]
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = image
    return square
