"""DICOM files written byte by byte, so that any byte of them can be wrong."""

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from melanoma.data.readers.dicom import DicomReader
from melanoma.data.readers.folder import Folder
from melanoma.errors import ImageError

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
_LONG = ("OB", "OW", "SQ", "UN")
_NUMBERS = {
    "SamplesPerPixel": 0x00280002,
    "Rows": 0x00280010,
    "Columns": 0x00280011,
    "BitsAllocated": 0x00280100,
    "BitsStored": 0x00280101,
    "HighBit": 0x00280102,
    "PixelRepresentation": 0x00280103,
}
_LIKE_RGB = dict(zip(_NUMBERS, (3, 25, 32, 8, 8, 7, 0), strict=True))


def _element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """An element in little-endian with explicit representation; `length` is what it claims, if that is a lie."""
    value += b"\0" * (len(value) % 2)
    length = len(value) if length is None else length
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return start + (struct.pack("<HI", 0, length) if vr in _LONG else struct.pack("<H", length)) + value


@pytest.fixture
def element() -> Callable[..., bytes]:
    """One DICOM element."""
    return _element


@pytest.fixture
def make_dicom() -> Callable[..., bytes]:
    """A DICOM file around a frame of a picture 32 px wide and 25 high, unless other numbers are given."""

    def make(frame: bytes, *more: bytes, label: str = "YBR_FULL", syntax: str = JPEG_BASELINE, **numbers: int) -> bytes:
        meta = _element(0x00020010, "UI", syntax.encode()) if syntax else b""
        described = [
            _element(tag, "US", struct.pack("<H", number))
            for keyword, tag in _NUMBERS.items()
            if (number := (_LIKE_RGB | numbers)[keyword]) >= 0
        ]
        described.insert(1, _element(0x00280004, "CS", label.encode()))
        return b"".join([bytes(128), b"DICM", meta, *more, *described, pixel_data(frame, syntax)])

    def pixel_data(frame: bytes, syntax: str) -> bytes:
        if not syntax.startswith(("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5")):
            return _element(0x7FE00010, "OB", frame)
        frame += b"\0" * (len(frame) % 2)
        items = struct.pack("<HHIHHI", 0xFFFE, 0xE000, 0, 0xFFFE, 0xE000, len(frame)) + frame
        return _element(0x7FE00010, "OB", items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), 0xFFFFFFFF)

    return make


@pytest.fixture
def open_dicom(tmp_path: Path) -> Callable[..., DicomReader]:
    """A reader of these files, the first of which is named a."""

    def write(*files: bytes) -> DicomReader:
        for name, data in zip("abc", files, strict=False):
            (tmp_path / f"{name}.dcm").write_bytes(data)
        return DicomReader(Folder(tmp_path, tmp_path, [".dcm"], "data.images.dicom"))

    return write


@pytest.fixture
def refusal(open_dicom: Callable[..., DicomReader]) -> Callable[[bytes], str]:
    """Why a file is refused, having taken no more memory than a few times its size."""

    def read(data: bytes) -> str:
        reader = open_dicom(data)
        tracemalloc.start()
        try:
            with pytest.raises(ImageError) as caught:
                reader.read("a")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 4_000_000 + 3 * len(data)
        message = str(caught.value)
        assert message.startswith("image a: ")
        assert "\n" not in message
        return message

    return read
