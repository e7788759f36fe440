"""A DICOM data set -> RGB; pydicom decodes all but JPEG, which the codec reads as it reads files."""

from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut, convert_color_space
from pydicom.pixels.utils import pixel_array

from melanoma.data.readers.codec import decode
from melanoma.data.readers.dicom_header import (
    GREY,
    JPEG,
    JPEG_2000,
    LOSSLESS,
    PALETTE,
    PLUGINS,
    TRANSFORMED,
    YBR,
    check_header,
)
from melanoma.data.readers.jpeg_stream import decode_lossless, inspect_jpeg, untransformed, without_exif
from melanoma.errors import ImageError


def decode_dataset(dataset: pydicom.Dataset, image_name: str, least: int) -> NDArray[np.uint8]:
    """Decode the only frame to RGB (H, W, 3); of a JPEG, `least` lets it come smaller, as for `decode`.

    Raises:
        ImageError: if the header is not one that is read, contradicts the frame, or the frame is damaged.
    """
    syntax = check_header(dataset, image_name)
    if syntax in JPEG:
        return _decode_jpeg(dataset, image_name, least)
    if syntax in JPEG_2000:
        _check_jpeg_2000(dataset, image_name)
    return _decode_other(dataset, image_name, PLUGINS[syntax])


def coded_frame(dataset: pydicom.Dataset, image_name: str) -> bytes:
    """Give the frame as it is stored, without the padding to an even length."""
    if "PixelData" not in dataset:
        raise ImageError(image_name, "is cut short before its pixels, or holds none")
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return bytes(dataset.PixelData)
    try:
        frame: bytes = next(generate_frames(dataset.PixelData, number_of_frames=1))
    except Exception:  # pydicom raises many kinds on damaged fragments
        raise ImageError(image_name, "is cut short or damaged inside its pixels") from None
    return frame[:-1] if frame.endswith(b"\xff\xd9\0") else frame


def has_wrong_label(dataset: pydicom.Dataset, image_name: str) -> bool:
    """Say whether a colour JPEG says of its components what the header does not."""
    if dataset.file_meta.TransferSyntaxUID not in JPEG:
        return False
    colours = inspect_jpeg(coded_frame(dataset, image_name), image_name).colours
    return colours not in (None, _label(dataset))


def _label(dataset: pydicom.Dataset) -> str:
    return "YBR" if dataset.PhotometricInterpretation in YBR else str(dataset.PhotometricInterpretation)


def _decode_jpeg(dataset: pydicom.Dataset, image_name: str, least: int) -> NDArray[np.uint8]:
    data, label = coded_frame(dataset, image_name), _label(dataset)
    stream = inspect_jpeg(data, image_name)
    _check_agreement(dataset, (stream.width, stream.height, stream.components), image_name)
    if stream.lossless != (dataset.file_meta.TransferSyntaxUID in LOSSLESS):
        raise ImageError(image_name, "its transfer syntax and its JPEG disagree on whether it is lossless")
    if stream.components == 1 and label not in GREY:
        raise ImageError(
            image_name, f"its PhotometricInterpretation is {dataset.PhotometricInterpretation}, but its JPEG is grey"
        )
    if stream.components == 3 and stream.colours is None and label not in ("YBR", "RGB"):
        raise ImageError(
            image_name, f"its PhotometricInterpretation is {label}, and its JPEG does not say what its colours are"
        )
    if stream.lossless:
        samples = decode_lossless(data, stream, image_name)
        in_ybr = stream.components == 3 and (stream.colours or label) == "YBR"
        return _upper_bits(convert_color_space(samples, "YBR_FULL", "RGB") if in_ybr else samples, dataset)
    data = without_exif(data, stream)
    image = decode(untransformed(data) if stream.colours is None and label == "RGB" else data, image_name, least)
    return ~image if label == "MONOCHROME1" and stream.components == 1 else image


def _check_agreement(dataset: pydicom.Dataset, found: tuple[int, int, int], image_name: str) -> None:
    """Hold the header against the width, height and components of the coded stream, before it is decoded."""
    claimed = (dataset.Columns, dataset.Rows, dataset.SamplesPerPixel)
    if found != claimed:
        raise ImageError(
            image_name,
            f"its header speaks of {claimed[0]} x {claimed[1]} pixels of {claimed[2]} samples, but its frame holds "
            f"{found[0]} x {found[1]} pixels of {found[2]} samples",
        )


def _check_jpeg_2000(dataset: pydicom.Dataset, image_name: str) -> None:
    try:
        with Image.open(BytesIO(coded_frame(dataset, image_name)), formats=("JPEG2000",)) as image:
            found = (*image.size, len(image.getbands()))
    except ImageError:
        raise
    except Exception:  # Pillow's parsers raise many kinds on damaged headers
        raise ImageError(
            image_name, "holds a frame that is not JPEG 2000, or whose header is cut short or damaged"
        ) from None
    _check_agreement(dataset, found, image_name)


def _decode_other(dataset: pydicom.Dataset, image_name: str, plugin: str) -> NDArray[np.uint8]:
    label = dataset.PhotometricInterpretation
    if plugin != "pillow" and label in TRANSFORMED:
        raise ImageError(image_name, f"its PhotometricInterpretation, {label}, does not go with its transfer syntax")
    if label == PALETTE and dataset.file_meta.TransferSyntaxUID == uid.ExplicitVRBigEndian:
        raise ImageError(image_name, "has a palette in big-endian order; convert it to little-endian first")
    _check_length(dataset, image_name)
    if "PlanarConfiguration" not in dataset:
        dataset.PlanarConfiguration = 0
    try:
        # Unless raw, YBR becomes RGB.
        samples = pixel_array(dataset, decoding_plugin=plugin, raw=label == PALETTE)
        if label == PALETTE:
            samples = apply_color_lut(samples, dataset)
    except Exception:  # pydicom and its plug-ins raise many kinds on damaged pixels
        raise ImageError(image_name, "is cut short or damaged inside its pixels, or in its palette") from None
    return _upper_bits(samples, dataset)


def _check_length(dataset: pydicom.Dataset, image_name: str) -> None:
    """Hold uncompressed pixels against the header; pydicom would pass over what is left."""
    found = len(coded_frame(dataset, image_name))
    samples = 2 if dataset.PhotometricInterpretation == "YBR_FULL_422" else dataset.SamplesPerPixel
    expected = dataset.Rows * dataset.Columns * samples * dataset.BitsAllocated // 8
    if dataset.PhotometricInterpretation == "YBR_FULL_422" and dataset.Columns % 2:
        raise ImageError(image_name, f"has {dataset.Columns} columns, which cannot share their colours in pairs")
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated and found not in (expected, expected + expected % 2):
        raise ImageError(
            image_name, f"its PixelData takes {found} bytes; expected {expected}: it is cut short or damaged"
        )


def _upper_bits(samples: NDArray[Any], dataset: pydicom.Dataset) -> NDArray[np.uint8]:
    """Give RGB (H, W, 3): the upper 8 of the bits that are stored; of signed samples, the lowest becomes 0."""
    label = dataset.PhotometricInterpretation
    stored = samples.dtype.itemsize * 8 if label == PALETTE else dataset.BitsStored
    if dataset.PixelRepresentation == 1:
        samples = samples.astype(np.int32) + 2 ** (stored - 1)
    upper = (samples >> (stored - 8)).astype(np.uint8)
    if upper.ndim == 2 or upper.shape[2] == 1:
        upper = np.repeat(upper.reshape(*upper.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(~upper if label == "MONOCHROME1" and dataset.SamplesPerPixel == 1 else upper)
