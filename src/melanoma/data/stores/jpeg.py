"""Writes JPEG files, a file an image."""

import os
import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from melanoma.data.stores.ledger import Entry, Ledger
from melanoma.errors import ImageError


def encode_jpeg(image: NDArray[np.uint8], quality: int, image_name: str) -> bytes:
    """Encode RGB (H, W, 3) with full colour resolution and nothing beside the picture.

    At equal bytes, full colour resolution (4:4:4) at quality 92 to 95 is closer to the picture, and to its colours,
    than halved colour resolution (4:2:0) at 95 to 97.

    Raises:
        ImageError: if a side is longer than the format allows.
    """
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    height, width = image.shape[:2]
    try:
        done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    except cv2.error:
        done = False
    if not done:
        raise ImageError(image_name, f"cannot be stored: {width} x {height} pixels, and a JPEG holds 65500 a side")
    return bytes(data)


class JpegStore:
    """A folder of JPEG files, each of them whole."""

    def __init__(self, ledger: Ledger) -> None:
        self._folder, self._ledger = ledger.folder, ledger
        self._folder.mkdir(exist_ok=True)
        for left_over in self._folder.glob(".*.partial"):
            left_over.unlink()

    def write(self, entry: Entry, data: bytes) -> None:
        """Write one image's file; several threads may at once."""
        file = self._folder / f"{entry.image_name}.jpg"
        partial = self._folder / f".{threading.get_ident()}.partial"
        partial.write_bytes(data)
        # Told before the file appears: so a file that is there is always known, and never made twice.
        self._ledger.add([entry._replace(file=file.name, file_bytes=len(data))])
        os.replace(partial, file)
