import struct
import tracemalloc
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from melanoma.data.readers.codec import decode
from melanoma.errors import ImageError

PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8), (32, 25))
JPEG = cv2.imencode(".jpg", PICTURE[..., ::-1])[1].tobytes()
EXPLICIT, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"
JPEG_2000 = "1.2.840.10008.1.2.4.90"


def test_zero_bytes(refusal):
    assert "is empty (0 bytes)" in refusal(b"")


@pytest.mark.parametrize("data", [b"x", b"garbage" * 50, JPEG, bytes(500), b"\x08\x00" + bytes(20)])
def test_file_that_is_not_dicom(data, refusal):
    assert refusal(data)


def test_file_cut_short_anywhere(refusal, make_dicom, element):
    whole = make_dicom(JPEG, element(0x00081140, "SQ", b""))
    for length in range(1, len(whole) - 1, 7):
        assert refusal(whole[:length])


@pytest.mark.parametrize("numbers", [{"Rows": 10}, {"Rows": 60000}, {"Columns": 33}])
def test_numbers_that_do_not_fit_the_uncompressed_pixels(numbers, refusal, make_dicom):
    message = refusal(make_dicom(PICTURE.tobytes(), label="RGB", syntax=EXPLICIT, **numbers))
    assert "its PixelData takes 2400 bytes; expected" in message


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ({"Rows": 0}, "its Rows is 0; expected 1 to 65535"),
        ({"Rows": -1}, "its Rows is missing or damaged"),
        ({"Rows": 65535, "Columns": 65535}, "claims 65535 x 65535 pixels; up to 89478485 in all are read"),
        ({"SamplesPerPixel": 4}, "its SamplesPerPixel is 4; expected "),
        ({"BitsAllocated": 32}, "its BitsAllocated is 32; expected 8 or 16"),
        ({"BitsStored": 9}, "its BitsStored is 9; expected 8"),
        ({"HighBit": 15}, "its HighBit is 15; expected 7"),
        ({"PixelRepresentation": 1}, "its PixelRepresentation is 1; expected 0"),
    ],
)
@pytest.mark.parametrize("syntax", [EXPLICIT, "1.2.840.10008.1.2.4.50"])
def test_numbers_out_of_range(numbers, reason, syntax, refusal, make_dicom):
    assert reason in refusal(make_dicom(JPEG, syntax=syntax, **numbers))


@pytest.mark.parametrize(
    ("label", "reason"), [("CMYK", "is not MONOCHROME1 or"), ("MONOCHROME2", "its SamplesPerPixel is 3; expected 1")]
)
def test_photometric_interpretation_that_does_not_fit(label, reason, refusal, make_dicom):
    assert reason in refusal(make_dicom(PICTURE.tobytes(), label=label, syntax=EXPLICIT))


@pytest.mark.parametrize("rows", [24, 25])
def test_odd_columns_that_share_colours_in_pairs(rows, refusal, make_dicom):
    data = make_dicom(bytes(2 * rows * 31), label="YBR_FULL_422", syntax=EXPLICIT, Rows=rows, Columns=31)
    assert "has 31 columns, which cannot share their colours in pairs" in refusal(data)


@pytest.mark.parametrize("syntax", [EXPLICIT, RLE])
def test_colours_that_only_jpeg_2000_has(syntax, refusal, make_dicom):
    assert "YBR_RCT, does not go with its transfer syntax" in refusal(
        make_dicom(PICTURE.tobytes(), label="YBR_RCT", syntax=syntax)
    )


@pytest.mark.parametrize("first", [b"", struct.pack("<HHH", 10, 0, 8), struct.pack("<HHH", 0, 0, 16)])
def test_palette_that_is_missing_or_of_another_length(first, refusal, make_dicom, element):
    palette = [element(0x00281101, "US", first), element(0x00281201, "OW", bytes(100))] if first else []
    data = make_dicom(PICTURE[..., 0].tobytes(), *palette, label="PALETTE COLOR", syntax=EXPLICIT, SamplesPerPixel=1)
    assert "is cut short or damaged inside its pixels, or in its palette" in refusal(data)


@pytest.mark.parametrize("length", [None, 0xFFFFFFFF])
def test_nested_sequences(length, open_dicom, make_dicom):
    nested = b""
    for _ in range(300):
        item = struct.pack("<HHI", 0xFFFE, 0xE000, length or len(nested)) + nested
        item += struct.pack("<HHI", 0xFFFE, 0xE00D, 0) if length else b""
        nested = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, length or len(item)) + item
        nested += struct.pack("<HHI", 0xFFFE, 0xE0DD, 0) if length else b""
    reason, reader = "", open_dicom(make_dicom(JPEG, nested))
    try:
        assert (reader.read("a") == decode(JPEG, "a")).all()
    except ImageError as error:
        reason = str(error)
    assert reason in ("", "image a: is not DICOM, or its header is damaged")


@pytest.mark.parametrize("tag", [0x00081140, 0x00280010, 0x00100010, 0x7FE00010])
@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFE])
def test_huge_element_length(tag, length, refusal, make_dicom, element):
    assert refusal(make_dicom(JPEG, element(tag, "OB", b"DOE^JANE", length)))


