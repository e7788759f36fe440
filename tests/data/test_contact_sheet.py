import cv2
import numpy as np
import pandas as pd
import pytest

from melanoma.data.contact_sheet import MOST_PAIRS, TILE, draw_contact_sheet
from melanoma.data.leaks import COLUMNS
from melanoma.errors import ImageError


class OneColour:
    """Reads pictures whose red is the number that they are named by."""

    def __init__(self):
        self.read_names = []

    def read(self, image_name, least=0):
        self.read_names.append(image_name)
        if not image_name.isdecimal():
            raise ImageError(image_name, "no file of that name")
        return np.full((30, 40, 3), (int(image_name), 0, 0), np.uint8)


@pytest.fixture
def draw(tmp_path):
    """Draw pairs of (image, image, distance); give the sheet in RGB, and the images in the order of drawing."""

    def call(*pairs):
        rows = [(one, "test", other, "train", "near", distance) for one, other, distance in pairs]
        reader = OneColour()
        draw_contact_sheet(pd.DataFrame(rows, columns=COLUMNS), reader, tmp_path / "leaks.png")
        assert [file.name for file in tmp_path.iterdir()] == ["leaks.png"]
        return cv2.imread(str(tmp_path / "leaks.png"))[..., ::-1], reader.read_names

    return call


def area(sheet, red):
    return int((sheet == (red, 0, 0)).all(axis=2).sum())


def test_both_pictures_are_shown_whole_and_in_their_colours(draw):
    sheet, _ = draw(("100", "200", 3))
    assert area(sheet, 100) == area(sheet, 200) == TILE * TILE * 3 // 4


def test_closest_come_first_and_no_more_than_fit(draw):
    _, read = draw(*[(str(10 + number), "250", 30 - number) for number in range(MOST_PAIRS + 5)])
    assert read[::2] == [str(10 + number) for number in reversed(range(5, MOST_PAIRS + 5))]


def test_picture_that_cannot_be_read_any_more_stays_blank(draw):
    sheet, _ = draw(("100", "gone", 3))
    assert area(sheet, 100) == TILE * TILE * 3 // 4


def test_sheet_is_no_wider_for_a_long_or_foreign_name(draw):
    sheet, _ = draw(("100", "200", 3))
    odd, _ = draw(("1" * 250 + "x", "größer <b> 皮膚", 3))
    assert odd.shape == sheet.shape
    beyond = odd[:, 2 * TILE + 60 :]  # the place of a second pair
    assert (beyond == 255).all()
