import cv2
import numpy as np
import pytest

from melanoma.data import near_duplicates
from melanoma.data.fingerprints import Fingerprints, fingerprint_images
from melanoma.data.near_duplicates import find_near_duplicates


def lesion(seed: int, side: int = 160) -> np.ndarray:
    """A dark spot on speckled skin, as RGB (H, W, 3)."""
    random = np.random.default_rng(seed)
    speckles = cv2.resize(random.normal(0, 18, (20, 24, 3)), (side * 6 // 5, side), interpolation=cv2.INTER_CUBIC)
    picture = np.array([200, 150, 130]) + speckles
    centre = tuple(int(value) for value in random.integers(side // 3, 2 * side // 3, 2))
    axes = tuple(int(value) for value in random.integers(side // 8, side // 4, 2))
    cv2.ellipse(picture, centre, axes, float(random.integers(180)), 0, 360, (90, 60, 50), -1)
    return cv2.GaussianBlur(np.clip(picture, 0, 255).astype(np.uint8), (0, 0), 1)


class Pictures:
    """A reader of arrays."""

    def __init__(self, pictures):
        self._pictures = pictures

    def stamp(self, image_name):
        return 0, 0

    def coded(self, image_name):
        return self._pictures[image_name].tobytes()

    def read(self, image_name, least=0):
        return self._pictures[image_name]


def fingerprint(*pictures: np.ndarray) -> Fingerprints:
    named = {str(number): picture for number, picture in enumerate(pictures)}
    return fingerprint_images(Pictures(named), list(named), None, "")


def find(*pictures: np.ndarray) -> list[list[int]]:
    """Compare the first picture with all others."""
    return find_near_duplicates(fingerprint(*pictures), np.array([0]), np.arange(1, len(pictures))).tolist()


def encoded(picture, quality):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


CHANGES = {
    "quality 95": lambda picture: encoded(picture, 95),
    "quality 50": lambda picture: encoded(picture, 50),
    "half": lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "square": lambda picture: cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA),
    "mirrored": lambda picture: picture[:, ::-1],
    "upside down": lambda picture: picture[::-1],
    "quarter turn": lambda picture: np.rot90(picture),
    "half turn": lambda picture: np.rot90(picture, 2),
    "three quarters": lambda picture: np.rot90(picture, 3),
    "transposed": lambda picture: picture.transpose(1, 0, 2),
    "cut at all edges": lambda picture: picture[2:-2, 2:-2],
    "cut at one corner": lambda picture: picture[3:, 3:],
    "brighter": lambda picture: np.clip(picture * 1.1, 0, 255).astype(np.uint8),
    "darker": lambda picture: (picture * 0.9).astype(np.uint8),
    "several": lambda picture: encoded((np.rot90(picture)[2:-2, 2:-2] * 0.9).astype(np.uint8), 70),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_picture_is_found(change):
    for seed in range(8):
        picture = lesion(seed)
        assert [pair[:2] for pair in find(picture, np.ascontiguousarray(CHANGES[change](picture)))] == [[0, 1]], seed


def test_pictures_of_other_lesions_are_not_found():
    prints = fingerprint(*map(lesion, range(60)))
    assert len(find_near_duplicates(prints, np.arange(60), np.arange(60))) == 0


def test_rim_of_the_dermatoscope_does_not_make_strangers_alike():
    from_centre = np.hypot(np.linspace(-1, 1, 160)[:, None], np.linspace(-1, 1, 192))
    light = np.clip((1.05 - from_centre) / 0.1, 0, 1)[..., None]
    skin = np.array([200, 150, 130])
    pale = [skin + 0.3 * (lesion(seed) - skin) for seed in range(30)]
    prints = fingerprint(*((picture * light).astype(np.uint8) for picture in pale))
    assert len(find_near_duplicates(prints, np.arange(30), np.arange(30))) == 0


def test_cut_at_all_edges_is_no_other_picture():
    found = [find(lesion(seed), np.ascontiguousarray(lesion(seed)[4:-4, 4:-4])) for seed in range(8)]
    assert sum(map(len, found)) >= 6


def test_distance_is_the_bits_that_differ_in_the_best_orientation():
    prints = fingerprint(lesion(1), encoded(np.rot90(lesion(1)), 50))
    bits = np.bitwise_count(prints.hashes[0] ^ prints.hashes[1, 0]).min()
    assert find_near_duplicates(prints, np.array([0]), np.array([1])).tolist() == [[0, 1, bits]]


def test_same_file_is_no_near_duplicate():
    assert find(lesion(1), lesion(1)) == []


def test_blank_pictures_are_not_compared():
    blank = [np.full((80, 80, 3), grey, np.uint8) for grey in (0, 1, 128, 255)]
    assert find(*blank, lesion(1)) == []


def test_rows_stay_those_of_the_fingerprints():
    blank = np.zeros((80, 80, 3), np.uint8)
    prints = fingerprint(blank, lesion(1), blank, lesion(2), lesion(2)[:, ::-1], lesion(1)[::-1])
    found = find_near_duplicates(prints, np.array([0, 1, 3]), np.array([5, 2, 4]))
    assert found[:, :2].tolist() == [[1, 5], [3, 4]]


def test_nothing_to_compare():
    nothing = np.arange(0)
    prints = fingerprint(lesion(1))
    assert find_near_duplicates(prints, nothing, np.array([0])).shape == (0, 3)
    assert find_near_duplicates(prints, np.array([0]), nothing).shape == (0, 3)


def test_search_among_pictures_that_are_all_alike_ends(monkeypatch, caplog):
    monkeypatch.setattr(near_duplicates, "MOST_PAIRS", 10)
    alike = fingerprint(*(np.ascontiguousarray(lesion(1)[row:]) for row in range(1, 7)))
    assert 10 <= len(find_near_duplicates(alike, np.arange(6), np.arange(6))) < 30
    assert "the search for near-duplicates ends at 10 pairs" in caplog.text
