import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest

from melanoma.config import AugmentConfig
from melanoma.data.transforms import Transform, fit_square

NONE = AugmentConfig(
    flips=False,
    quarter_turns=False,
    probability=1.0,
    rotate_degrees=0,
    scale=0,
    brightness=0,
    contrast=0,
    saturation=0,
    hue=0,
)
ALL = replace(
    NONE,
    flips=True,
    quarter_turns=True,
    rotate_degrees=15,
    scale=0.1,
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    hue=0.02,
)
PICTURE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)


def test_the_same_seed_gives_the_same_picture():
    first, second = Transform(24, "squash", ALL), Transform(24, "squash", ALL)
    second(PICTURE, 99)
    assert all((first(PICTURE, seed) == second(PICTURE, seed)).all() for seed in range(5))


def test_another_seed_gives_another_picture():
    transform = Transform(24, "squash", ALL)
    pictures = {transform(PICTURE, seed).tobytes() for seed in range(10)}
    assert len(pictures) == 10


@pytest.mark.parametrize("augment", [None, NONE], ids=["not given", "all zero"])
def test_no_augmentation_gives_the_image_resized(augment):
    expected = cv2.resize(PICTURE, (16, 16), interpolation=cv2.INTER_LINEAR)
    for seed in range(3):
        assert (Transform(16, "squash", augment)(PICTURE, seed) == expected).all()


def dihedral(image):
    turns = [np.rot90(image, turn) for turn in range(4)]
    return {picture.tobytes() for turn in turns for picture in (turn, turn[:, ::-1])}


@pytest.mark.parametrize(
    ("flips", "quarter_turns", "count"), [(True, True, 8), (True, False, 4), (False, True, 4), (False, False, 1)]
)
def test_flips_and_quarter_turns_only_permute_pixels(flips, quarter_turns, count):
    transform = Transform(24, "squash", replace(NONE, flips=flips, quarter_turns=quarter_turns))
    pictures = {transform(PICTURE, seed).tobytes() for seed in range(80)}
    assert pictures <= dihedral(PICTURE)
    assert len(pictures) == count


def test_colour_changes_stay_uint8_and_in_place():
    flat = np.full((24, 24, 3), (200, 120, 90), np.uint8)
    augment = replace(NONE, brightness=0.5, contrast=0.5, saturation=0.5, hue=0.1)
    pictures = [Transform(24, "squash", augment)(flat, seed) for seed in range(10)]
    assert all(picture.dtype == np.uint8 and picture.shape == flat.shape for picture in pictures)
    assert all((picture == picture[0, 0]).all() for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 10


def test_turning_leaves_no_black_corners():
    white = np.full((24, 24, 3), 255, np.uint8)
    transform = Transform(24, "squash", replace(NONE, rotate_degrees=45, scale=0.3))
    assert all(transform(white, seed).min() == 255 for seed in range(10))


def test_turning_and_colour_are_decided_apart():
    transform = Transform(24, "squash", replace(NONE, probability=0.5, rotate_degrees=40, saturation=0.9))
    ramp = np.stack([np.arange(24, dtype=np.uint8).repeat(24).reshape(24, 24) * 10] * 3, axis=2) // (1, 2, 3)
    pictures = [transform(ramp.astype(np.uint8), seed) for seed in range(100)]
    turned = np.array([(picture != picture[:, :1]).any() for picture in pictures])
    coloured = np.array([(picture[..., 0] // 2 != picture[..., 1]).mean() > 0.5 for picture in pictures])
    counts = [(turned & coloured).sum(), (turned & ~coloured).sum(), (~turned & coloured).sum()]
    assert min(*counts, (~turned & ~coloured).sum()) > 10


def test_the_probability_decides_how_many_pictures_change():
    transform = Transform(24, "squash", replace(NONE, probability=0.3, brightness=0.5))
    changed = [(transform(PICTURE, seed) != PICTURE).any() for seed in range(200)]
    assert 0.2 < np.mean(changed) < 0.4


OBLONG = np.stack([np.arange(8).repeat(4).reshape(8, 4).T * 30] * 3, axis=2).astype(np.uint8)
"""Four rows of eight columns; a column's value tells which it is."""


@pytest.mark.parametrize(
    ("fit", "row"),
    [
        ("squash", [15, 75, 135, 195]),
        ("crop", [60, 90, 120, 150]),
        ("pad", [15, 75, 135, 195]),
    ],
)
def test_an_oblong_image_becomes_a_square(fit, row):
    square = fit_square(OBLONG, 4, fit)
    assert square.shape == (4, 4, 3)
    assert square.dtype == np.uint8
    assert (square[1:3] == np.array(row)[None, :, None]).all()
    upright = fit_square(OBLONG.transpose(1, 0, 2).copy(), 4, fit)
    assert (upright == square.transpose(1, 0, 2)).all()


def test_padding_is_black_above_and_below():
    square = fit_square(OBLONG + 1, 8, "pad")
    assert not square[[0, 1, 6, 7]].any()
    assert (square[2:6] == OBLONG + 1).all()


def test_an_odd_remainder_of_cropping_and_padding_is_kept():
    assert fit_square(OBLONG[:, :7], 7, "pad").any(axis=(1, 2)).sum() == 4
    assert fit_square(OBLONG[:, :7], 4, "crop").tolist() == OBLONG[:, 1:5].tolist()


def test_strong_shrinking_averages_all_pixels():
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[::8] = 160
    assert (fit_square(lines, 8, "squash") == 20).all()


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
@pytest.mark.parametrize("size", [(1, 1), (2000, 1), (1, 2000)])
def test_tiny_and_thin_images_become_squares(fit, size):
    image = np.full((*size, 3), 7, np.uint8)
    for augment in (None, ALL):
        assert Transform(16, fit, augment)(image).shape == (16, 16, 3)


def test_a_long_strip_is_padded_without_a_square_of_its_length():
    tracemalloc.start()
    try:
        square = fit_square(np.full((1, 20_000, 3), 90, np.uint8), 64, "pad")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert (square[31] == 90).all()
    assert square.sum() == 64 * 3 * 90
