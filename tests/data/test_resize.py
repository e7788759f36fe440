import cv2
import numpy as np
import pytest
from PIL import Image

from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader
from melanoma.data.resize import read_resized, resize, target_size


def smooth(width, height, seed=0):
    field = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), np.uint8)
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)


def psnr(one, other):
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other.astype(float)) ** 2))


@pytest.fixture
def store(folder):
    """Write a JPEG of a size; give its reader and the plain way's picture of it."""

    def write(width, height, target, box=None):
        image = Image.fromarray(smooth(width, height))
        image.save(folder / "im.jpg", quality=95)
        with Image.open(folder / "im.jpg") as stored:
            plain = np.asarray(stored.resize(target, Image.Resampling.LANCZOS, box=box))
        return JpegReader(Folder(folder, folder, [".jpg"], "images")), plain

    return write


@pytest.mark.parametrize(
    ("fit", "size", "expected"),
    [
        ("short_side", 100, (150, 100)),
        ("short_side", 400, (300, 200)),
        ("crop", 400, (400, 400)),
        ("squash", 100, (100, 100)),
        ("pad", 100, (100, 67)),
        ("pad", 600, (600, 400)),
    ],
)
def test_the_target_follows_the_fit(fit, size, expected):
    assert target_size(300, 200, size, fit) == expected


def test_a_line_keeps_a_pixel():
    assert target_size(20000, 1, 512, "pad") == (512, 1)


@pytest.mark.parametrize("side", [(600, 400), (601, 403), (1003, 757), (403, 801)])
@pytest.mark.parametrize("size", [50, 64, 100, 180])
def test_reduced_decoding_gives_the_plain_way_s_picture(store, side, size):
    target = target_size(*side, size, "short_side")
    reader, plain = store(*side, target)
    image, original = read_resized(reader, "im", size, "short_side")
    assert original == side
    assert image.shape == plain.shape
    assert psnr(image, plain) > 38


def test_crop_takes_the_centre(store):
    reader, plain = store(803, 601, (64, 64), box=(101, 0, 702, 601))
    image, _ = read_resized(reader, "im", 64, "crop")
    assert image.shape == (64, 64, 3)
    # Up to a block of eight pixels beside the centre, less than a pixel of 64.
    assert psnr(image, plain) > 30


def test_pad_centres_the_picture_on_black(store):
    reader, plain = store(400, 200, (100, 50))
    image, _ = read_resized(reader, "im", 100, "pad")
    assert image.shape == (100, 100, 3)
    assert not image[:25].any()
    assert not image[75:].any()
    assert psnr(image[25:75], plain) > 38


def test_squash_fills_the_square(store):
    reader, plain = store(800, 300, (100, 100))
    image, _ = read_resized(reader, "im", 100, "squash")
    assert psnr(image, plain) > 38


def test_squash_loses_no_pixel_of_a_side_that_shrinks_while_the_other_grows():
    image = np.zeros((20, 1000, 3), np.uint8)
    image[:, ::10] = 250
    assert np.allclose(resize(image, (1000, 20), 50, "squash"), 25, atol=2)


def test_short_side_leaves_a_small_image_as_it_is():
    image = smooth(30, 20)
    assert np.array_equal(resize(image, (30, 20), 64, "short_side"), image)


def test_the_others_enlarge():
    for fit in ("crop", "pad", "squash"):
        assert resize(smooth(30, 20), (30, 20), 64, fit).shape == (64, 64, 3)
