"""What a DICOM header must say of the picture, checked before anything is decoded."""

from typing import Any

import pydicom
from pydicom import uid

from melanoma.data.readers.codec import MOST_PIXELS
from melanoma.errors import ImageError

LOSSLESS = (uid.JPEGLossless, uid.JPEGLosslessSV1)
JPEG = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, *LOSSLESS)
JPEG_2000 = (uid.JPEG2000, uid.JPEG2000Lossless)
# By name: of the others, gdcm decodes a truncated frame without an error, and pylibjpeg-libjpeg is under the GPL.
PLUGINS = dict.fromkeys(JPEG_2000, "pillow") | {
    uid.RLELossless: "pydicom",
    uid.ImplicitVRLittleEndian: "",
    uid.ExplicitVRLittleEndian: "",
    uid.ExplicitVRBigEndian: "",
}
GREY, YBR = ("MONOCHROME1", "MONOCHROME2"), ("YBR_FULL", "YBR_FULL_422")
TRANSFORMED, PALETTE = ("YBR_ICT", "YBR_RCT"), "PALETTE COLOR"
_KNOWN = (*GREY, "RGB", *YBR, *TRANSFORMED, PALETTE)
PIXELS = (
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
    *(
        f"{colour}PaletteColorLookupTable{part}"
        for colour in ("Red", "Green", "Blue")
        for part in ("Data", "Descriptor")
    ),
)
"""All that is read of the picture."""


def check_header(dataset: pydicom.Dataset, image_name: str) -> uid.UID:
    """Check all that decoding relies on, before it claims memory; give the transfer syntax."""
    syntax = _syntax(dataset, image_name)
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if photometric not in _KNOWN:
        raise ImageError(image_name, f"its PhotometricInterpretation is not {' or '.join(_KNOWN)}; convert it first")
    frames = dataset.get("NumberOfFrames") or 1
    if frames != 1:
        found = frames if isinstance(frames, int) else "an unknown number of"
        raise ImageError(image_name, f"holds {found} frames; expected a file of its own for each, with one frame")
    rows, columns = (_number(dataset, keyword, range(1, 2**16), image_name) for keyword in ("Rows", "Columns"))
    if rows * columns > MOST_PIXELS:
        raise ImageError(image_name, f"claims {rows} x {columns} pixels; up to {MOST_PIXELS} in all are read")
    grey = photometric in GREY
    # A JPEG says itself whether it is grey, and is believed.
    samples = range(1, 4, 2) if syntax in JPEG else range(1, 2) if grey or photometric == PALETTE else range(3, 4)
    _number(dataset, "SamplesPerPixel", samples, image_name)
    allocated = _number(dataset, "BitsAllocated", range(8, 17, 8), image_name)
    stored = _number(dataset, "BitsStored", range(8, allocated + 1), image_name)
    _number(dataset, "HighBit", range(stored - 1, stored), image_name)
    _number(dataset, "PixelRepresentation", range(2) if grey else range(1), image_name)
    return syntax


def _syntax(dataset: pydicom.Dataset, image_name: str) -> uid.UID:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        syntax = uid.ImplicitVRLittleEndian if dataset.original_encoding[0] else uid.ExplicitVRLittleEndian
        dataset.file_meta.TransferSyntaxUID = syntax
    if syntax not in (*JPEG, *PLUGINS):
        # A UID that is not DICOM's own may be anything.
        named = f"{syntax.name} ({syntax})" if syntax in uid.AllTransferSyntaxes else "unknown"
        raise ImageError(
            image_name,
            f"its transfer syntax, {named}, is not read; convert it to JPEG Baseline, JPEG 2000, RLE or uncompressed",
        )
    return uid.UID(syntax)


def _number(dataset: pydicom.Dataset, keyword: str, allowed: range, image_name: str) -> int:
    value: Any = dataset.get(keyword)
    if not isinstance(value, int) or value not in allowed:
        found = value if isinstance(value, int) else "missing or damaged"
        span = " or ".join(map(str, allowed)) if len(allowed) < 3 else f"{allowed[0]} to {allowed[-1]}"
        raise ImageError(image_name, f"its {keyword} is {found}; expected {span}")
    return value