def test_several_frames(refusal, make_dicom, element):
    message = refusal(make_dicom(JPEG, element(0x00280008, "IS", b"12")))
    assert "holds 12 frames; expected a file of its own for each" in message
    assert "holds an unknown number of frames" in refusal(make_dicom(JPEG, element(0x00280008, "IS", b"1A")))


def test_one_frame_that_is_counted(open_dicom, make_dicom, element):
    assert open_dicom(make_dicom(JPEG, element(0x00280008, "IS", b"1"))).read("a").shape == PICTURE.shape


@pytest.mark.parametrize(
    ("syntax", "name"),
    [("1.2.840.10008.1.2.4.80", r"JPEG-LS Lossless .*\(1.2.840.10008.1.2.4.80\)"), ("1.2.3.4", "unknown")],
)
def test_transfer_syntax_that_is_not_read(syntax, name, open_dicom, make_dicom):
    with pytest.raises(ImageError, match=f"its transfer syntax, {name}, is not read; convert it to JPEG Baseline"):
        open_dicom(make_dicom(JPEG, syntax=syntax)).read("a")


def test_frames_where_uncompressed_pixels_are_announced(refusal, make_dicom):
    for told, written in ((EXPLICIT, "1.2.840.10008.1.2.4.50"), ("1.2.840.10008.1.2.4.50", EXPLICIT)):
        data = make_dicom(JPEG, syntax=written).replace(written.encode() + b"\0" * (len(written) % 2), b"", 1)
        start = data.index(struct.pack("<HH", 0x0002, 0x0010))
        told_element = struct.pack("<HH2sH", 2, 16, b"UI", 64) + told.encode().ljust(64, b"\0")
        assert refusal(data[:start] + told_element + data[start + 8 :])


def test_file_without_preamble_is_read(open_dicom, make_dicom):
    data = make_dicom(JPEG)[132:]
    assert (open_dicom(data).read("a") == decode(JPEG, "a")).all()


@pytest.mark.parametrize("preamble", [True, False])
def test_file_that_does_not_say_its_syntax_is_taken_as_uncompressed(preamble, open_dicom, make_dicom, element):
    data = make_dicom(PICTURE.tobytes(), element(0x00080060, "CS", b"XC"), label="RGB", syntax="")
    assert (open_dicom(data if preamble else data[132:]).read("a") == PICTURE).all()


@pytest.mark.parametrize("frame", [b"", bytes(63), *(struct.pack("<16I", count, *[64] * 15) for count in (1, 3))])
def test_damaged_rle(frame, refusal, make_dicom):
    assert refusal(make_dicom(frame, label="RGB", syntax=RLE))


def test_rle_that_grows_is_stopped_at_its_plane(open_dicom, make_dicom):
    frame = struct.pack("<16I", 3, 64, 200_064, 400_064, *[0] * 12) + b"\x81\x07" * 300_000
    reader = open_dicom(make_dicom(frame, label="RGB", syntax=RLE))
    tracemalloc.start()
    try:
        assert (reader.read("a") == 7).all()
        assert tracemalloc.get_traced_memory()[1] < 40_000_000  # 64 times the file
    finally:
        tracemalloc.stop()


def test_damaged_jpeg_2000(refusal, make_dicom):
    file = BytesIO()
    Image.fromarray(PICTURE).save(file, "JPEG2000", no_jp2=True)
    frame = file.getvalue()
    assert "header is cut short" in refusal(make_dicom(frame[:30], label="RGB", syntax=JPEG_2000))
    assert "damaged inside its pixels" in refusal(make_dicom(frame[:-90], label="RGB", syntax=JPEG_2000))
    assert "but its frame holds" in refusal(make_dicom(frame, label="RGB", syntax=JPEG_2000, Rows=24))
    deep = frame[:42] + bytes([11, 1, 1] * 3) + frame[51:]
    numbers = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
    assert refusal(make_dicom(deep, label="RGB", syntax=JPEG_2000, **numbers))


def test_file_that_vanishes_or_was_never_there(tmp_path, open_dicom, make_dicom):
    reader = open_dicom(make_dicom(JPEG))
    (tmp_path / "a.dcm").unlink()
    for act in (reader.read, reader.size, reader.coded, reader.stamp):
        with pytest.raises(ImageError, match="image a: cannot be opened: No such file"):
            act("a")
        with pytest.raises(ImageError, match="image b: no file of that name"):
            act("b")


@pytest.mark.parametrize(("syntax", "frame"), [("1.2.840.10008.1.2.4.50", JPEG), (EXPLICIT, PICTURE.tobytes())])
def test_flipped_bytes_give_a_picture_or_one_error(syntax, frame, open_dicom, make_dicom, element):
    whole = make_dicom(frame, element(0x00081140, "SQ", b""), label="RGB", syntax=syntax)
    rng = np.random.default_rng(0)
    refusals = []
    for _ in range(300):
        data = bytearray(whole)
        for place in rng.integers(128, len(data), rng.integers(1, 9)):
            data[place] = rng.integers(256)
        reader = open_dicom(bytes(data))
        try:
            assert reader.read("a").shape == (*reader.size("a")[::-1], 3)
        except ImageError as error:
            refusals.append(str(error))
    assert 0 < len(refusals) < 300
    assert all(refusal.startswith("image a: ") for refusal in refusals)
