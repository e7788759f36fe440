import struct
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from melanoma.data.readers.codec import decode
from melanoma.errors import ImageError

PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8), (32, 25))
GREY = PICTURE[..., 0]
YBR = cv2.cvtColor(PICTURE, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
WARNING = (
    "image a: its PhotometricInterpretation is not that of the JPEG stream inside; the stream is believed, here and in "
    "further images"
)


def jpeg_of(samples, **options) -> bytes:
    file = BytesIO()
    Image.fromarray(samples).save(file, "JPEG", quality=95, **options)
    return file.getvalue()


def silent(jpeg: bytes) -> bytes:
    """Take out of a stream all that says what its components are: JFIF, Adobe's marker, the letters RGB."""
    for marker in (b"\xff\xe0", b"\xff\xee"):
        if (start := jpeg.find(marker)) > 0:
            jpeg = jpeg[:start] + jpeg[start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big") :]
    for number, letter in enumerate(b"RGB", 1):
        jpeg = jpeg.replace(bytes([letter, 0x11]), bytes([number, 0x11]), 1)
        jpeg = jpeg.replace(bytes([letter, 0x00]), bytes([number, 0x00]), 1)
    return jpeg


def lossless(samples) -> bytes:
    """Code samples (H, W, components) as lossless JPEG with the first predictor, each bit length in four bits."""
    height, width, components = samples.shape
    ids = range(1, components + 1)
    tables = bytes(1) + bytes([0, 0, 0, 9] + [0] * 12) + bytes(range(9))
    layout = b"".join(bytes([one, 0x11, 0]) for one in ids)
    scan = bytes([components]) + b"".join(bytes([one, 0]) for one in ids) + bytes([1, 0, 0])
    values = samples.astype(int)
    predicted = np.roll(values, 1, axis=1)
    predicted[1:, 0], predicted[0, 0] = values[:-1, 0], 128
    bits = ""
    for step in (values - predicted).ravel():
        length = int(abs(step)).bit_length()
        bits += f"{length:04b}" + (f"{step if step > 0 else step + 2**length - 1:0{length}b}" if length else "")
    bits += "1" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    segments = [
        (0xC4, tables),
        (0xC3, struct.pack(">BHHB", 8, height, width, components) + layout),
        (0xDA, scan),
    ]
    header = b"".join(struct.pack(">BBH", 0xFF, marker, len(part) + 2) + part for marker, part in segments)
    return b"\xff\xd8" + header + body + b"\xff\xd9"


@pytest.mark.parametrize("least", [0, 12])
@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({"subsampling": 0}, "YBR_FULL"),
        ({"subsampling": 1}, "YBR_FULL_422"),
        ({"subsampling": 2}, "YBR_FULL_422"),
        ({"keep_rgb": True}, "RGB"),
        ({"progressive": True}, "YBR_FULL"),
    ],
)
def test_a_jpeg_stream_gives_the_same_pixels_as_in_a_file_of_its_own(
    options, label, least, open_dicom, make_dicom, caplog
):
    jpeg = jpeg_of(PICTURE, **options)
    opened = open_dicom(make_dicom(jpeg, label=label))
    assert (opened.read("a", least) == decode(jpeg, "a", least)).all()
    assert opened.read("a", least).shape == ((13, 16, 3) if least else (25, 32, 3))
    assert opened.coded("a") == jpeg
    assert caplog.records == []


