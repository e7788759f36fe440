import cv2
import numpy as np
import pytest

from melanoma.data.digests import FILE_BYTES, MOST_BITS, Digests, find_file, find_picture, make_digests
from melanoma.data.fingerprints import fingerprint_images
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader


@pytest.fixture
def prints(folder):
    """Write pictures, by name, and give their fingerprints in this order."""

    def make(**pictures):
        for name, picture in pictures.items():
            content = picture if isinstance(picture, bytes) else cv2.imencode(".png", picture)[1].tobytes()
            (folder / f"{name}.png").write_bytes(content)
        reader = JpegReader(Folder(folder, folder, [".png"], "data.images.jpeg"))
        return fingerprint_images(reader, list(pictures), None, "")

    return make


def speckled(seed):
    cells = np.random.default_rng(seed).integers(0, 255, (14, 16, 3), np.uint8)
    return cv2.resize(cells, (128, 112), interpolation=cv2.INTER_CUBIC)


def test_an_image_has_48_bytes_and_no_thumbnail(prints):
    digests = make_digests(prints(a=speckled(0), b=speckled(1)), ["a", "b"])
    assert {name: rows.shape for name, rows in vars(digests).items()} == {"files": (2, 16), "pictures": (2, 32)}
    assert all(rows.dtype == np.uint8 for rows in vars(digests).values())


def test_images_none_of_which_can_be_read_have_zeros(prints):
    digests = make_digests(prints(a=b"no picture", b=b""), ["a", "b"])
    assert not digests.files.any()
    assert not digests.pictures.any()


def test_rows_are_those_of_the_names_and_an_unread_image_has_zeros(prints):
    known = prints(a=speckled(0), bad=b"no picture", b=speckled(1))
    digests = make_digests(known, ["b", "bad", "a"])
    assert digests.files[2].tobytes() == known.digests[0].tobytes()[:FILE_BYTES]
    assert not digests.files[1].any()
    assert not digests.pictures[1].any()
    assert find_file(known, digests).tolist() == find_picture(known, digests).tolist() == [2, 0]


CHANGES = {
    "encoded again": lambda picture: cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes(),
    "half the size": lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "mirrored": lambda picture: picture[:, ::-1],
    "turned": lambda picture: np.rot90(picture),
    "darker": lambda picture: (picture * 0.9).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_picture_is_known_by_its_look_alone(prints, change):
    digests = make_digests(prints(a=speckled(0), b=speckled(1)), ["a", "b"])
    changed = prints(c=CHANGES[change](speckled(1)), stranger=speckled(2))
    assert find_file(changed, digests).tolist() == [-1, -1]
    assert find_picture(changed, digests).tolist() == [1, -1]


def test_pictures_are_one_up_to_so_many_bits(prints):
    found = prints(a=speckled(0))
    digests = make_digests(found, ["a"])
    bits = np.unpackbits(digests.pictures, axis=1)

    def with_flipped(count):
        flipped = bits.copy()
        flipped[0, 1 : 1 + count] ^= 1
        return find_picture(found, Digests(digests.files, np.packbits(flipped, axis=1))).tolist()

    assert with_flipped(MOST_BITS) == [0]
    assert with_flipped(MOST_BITS + 1) == [-1]


def test_blank_pictures_are_no_copies_of_each_other(prints):
    digests = make_digests(prints(white=np.full((90, 90, 3), 255, np.uint8)), ["white"])
    assert find_picture(prints(grey=np.full((80, 80, 3), 99, np.uint8)), digests).tolist() == [-1]
