import cv2
import numpy as np
import pytest

from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader
from melanoma.errors import ImageError

SMOOTH = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8), (32, 24))


def encode(image) -> bytes:
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


def open_folder(root, path) -> JpegReader:
    return JpegReader(Folder(root, path, [".jpg", ".jpeg", ".png"], "data.images.jpeg"))


def test_png_named_jpg_is_read_by_its_content(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encode(SMOOTH))
    assert (open_folder(tmp_path, tmp_path).read("a") == SMOOTH).all()


@pytest.mark.parametrize("name", ["Läsion 7", "naïve=1", "病变", "a.b", " x", "ISIC_1 (copy)"])
def test_file_names_with_unicode_spaces_and_equals(tmp_path, name):
    (tmp_path / f"{name}.PNG").write_bytes(encode(SMOOTH))
    reader = open_folder(tmp_path, tmp_path)
    assert reader.missing([name, f"{name}.PNG", "other"]) == ["other"]
    assert (reader.read(name) == reader.read(f"{name}.PNG")).all()


def test_the_first_suffix_listed_wins(tmp_path):
    (tmp_path / "a.png").write_bytes(encode(np.zeros((2, 2, 3), np.uint8)))
    (tmp_path / "a.jpg").write_bytes(encode(SMOOTH))
    (tmp_path / "a.txt").write_bytes(b"")
    reader = open_folder(tmp_path, tmp_path)
    assert reader.read("a").shape == (24, 32, 3)
    assert reader.read("a.png").shape == (2, 2, 3)
    assert reader.missing(["a.txt"]) == ["a.txt"]


def test_missing_image_file(tmp_path):
    reader = open_folder(tmp_path, tmp_path)
    assert reader.missing(["b", "a"]) == ["b", "a"]
    with pytest.raises(ImageError, match="image a: no file of that name"):
        reader.read("a")


def test_name_longer_than_a_file_system_allows_is_missing(tmp_path):
    reader = open_folder(tmp_path, tmp_path)
    assert reader.missing(["ä" * 200]) == ["ä" * 200]
    with pytest.raises(ImageError, match="no file of that name"):
        reader.read("ä" * 200)


def test_file_that_vanishes(tmp_path):
    (tmp_path / "a.png").write_bytes(encode(SMOOTH))
    reader = open_folder(tmp_path, tmp_path)
    (tmp_path / "a.png").unlink()
    for act in (reader.read, reader.size, reader.coded, reader.stamp):
        with pytest.raises(ImageError, match="image a: cannot be opened: "):
            act("a")


def test_folder_with_the_name_of_a_picture_is_none(tmp_path):
    (tmp_path / "b.png").mkdir()
    assert open_folder(tmp_path, tmp_path).missing(["b"]) == ["b"]


def test_stamp_changes_with_the_file(tmp_path):
    (tmp_path / "a.png").write_bytes(encode(SMOOTH))
    reader = open_folder(tmp_path, tmp_path)
    before = reader.stamp("a")
    (tmp_path / "a.png").write_bytes(encode(SMOOTH[:2]))
    assert before != reader.stamp("a")


def test_names_lists_each_image_once(tmp_path):
    for name in ("b.png", "a.jpg", "a.png"):
        (tmp_path / name).write_bytes(encode(SMOOTH))
    assert open_folder(tmp_path, tmp_path).names() == ["a", "b"]
