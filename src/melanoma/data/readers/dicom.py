"""DICOM files of one frame: where they are, and what their headers say."""

import logging
import mmap
import re
import threading
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pydicom
from numpy.typing import NDArray

from melanoma.data.readers.dicom_header import PIXELS, check_header
from melanoma.data.readers.dicom_pixels import coded_frame, decode_dataset, has_wrong_label
from melanoma.data.readers.files import FileReader
from melanoma.errors import ImageError

HEADERS = {
    "patient_id": "PatientID",
    "sex": "PatientSex",
    "age_approx": "PatientAge",
    "anatom_site_general_challenge": "BodyPartExamined",
}
"""All that is read of the patient."""
_A_YEAR = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}
"""Years, months, weeks and days in a year."""

_log = logging.getLogger(__name__)

# pydicom repeats values, and so names, in its warnings and its log.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
_QUIET = threading.Lock()
"""What is caught of warnings is so for all threads."""


class DicomReader(FileReader):
    """Reads DICOM files; the same JPEG stream gives the same pixels as in a JPEG file."""

    _has_warned = False

    def read(self, image_name: str, least: int = 0) -> NDArray[np.uint8]:
        """Decode one image to RGB (H, W, 3), as DICOM's Rows and Columns have it, whatever EXIF in the frame says.

        Grey becomes three equal channels, MONOCHROME1 is inverted, and of more than 8 bits the upper 8 are taken.
        """
        dataset = self._open(image_name, PIXELS)
        image = decode_dataset(dataset, image_name, least)
        if not self._has_warned and has_wrong_label(dataset, image_name):
            self._has_warned = True
            _log.warning(
                "image %s: its PhotometricInterpretation is not that of the JPEG stream inside; the stream is "
                "believed, here and in further images",
                image_name,
            )
        return image

    def size(self, image_name: str) -> tuple[int, int]:
        """Give (width, height) from the header."""
        dataset = self._open(image_name, PIXELS, pixels=False)
        check_header(dataset, image_name)
        return int(dataset.Columns), int(dataset.Rows)

    def coded(self, image_name: str) -> bytes:
        """Give the frame as it is stored, without DICOM's padding."""
        dataset = self._open(image_name, PIXELS)
        check_header(dataset, image_name)
        return coded_frame(dataset, image_name)

    def headers(self, image_names: Sequence[str]) -> pd.DataFrame:
        """Give what the files say of patient and site; "" throughout for a file that `read` refuses as unreadable.

        Behind an age that is not written as DICOM does stands a question mark, so that nobody takes it for years.
        """
        rows = [self._header(name) for name in image_names]
        return pd.DataFrame(rows, index=pd.Index(image_names, name="image_name"), columns=list(HEADERS), dtype="str")

    def _open(self, image_name: str, keywords: Iterable[str], *, pixels: bool = True) -> pydicom.Dataset:
        try:
            # Mapped, a length beyond the end of the file claims no memory, and pixels that are not asked for no time.
            with self._path(image_name).open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
                return _parse(mapped, keywords, pixels)
        except OSError as error:
            raise ImageError(image_name, f"cannot be opened: {error.strerror}") from None
        except Exception:  # pydicom raises many kinds on damaged files, and repeats values
            empty = self._path(image_name).stat().st_size == 0
            raise ImageError(
                image_name, "is empty (0 bytes)" if empty else "is not DICOM, or its header is damaged"
            ) from None

    def _header(self, image_name: str) -> dict[str, str]:
        try:
            dataset = self._open(image_name, [*HEADERS.values(), "Rows"], pixels=False)
        except ImageError:
            return dict.fromkeys(HEADERS, "")
        if "Rows" not in dataset:  # cut short, perhaps within one of the values
            return dict.fromkeys(HEADERS, "")
        row = {column: str(dataset.get(keyword) or "").strip() for column, keyword in HEADERS.items()}
        return row | {"age_approx": _years(row["age_approx"])}


def _parse(file: Any, keywords: Iterable[str], pixels: bool) -> pydicom.Dataset:
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(file, stop_before_pixels=not pixels, force=True, specific_tags=list(keywords))
        list(dataset)  # values are converted when they are looked at, and fail then
    return dataset


def _years(age: str) -> str:
    if not age:
        return ""
    if not re.fullmatch(r"[0-9]{3}[YMWD]", age):
        return f"{age}?"
    return f"{int(age[:3]) / _A_YEAR[age[3]]:.4g}"