@pytest.mark.parametrize("label", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("least", [0, 12])
def test_grey_jpeg(label, least, open_dicom, make_dicom):
    expected = decode(jpeg_of(GREY), "a", least)
    image = open_dicom(make_dicom(jpeg_of(GREY), label=label, SamplesPerPixel=1)).read("a", least)
    assert (image == (255 - expected if label == "MONOCHROME1" else expected)).all()


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"])
@pytest.mark.parametrize(
    ("label", "samples", "expected"),
    [
        ("RGB", PICTURE, PICTURE),
        ("YBR_FULL", YBR, PICTURE),
        ("MONOCHROME2", PICTURE[..., :1], GREY[..., None]),
        ("MONOCHROME1", PICTURE[..., :1], 255 - GREY[..., None]),
    ],
)
def test_lossless_jpeg_comes_whole(label, samples, expected, syntax, open_dicom, make_dicom):
    data = make_dicom(lossless(samples), label=label, syntax=syntax, SamplesPerPixel=samples.shape[2])
    image = open_dicom(data).read("a", 2)
    assert image.shape == (25, 32, 3)
    assert image.flags.writeable
    assert np.abs(image.astype(int) - expected).max() <= (2 if label == "YBR_FULL" else 0)


def test_truncated_lossless_jpeg(open_dicom, make_dicom):
    data = make_dicom(lossless(PICTURE)[:-500], label="RGB", syntax="1.2.840.10008.1.2.4.70")
    with pytest.raises(ImageError, match="is cut short or damaged inside its pixels"):
        open_dicom(data).read("a")


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"])
def test_syntax_that_lies_about_loss(syntax, open_dicom, make_dicom):
    jpeg = lossless(PICTURE) if syntax.endswith("50") else jpeg_of(PICTURE)
    with pytest.raises(ImageError, match="disagree on whether it is lossless"):
        open_dicom(make_dicom(jpeg, syntax=syntax)).read("a")


@pytest.mark.parametrize("orientation", [3, 6])
def test_exif_in_a_frame_does_not_turn_it(orientation, open_dicom, make_dicom):
    exif = Image.Exif()
    exif[0x0112] = orientation
    opened = open_dicom(make_dicom(jpeg_of(PICTURE, exif=exif)))
    assert (opened.read("a") == decode(jpeg_of(PICTURE), "a")).all()
    assert opened.size("a") == (32, 25)


@pytest.mark.parametrize(("label", "options"), [("YBR_FULL", {"subsampling": 0}), ("RGB", {"keep_rgb": True})])
def test_the_label_decides_where_the_stream_says_nothing(label, options, open_dicom, make_dicom, caplog):
    jpeg = jpeg_of(PICTURE, **options)
    image = open_dicom(make_dicom(silent(jpeg), label=label)).read("a")
    assert (image == decode(jpeg, "a")).all()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("options", "label"),
    [({}, "RGB"), ({"keep_rgb": True}, "YBR_FULL"), ({}, "MONOCHROME2"), ({"keep_rgb": True}, "MONOCHROME1")],
)
def test_the_stream_is_believed_against_a_wrong_label(options, label, open_dicom, make_dicom, caplog):
    jpeg = jpeg_of(PICTURE, **options)
    opened = open_dicom(*[make_dicom(jpeg, label=label)] * 2)
    assert (opened.read("a") == decode(jpeg, "a")).all()
    assert (opened.read("b") == opened.read("a")).all()
    assert [record.getMessage() for record in caplog.records] == [WARNING]


def test_subsampling_shows_that_a_stream_is_not_rgb(open_dicom, make_dicom, caplog):
    jpeg = jpeg_of(PICTURE, subsampling=1)
    assert (open_dicom(make_dicom(silent(jpeg), label="RGB")).read("a") == decode(jpeg, "a")).all()
    assert [record.getMessage() for record in caplog.records] == [WARNING]


@pytest.mark.parametrize(
    ("jpeg", "label", "samples", "reason"),
    [
        (silent(jpeg_of(PICTURE, subsampling=0)), "MONOCHROME2", 3, "its JPEG does not say what its colours are"),
        (jpeg_of(GREY), "YBR_FULL", 1, "PhotometricInterpretation is YBR_FULL, but its JPEG is grey"),
        (jpeg_of(GREY), "PALETTE COLOR", 1, "PhotometricInterpretation is PALETTE COLOR, but its JPEG is grey"),
        (jpeg_of(PICTURE), "MONOCHROME2", 1, "of 1 samples, but its frame holds .* of 3 samples"),
        (jpeg_of(GREY), "YBR_FULL", 3, "of 3 samples, but its frame holds .* of 1 samples"),
    ],
)
def test_label_that_contradicts_the_stream(jpeg, label, samples, reason, open_dicom, make_dicom):
    with pytest.raises(ImageError, match=reason):
        open_dicom(make_dicom(jpeg, label=label, SamplesPerPixel=samples)).read("a")


@pytest.mark.parametrize("numbers", [{"Rows": 10}, {"Columns": 1000}, {"Rows": 32, "Columns": 25}])
def test_header_that_contradicts_the_stream(numbers, open_dicom, make_dicom):
    with pytest.raises(ImageError, match=r"its header speaks of .*, but its frame holds 32 x 25 pixels of 3 samples"):
        open_dicom(make_dicom(jpeg_of(PICTURE), **numbers)).read("a")


@pytest.mark.parametrize("marker", [b"\xff\xc9", b"\xff\xc5"])
def test_arithmetic_and_hierarchical_coding_are_refused(marker, open_dicom, make_dicom):
    jpeg = jpeg_of(PICTURE).replace(b"\xff\xc0", marker, 1)
    with pytest.raises(ImageError, match="holds a JPEG of other than 8 bits, or with arithmetic coding"):
        open_dicom(make_dicom(jpeg)).read("a")
