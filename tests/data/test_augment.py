import albumentations as A  # noqa: N812
import cv2
import numpy as np
import pytest
from albumentations.augmentations.geometric.functional import d4

from melanoma.data.augment import TURNS, turn_colours

SKIN = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8), (0, 0), 3)
SKIN = (SKIN // 3 + np.array([110, 80, 70])).astype(np.uint8)
"""Reddish, with some texture, and far enough from black and white that nothing is clipped."""


@pytest.mark.parametrize("way", TURNS)
def test_turns_are_those_of_albumentations(way):
    assert (TURNS[way](SKIN) == d4(SKIN, way)).all()


def changed(brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0):
    """The picture, changed by us and by albumentations."""
    jitter = A.ColorJitter((brightness, brightness), (contrast, contrast), (saturation, saturation), (hue, hue), p=1.0)
    return turn_colours(SKIN, brightness, contrast, saturation, hue), jitter(image=SKIN)["image"]


@pytest.mark.parametrize("factor", [0.0, 0.6, 0.9, 1.0, 1.1, 1.3])
@pytest.mark.parametrize("kind", ["brightness", "contrast", "saturation"])
def test_brightness_contrast_and_saturation_are_those_of_albumentations(kind, factor):
    ours, theirs = changed(**{kind: factor})
    assert cv2.absdiff(ours, theirs).max() <= 1


@pytest.mark.parametrize("part", [-0.1, -0.02, 0.02, 0.1])
def test_hue_turns_as_far_as_albumentations_turns_it_and_keeps_the_mean(part):
    def mean_hue(image):
        hue = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2HSV)[..., 0]
        return np.angle(np.exp(1j * np.deg2rad(hue)).mean(), deg=True)

    ours, theirs = changed(hue=part)
    assert mean_hue(ours) - mean_hue(SKIN) == pytest.approx(360 * part, abs=2)
    assert mean_hue(ours) == pytest.approx(mean_hue(theirs), abs=3)
    assert np.abs(ours.mean(2) - SKIN.mean(2)).max() <= 1


def test_a_whole_turn_of_hue_and_factors_of_one_change_nothing():
    assert cv2.absdiff(turn_colours(SKIN, 1, 1, 1, 1), SKIN).max() <= 1
    assert (turn_colours(SKIN, 1, 1, 1, 0) == SKIN).all()


def test_all_four_changes_follow_one_another():
    ours = SKIN
    for changes in ((0.9, 1, 1, 0), (1, 1.2, 1, 0), (1, 1, 0.8, 0), (1, 1, 1, 0.03)):
        ours = turn_colours(ours, *changes)
    assert cv2.absdiff(turn_colours(SKIN, 0.9, 1.2, 0.8, 0.03), ours).max() <= 3


def test_colours_beyond_the_range_are_clipped_not_wrapped():
    light = np.full((4, 4, 3), (250, 200, 5), np.uint8)
    assert (turn_colours(light, 1.5, 1, 1, 0)[0, 0] == (255, 255, 8)).all()
    assert turn_colours(light, 1, 1, 2, 0)[0, 0, 2] == 0
