"""What a JPEG stream says of itself before its first scan, and the two changes that DICOM asks for there."""

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma.errors import ImageError

_TABLES = (0xC4, 0xC8, 0xCC)
_FRAMES = {*range(0xC0, 0xD0)} - {*_TABLES}
"""Markers of the kinds of JPEG: the first four are sequential, extended, progressive and lossless Huffman coding."""
_READ = (0xC0, 0xC1, 0xC2, 0xC3)
_LOSSLESS = 0xC3
_APP0, _APP1, _APP14, _SCAN, _FILL = 0xE0, 0xE1, 0xEE, 0xDA, 0xFF
_UNTRANSFORMED = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
"""Adobe's marker with transform 0: the components are red, green and blue."""


class _Segment(NamedTuple):
    marker: int
    start: int
    end: int


@dataclass(frozen=True)
class JpegStream:
    """The header of a JPEG stream."""

    width: int
    height: int
    components: int
    lossless: bool
    subsampled: bool
    """Whether the components differ in resolution."""
    colours: str | None
    """"YBR" or "RGB" where three components can only be that, as libjpeg decides it; None where nothing says so."""
    exif: tuple[_Segment, ...]


def inspect_jpeg(data: bytes, image_name: str) -> JpegStream:
    """Read the header of a JPEG stream.

    Raises:
        ImageError: if it is damaged, or of a kind that is not read: arithmetic coding, or other than 8 bits.
    """
    segments = _segments(data, image_name)
    frames = [segment for segment in segments if segment.marker in _FRAMES]
    if len(frames) != 1 or frames[0].end - frames[0].start < 10:
        raise _damaged(image_name)
    marker, start, end = frames[0]
    precision, height, width, components = struct.unpack(">BHHB", data[start + 4 : start + 10])
    if marker not in _READ or precision != 8:
        raise ImageError(image_name, "holds a JPEG of other than 8 bits, or with arithmetic coding; convert it first")
    layout = data[start + 10 : end]
    subsampled = len(set(layout[1::3])) > 1
    colours = _colours(data, segments, layout[::3], subsampled)
    exif = tuple(one for one in segments if one.marker == _APP1 and _is(data, one, b"Exif\0", 5))
    return JpegStream(width, height, components, marker == _LOSSLESS, subsampled, colours, exif)


def decode_lossless(data: bytes, stream: JpegStream, image_name: str) -> NDArray[np.uint8]:
    """Decode a lossless stream to its samples, (H, W, components), which libjpeg leaves in their own colours.

    Raises:
        ImageError: if it is cut short or damaged.
    """
    try:
        with Image.open(BytesIO(data), formats=("JPEG",)) as image:
            samples = np.array(image, dtype=np.uint8)
    except Exception:  # Pillow's parsers raise many kinds on damaged data
        samples = np.empty(0, dtype=np.uint8)
    if samples.size != stream.width * stream.height * stream.components:
        raise ImageError(image_name, "is cut short or damaged inside its pixels")
    return samples.reshape(stream.height, stream.width, stream.components)


def without_exif(data: bytes, stream: JpegStream) -> bytes:
    """Drop EXIF, which would turn a picture whose way up DICOM has settled."""
    for _, start, end in reversed(stream.exif):
        data = data[:start] + data[end:]
    return data


def untransformed(data: bytes) -> bytes:
    """Add a marker that the components are red, green and blue."""
    return data[:2] + _UNTRANSFORMED + data[2:]


def _segments(data: bytes, image_name: str) -> list[_Segment]:
    """List the segments before the first scan."""
    segments: list[_Segment] = []
    place = 2
    while data[:2] == b"\xff\xd8" and place + 4 <= len(data) and data[place] == _FILL:
        marker = data[place + 1]
        if marker == _SCAN:
            return segments
        if marker == _FILL:
            place += 1
            continue
        length = struct.unpack(">H", data[place + 2 : place + 4])[0]
        if length < 2:
            break
        segments.append(_Segment(marker, place, place + 2 + length))
        place += 2 + length
    raise _damaged(image_name)


def _colours(data: bytes, segments: list[_Segment], ids: bytes, subsampled: bool) -> str | None:
    """Say what the components are; libjpeg looks at JFIF first, then at Adobe's marker, then at the components' ids."""
    if any(one.marker == _APP0 and _is(data, one, b"JFIF\0", 14) for one in segments):
        return "YBR"
    adobe = [one for one in segments if one.marker == _APP14 and _is(data, one, b"Adobe", 12)]
    if adobe:
        return "YBR" if data[adobe[-1].start + 15] else "RGB"
    if ids == b"RGB":
        return "RGB"
    # Only differences from brightness are worth storing at a lower resolution.
    return "YBR" if subsampled else None


def _is(data: bytes, segment: _Segment, label: bytes, least: int) -> bool:
    """Say whether a segment begins with the label and holds at least so many bytes."""
    return data.startswith(label, segment.start + 4) and segment.end - segment.start - 4 >= least


def _damaged(image_name: str) -> ImageError:
    return ImageError(image_name, "holds a frame that is not a JPEG, or whose header is cut short or damaged")
