from io import BytesIO

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate

from melanoma.data.readers.dicom import DicomReader
from melanoma.data.readers.folder import Folder
from melanoma.errors import ImageError

PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8), (16, 25)).repeat(2, axis=1)
"""A picture 32 px wide and 25 high, without symmetry, whose neighbours are alike, so that 4:2:2 keeps it."""
GREY = PICTURE[..., :1]
DEEP = (GREY.astype(np.uint16) << 4) + 9
"""12 bits, of which GREY is the upper 8."""
PALETTE = np.random.default_rng(1).integers(0, 2**16, (3, 200), dtype=np.uint16)
LOOKED_UP = (PALETTE >> 8)[:, np.clip(GREY[..., 0].astype(int) - 7, 0, 199)].transpose(1, 2, 0)
NATIVE = [
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
]


def to_ybr(rgb) -> np.ndarray:
    matrix = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    return np.clip(np.round(rgb @ matrix.T + [0, 128, 128]), 0, 255).astype(np.uint8)


STORED = {  # photometric interpretation, samples, bits stored, RGB expected
    "rgb": ("RGB", PICTURE, 8, PICTURE),
    "rgb of 16 bits": ("RGB", PICTURE.astype(np.uint16) * 256 + 200, 16, PICTURE),
    "ybr": ("YBR_FULL", to_ybr(PICTURE), 8, PICTURE),
    "grey": ("MONOCHROME2", GREY, 8, GREY.repeat(3, 2)),
    "grey of 12 bits": ("MONOCHROME2", DEEP, 12, GREY.repeat(3, 2)),
    "grey of 16 bits": ("MONOCHROME2", GREY.astype(np.uint16) * 256 + 77, 16, GREY.repeat(3, 2)),
    "signed grey": ("MONOCHROME2", DEEP.astype(np.int16) - 2048, 12, GREY.repeat(3, 2)),
    "inverted": ("MONOCHROME1", GREY, 8, 255 - GREY.repeat(3, 2)),
    "inverted of 12 bits": ("MONOCHROME1", DEEP, 12, 255 - GREY.repeat(3, 2)),
    "palette": ("PALETTE COLOR", GREY, 8, LOOKED_UP),
}


