import struct
import tracemalloc
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from melanoma.data.readers.jpeg import JpegReader, decode
from melanoma.errors import DataError, ImageError

SUFFIXES = [".jpg", ".jpeg", ".png"]
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
@pytest.mark.parametrize("size", [(1, 1), (2000, 1), (1, 2000)])
def test_tiny_and_thin_images_are_read(kind, size):
    image = decode(encode(Image.new("RGB", size, (9, 9, 9)), kind), "x")
    assert image.shape == (size[1], size[0], 3)
    assert np.abs(image.astype(int) - 9).max() <= 1


def test_png_named_jpg_is_read_by_its_content(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encode(SMOOTH))
    assert (JpegReader(tmp_path, tmp_path, SUFFIXES).read("a") == SMOOTH).all()


@pytest.mark.parametrize("name", ["Läsion 7", "naïve=1", "病变", "a.b", " x", "ISIC_1 (copy)"])
def test_file_names_with_unicode_spaces_and_equals(tmp_path, name):
    (tmp_path / f"{name}.PNG").write_bytes(encode(SMOOTH))
    reader = JpegReader(tmp_path, tmp_path, SUFFIXES)
    assert reader.missing([name, f"{name}.PNG", "other"]) == ["other"]
    assert (reader.read(name) == reader.read(f"{name}.PNG")).all()


def test_the_first_suffix_listed_wins(tmp_path):
    (tmp_path / "a.png").write_bytes(encode(np.zeros((2, 2, 3), np.uint8)))
    (tmp_path / "a.jpg").write_bytes(encode(SMOOTH))
    (tmp_path / "a.txt").write_bytes(b"")
    reader = JpegReader(tmp_path, tmp_path, SUFFIXES)
    assert reader.read("a").shape == (24, 32, 3)
    assert reader.read("a.png").shape == (2, 2, 3)
    assert reader.missing(["a.txt"]) == ["a.txt"]


def test_missing_image_file(tmp_path):
    reader = JpegReader(tmp_path, tmp_path, SUFFIXES)
    assert reader.missing(["b", "a"]) == ["b", "a"]
    with pytest.raises(ImageError, match="image a: no file of that name"):
        reader.read("a")


def test_file_that_vanishes_or_is_a_folder(tmp_path):
    (tmp_path / "a.png").write_bytes(encode(SMOOTH))
    (tmp_path / "b.png").mkdir()
    reader = JpegReader(tmp_path, tmp_path, SUFFIXES)
    (tmp_path / "a.png").unlink()
    for name in ("a", "b"):
        with pytest.raises(ImageError, match=f"image {name}: cannot be opened: "):
            reader.read(name)


@pytest.fixture
def places(tmp_path):
    """A data set's root with an image in its folder, and a folder beside it with another."""
    for name in ("root/images", "outside"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.png").write_bytes(encode(SMOOTH))
    return tmp_path / "root", tmp_path / "outside"


def test_file_link_that_leaves_the_root(places):
    root, outside = places
    (root / "images" / "b.png").symlink_to(outside / "a.png")
    with pytest.raises(DataError, match=r"b\.png is a link that leaves data\.root; .*set data\.root"):
        JpegReader(root, root / "images", SUFFIXES)


def test_folder_link_that_leaves_the_root(places):
    root, outside = places
    (root / "more").symlink_to(outside)
    for folder in (root / "more", root / "images" / ".." / ".." / "outside"):
        with pytest.raises(DataError, match=r"leaves data\.root; .*set data\.root"):
            JpegReader(root, folder, SUFFIXES)


def test_links_within_the_root_and_a_root_that_is_a_link_are_followed(places):
    root, outside = places
    (root / "images" / "b.png").symlink_to(root / "images" / "a.png")
    (outside / "link").symlink_to(root)
    (root / "more").symlink_to(root / "images")
    for folder in ("images", "more"):
        reader = JpegReader(outside / "link", outside / "link" / folder, SUFFIXES)
        assert (reader.read("a") == SMOOTH).all()
        assert (reader.read("b") == SMOOTH).all()
