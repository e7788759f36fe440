"""JPEG and PNG files, told apart by their content."""

import os
import warnings
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from melanoma.errors import DataError, ImageError


class JpegReader:
    """Reads `<folder>/<image_name><suffix>`; the folder is listed once, so a missing file is known at once.

    Raises:
        DataError: if the folder is not there, or a link in it leads out of `root`.
    """

    def __init__(self, root: Path, folder: Path, suffixes: list[str]) -> None:
        self._folder = folder
        self._files = _index(root, folder, suffixes)

    def missing(self, image_names: Iterable[str]) -> list[str]:
        """List the images that have no file."""
        return [name for name in image_names if name not in self._files]

    def read(self, image_name: str) -> NDArray[np.uint8]:
        """Decode one image to RGB (H, W, 3), upright as its EXIF orientation says."""
        if image_name not in self._files:
            raise ImageError(image_name, "no file of that name")
        try:
            data = (self._folder / self._files[image_name]).read_bytes()
        except OSError as error:
            raise ImageError(image_name, f"cannot be opened: {error.strerror}") from error
        return decode(data, image_name)


def decode(data: bytes, image_name: str) -> NDArray[np.uint8]:
    """Decode the bytes of a JPEG or PNG to RGB (H, W, 3).

    Grey becomes three equal channels, alpha is dropped, 16 bits become the upper 8, CMYK is converted.

    Raises:
        ImageError: if they are empty, cut short, of another format, or claim too many pixels.
    """
    mode, size = _header(data, image_name)
    if mode == "CMYK":
        return _decode_cmyk(data, image_name)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise ImageError(image_name, "cannot be decoded") from error
    if image is None or sorted(image.shape[:2]) != sorted(size):
        raise ImageError(image_name, "is cut short or damaged")
    return np.asarray(image, dtype=np.uint8)


def _header(data: bytes, image_name: str) -> tuple[str, tuple[int, int]]:
    """Give mode and (width, height) without decoding, so that a tiny file cannot claim all memory."""
    if not data:
        raise ImageError(image_name, "is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
                return image.mode, image.size
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


def _index(root: Path, folder: Path, suffixes: list[str]) -> dict[str, str]:
    """Map image names, with and without suffix, to file names; the first suffix listed wins."""
    if not folder.is_dir():
        raise DataError(
            f"no images found: looked for the folder {folder.absolute()}; give data.root=DIR, or its name below "
            "data.root as data.images.jpeg=FOLDER"
        )
    inside = root.resolve()
    _assert_inside(folder, inside)
    rank = {suffix.lower(): place for place, suffix in enumerate(suffixes)}
    files: dict[str, str] = {}
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if Path(entry.name).suffix.lower() in rank]
    for entry in sorted(found, key=lambda entry: (-rank[Path(entry.name).suffix.lower()], entry.name)):
        if entry.is_symlink():
            _assert_inside(Path(entry.path), inside)
        files[Path(entry.name).stem] = files[entry.name] = entry.name
    return files


def _assert_inside(path: Path, root: Path) -> None:
    if not path.resolve().is_relative_to(root):
        raise DataError(
            f"{path} is a link that leaves data.root; put the files themselves there, or set data.root to the "
            "folder that holds both"
        )
