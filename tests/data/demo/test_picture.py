import cv2
import numpy as np
import pytest

from melanoma.data.demo import draw_cases, draw_picture, lesion_mask
from melanoma.data.demo.dataset import QUALITY


@pytest.fixture
def rows(demo_config):
    """Lesions that nothing covers."""
    cases = draw_cases(demo_config(patients=12, images_per_patient=1))
    return cases.assign(hairs=0, ruler=False, frame=False, veil=0, fine_texture=0, tone=0).to_dict("records")


def halved(picture):
    return picture.astype(float).reshape(len(picture) // 2, 2, len(picture) // 2, 2, 3).mean(axis=(1, 3))


def through_jpeg(picture):
    return cv2.imdecode(cv2.imencode(".jpg", picture, QUALITY)[1], cv2.IMREAD_COLOR)


def change(row, name, low, high, size=64):
    """Say by how many grey levels pixels in and outside the lesion differ between two values of a feature."""
    pictures = [draw_picture(row | {name: value}, size).astype(float) for value in (low, high)]
    difference = np.abs(pictures[1] - pictures[0]).mean(axis=-1)
    inside = lesion_mask(row, size)
    return difference[inside].mean(), difference[~inside].mean()


@pytest.mark.parametrize("size", [32, 33, 160])
def test_picture_is_rgb_of_the_asked_size(rows, size):
    picture = draw_picture(rows[0], size)
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8


def test_halving_removes_the_fine_texture(rows):
    for row in rows[:4]:
        off, on = (through_jpeg(draw_picture(row | {"fine_texture": value}, 64)) for value in (0, 1))
        assert np.abs(on.astype(float) - off)[lesion_mask(row, 64)].mean() >= 5
        assert np.abs(halved(on) - halved(off))[lesion_mask(row, 32)].mean() < 1


def test_fine_texture_has_no_mean_before_compression(rows):
    off, on = (halved(draw_picture(rows[0] | {"fine_texture": value}, 64)) for value in (0, 1))
    np.testing.assert_array_equal(on, off)


def test_the_lesion_is_darker_than_the_skin_around_its_mask(rows):
    for row in rows:
        picture, mask = draw_picture(row | {"colours": 1, "asymmetry": 0.0}, 64), lesion_mask(row, 64)
        assert picture[mask].mean() < picture[~mask].mean() - 30


def test_mask_is_the_same_at_every_size(rows):
    for row in rows:
        fine = lesion_mask(row, 128).reshape(32, 4, 32, 4).mean(axis=(1, 3))
        assert np.abs(fine - lesion_mask(row, 32)).mean() < 0.03


def test_mask_takes_the_centre_and_the_area_of_its_row(rows):
    for row in rows:
        mask = lesion_mask(row, 256)
        assert mask[int(row["cy"] * 256), int(row["cx"] * 256)]
        assert mask.mean() == pytest.approx(np.pi * row["radius"] ** 2, rel=0.15)


def test_picture_is_the_same_at_every_size(rows):
    fine = cv2.resize(draw_picture(rows[0], 256), (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(fine.astype(float) - draw_picture(rows[0], 64)).mean() < 6


def test_an_asymmetric_outline_differs_from_its_mirror_image(rows):
    def overlap(asymmetry):
        shapes = [lesion_mask(r | {"asymmetry": asymmetry, "cx": 0.5, "cy": 0.5}, 64) for r in rows]
        return np.mean([(s & s[::-1, ::-1]).sum() / (s | s[::-1, ::-1]).sum() for s in shapes])

    assert overlap(0.0) > overlap(1.0) + 0.15


def test_an_irregular_border_is_longer(rows):
    def length(border):
        masks = [lesion_mask(row | {"border": border}, 128).astype(np.uint8) for row in rows]
        contours = [cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0] for mask in masks]
        return np.mean([max(cv2.arcLength(c, True) for c in found) for found in contours])

    assert length(1.0) > 1.3 * length(0.0)


@pytest.mark.parametrize(
    ("name", "low", "high", "least"), [("colours", 1, 5, 15), ("network", 0.0, 1.0, 4), ("veil", 0, 1, 15)]
)
def test_a_feature_shows_inside_the_lesion(rows, name, low, high, least):
    inside, outside = np.mean([change(row, name, low, high) for row in rows], axis=0)
    assert inside > least
    assert outside < inside / 4


@pytest.mark.parametrize(("name", "low", "high"), [("hairs", 0, 20), ("ruler", False, True), ("frame", False, True)])
def test_an_artefact_shows(rows, name, low, high):
    assert change(rows[0], name, low, high)[1] > 0.5
