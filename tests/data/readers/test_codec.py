import struct
import tracemalloc
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from melanoma.data.readers.codec import decode, picture_size
from melanoma.errors import ImageError

SMOOTH = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8), (32, 24))
"""A picture 32 px wide and 24 high, without symmetry, that JPEG keeps well."""


def encode(image, kind="PNG", **options) -> bytes:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def by_pillow(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def refusal(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, "im7")
    message = str(caught.value)
    assert message.startswith("image im7: ")
    assert "\n" not in message
    return message


def test_channels_are_in_the_order_red_green_blue():
    picture = np.zeros((2, 3, 3), np.uint8)
    picture[0, 0], picture[1, 2] = (255, 10, 0), (0, 20, 200)
    assert decode(encode(picture), "x").tolist() == picture.tolist()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 60, "subsampling": 2}])
def test_baseline_and_progressive_jpeg_are_as_pillow_decodes_them(options):
    data = encode(SMOOTH, "JPEG", **options)
    assert np.abs(decode(data, "x").astype(int) - by_pillow(data)).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_grey_becomes_three_equal_channels(kind):
    data = encode(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4, kind)
    image = decode(data, "x")
    assert image.shape == (8, 8, 3)
    assert (image == by_pillow(data)).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1"])
def test_alpha_is_dropped_and_palettes_are_looked_up(mode):
    picture = Image.fromarray(SMOOTH).convert("L" if mode == "LA" else "RGB")
    picture = picture.quantize(16) if mode == "P" else picture.convert(mode)
    if mode in ("RGBA", "LA"):
        picture.putalpha(Image.fromarray(SMOOTH[..., 0]))
    expected = np.array(picture.convert("RGB"))
    assert picture.mode == mode
    assert (decode(encode(picture), "x") == expected).all()


def test_transparent_colour_of_a_palette_is_kept():
    picture = Image.fromarray(SMOOTH).quantize(16)
    assert (decode(encode(picture, transparency=0), "x") == np.array(picture.convert("RGB"))).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png_becomes_its_upper_8_bits(channels):
    upper = SMOOTH[..., :channels]
    _, data = cv2.imencode(".png", upper[..., ::-1].astype(np.uint16) * 256 + 255)
    assert (decode(data.tobytes(), "x") == np.broadcast_to(upper, SMOOTH.shape)).all()


def test_cmyk_is_converted_as_pillow_does():
    data = encode(Image.fromarray(SMOOTH).convert("CMYK"), "JPEG")
    assert (decode(data, "x") == by_pillow(data)).all()
    assert np.abs(decode(data, "x").astype(int) - SMOOTH).mean() < 10


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB")])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotated_image_is_upright(kind, mode, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.fromarray(SMOOTH).convert(mode), kind, exif=exif)
    with Image.open(BytesIO(data)) as image:
        expected = np.array(ImageOps.exif_transpose(image).convert("RGB"))
    image = decode(data, "x")
    assert image.shape == expected.shape == ((24, 32, 3) if orientation < 5 else (32, 24, 3))
    assert np.abs(image.astype(int) - expected).max() <= 1


def test_orientation_6_turns_the_left_side_up():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = np.zeros((2, 3, 3), np.uint8)
    picture[:, 0] = 250
    assert decode(encode(picture, exif=exif), "x")[..., 0].tolist() == [[250, 250], [0, 0], [0, 0]]


def test_empty_image():
    assert "is empty (0 bytes)" in refusal(b"")


@pytest.mark.parametrize("data", [b"garbage" * 20, b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"\0" * 500])
def test_garbage_image(data):
    assert "is neither JPEG nor PNG, or its header is damaged" in refusal(data)


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [("PNG", "RGB", {}), ("JPEG", "RGB", {}), ("JPEG", "RGB", {"progressive": True}), ("JPEG", "CMYK", {})],
)
def test_truncated_image(kind, mode, options):
    data = encode(Image.fromarray(SMOOTH).convert(mode), kind, **options)
    for length in (len(data) // 10, len(data) // 2, len(data) * 9 // 10):
        assert "damaged" in refusal(data[:length])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "TIFF"])
def test_other_formats_are_refused(kind):
    assert "is neither JPEG nor PNG" in refusal(encode(SMOOTH, kind))


def png_header(width, height) -> bytes:
    """A PNG of a hundred bytes that claims this size."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [60_000, 12_000, 2**31 - 1])
def test_header_that_claims_too_many_pixels_is_refused_before_decoding(side, monkeypatch):
    data = png_header(side, side)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    tracemalloc.start()
    try:
        message = refusal(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "claims more pixels than any camera gives" in message
    assert peak < 1_000_000


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(1, 1), (20_000, 1), (1, 20_000)])
def test_tiny_and_thin_images_are_read(kind, size):
    image = decode(encode(Image.new("RGB", size, (9, 9, 9)), kind), "x")
    assert image.shape == (size[1], size[0], 3)
    assert np.abs(image.astype(int) - 9).max() <= 1


@pytest.mark.parametrize("divisor", [2, 4, 8])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_comes_smaller_where_that_suffices(divisor, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = cv2.resize(SMOOTH, (330, 250))
    data = encode(picture, "JPEG", exif=exif)
    image = decode(data, "x", 250 // divisor)
    width, height = picture_size(data, "x")
    assert image.shape == (-(-height // divisor), -(-width // divisor), 3)
    whole = cv2.resize(decode(data, "x"), image.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(image.astype(int) - whole).mean() < 6
    assert decode(data, "x", 250 // divisor + 1).shape[0] > image.shape[0]


def test_a_png_comes_whole_at_any_rate():
    assert decode(encode(SMOOTH), "x", 2).shape == SMOOTH.shape


@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_is_that_of_the_decoded_picture(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(SMOOTH, "JPEG", exif=exif)
    assert picture_size(data, "x") == decode(data, "x").shape[1::-1]