def describe(photometric, samples, bits=8, **elements) -> pydicom.Dataset:
    """Say all of a picture (H, W, samples) but its pixels."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.3"
    dataset.PhotometricInterpretation = photometric
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = samples.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * samples.itemsize, bits, bits - 1
    dataset.PixelRepresentation = int(samples.dtype.kind == "i")
    if samples.shape[2] == 3:
        dataset.PlanarConfiguration = 0
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def write(path, dataset, syntax, pixels: bytes) -> None:
    dataset.file_meta = pydicom.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        for colour, entries in zip(("Red", "Green", "Blue"), PALETTE, strict=True):
            setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [200, 7, 16])
            setattr(dataset, f"{colour}PaletteColorLookupTableData", entries.astype(f"{order}u2").tobytes())
    dataset.PixelData = encapsulate([pixels]) if syntax.is_encapsulated else pixels + bytes(len(pixels) % 2)
    dataset["PixelData"].VR = "OB" if syntax.is_encapsulated or dataset.BitsAllocated == 8 else "OW"
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)


def write_native(path, stored, syntax, **elements) -> None:
    photometric, samples, bits, _ = stored
    dataset = describe(photometric, samples, bits, **elements)
    if elements.get("PlanarConfiguration"):
        samples = samples.transpose(2, 0, 1)
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    write(path, dataset, syntax, samples.astype(samples.dtype.newbyteorder(order)).tobytes())


def difference(one, other) -> int:
    assert one.shape == other.shape
    assert one.dtype == np.uint8
    assert one.flags.writeable
    assert one.flags.c_contiguous
    return int(np.abs(one.astype(int) - other).max())


@pytest.fixture
def reader(tmp_path):
    return lambda: DicomReader(Folder(tmp_path, tmp_path, [".dcm", ".dicom"], "data.images.dicom"))


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("kind", STORED)
def test_uncompressed_pixels(kind, syntax, tmp_path, reader):
    write_native(tmp_path / "a.dcm", STORED[kind], syntax)
    if kind == "palette" and syntax == uid.ExplicitVRBigEndian:
        with pytest.raises(ImageError, match="a palette in big-endian order; convert it"):
            reader().read("a")
        return
    assert difference(reader().read("a"), STORED[kind][3]) <= (2 if kind == "ybr" else 0)
    assert reader().size("a") == (32, 25)


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("kind", ["rgb", "rgb of 16 bits", "ybr"])
def test_uncompressed_planes(kind, syntax, tmp_path, reader):
    write_native(tmp_path / "a.dcm", STORED[kind], syntax, PlanarConfiguration=1)
    assert difference(reader().read("a"), PICTURE) <= (2 if kind == "ybr" else 0)


def test_uncompressed_pixels_that_share_their_colours(tmp_path, reader):
    ybr = to_ybr(PICTURE)
    pairs = np.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], axis=-1)
    write(tmp_path / "a.dcm", describe("YBR_FULL_422", PICTURE), uid.ExplicitVRLittleEndian, pairs.tobytes())
    assert difference(reader().read("a"), PICTURE) <= 2


def test_odd_number_of_bytes_in_words_of_big_endian(tmp_path, reader):
    odd = PICTURE[:5, :5]
    words = np.frombuffer(odd.tobytes() + b"\0", dtype=">u2").astype("<u2").tobytes()
    dataset = describe("RGB", odd)
    write(tmp_path / "a.dcm", dataset, uid.ExplicitVRBigEndian, words)
    dataset["PixelData"].VR = "OW"
    pydicom.dcmwrite(tmp_path / "a.dcm", dataset)
    assert difference(reader().read("a"), odd) == 0


@pytest.mark.parametrize("kind", STORED)
def test_rle(kind, tmp_path, reader):
    write_native(tmp_path / "a.dcm", STORED[kind], uid.ExplicitVRLittleEndian)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    dataset.compress(uid.RLELossless)
    dataset.save_as(tmp_path / "a.dcm")
    assert difference(reader().read("a"), STORED[kind][3]) <= (2 if kind == "ybr" else 0)


@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize(
    ("kind", "label", "transform"),
    [
        ("rgb", "RGB", 0),
        ("rgb", "YBR_RCT", 1),
        ("ybr", "YBR_FULL", 0),
        ("grey", "MONOCHROME2", 0),
        ("inverted", "MONOCHROME1", 0),
        ("grey of 16 bits", "MONOCHROME2", 0),
    ],
)
def test_jpeg_2000(kind, label, transform, boxed, tmp_path, reader):
    _, samples, bits, expected = STORED[kind]
    file = BytesIO()
    Image.fromarray(samples.squeeze()).save(file, "JPEG2000", no_jp2=not boxed, mct=transform)
    write(tmp_path / "a.dcm", describe(label, samples, bits), uid.JPEG2000Lossless, file.getvalue())
    assert difference(reader().read("a"), expected) <= (2 if kind == "ybr" else 0)


def test_lossy_jpeg_2000_is_as_pillow_decodes_it(tmp_path, reader):
    file = BytesIO()
    Image.fromarray(PICTURE).save(file, "JPEG2000", no_jp2=True, irreversible=True, mct=1, quality_layers=[5])
    write(tmp_path / "a.dcm", describe("YBR_ICT", PICTURE), uid.JPEG2000, file.getvalue())
    assert difference(reader().read("a"), np.asarray(Image.open(file))) == 0


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit], ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("sampling", [0, 1])
def test_jpeg_is_as_pydicom_decodes_it(sampling, syntax, tmp_path, reader):
    file = BytesIO()
    Image.fromarray(PICTURE).save(file, "JPEG", subsampling=sampling)
    write(tmp_path / "a.dcm", describe("YBR_FULL_422" if sampling else "YBR_FULL", PICTURE), syntax, file.getvalue())
    assert difference(reader().read("a"), pydicom.dcmread(tmp_path / "a.dcm").pixel_array) <= 1


def test_frame_in_several_fragments(tmp_path, reader):
    file = BytesIO()
    Image.fromarray(PICTURE).save(file, "JPEG")
    dataset = describe("YBR_FULL_422", PICTURE)
    dataset.PixelData = encapsulate([file.getvalue()], fragments_per_frame=4)
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = pydicom.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    pydicom.dcmwrite(tmp_path / "a.dcm", dataset, enforce_file_format=True)
    assert reader().coded("a") == file.getvalue()
