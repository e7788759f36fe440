import logging
import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import cv2
import numpy as np
import pytest

from melanoma.data import fingerprints
from melanoma.data.fingerprints import difference_hash, fingerprint_images, orientations
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader


class CountingReader(JpegReader):
    """Remembers which images were opened."""

    def __init__(self, folder):
        super().__init__(Folder(folder, folder, [".png", ".jpg"], "data.images.jpeg"))
        self.opened = []

    def read(self, image_name, least=0):
        self.opened.append(image_name)
        return super().read(image_name, least)


@pytest.fixture
def noise(folder):
    """Four images of coarse noise."""
    for number in range(4):
        cells = np.random.default_rng(number).integers(0, 255, (12, 12, 3), np.uint8)
        cv2.imwrite(str(folder / f"im{number}.png"), cv2.resize(cells, (96, 80), interpolation=cv2.INTER_CUBIC))
    return [f"im{number}" for number in range(4)]


def fingerprint(folder, names, cache=None, key="jpeg"):
    """Give the fingerprints, and the images that had to be opened."""
    reader = CountingReader(folder)
    return fingerprint_images(reader, names, cache, key), sorted(reader.opened)


def assert_equal(one, other):
    assert one.image_names == other.image_names
    for name in ("digests", "hashes", "thumbnails"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_hash_says_of_each_cell_whether_it_is_brighter_than_its_left_neighbour():
    ramp = np.tile(np.arange(72, dtype=np.uint8), (72, 1))
    assert difference_hash(ramp) == 2**64 - 1
    assert difference_hash(ramp[:, ::-1]) == 0
    assert difference_hash(np.full((72, 72), 9, np.uint8)) == 0
    ramp[:9, 8:] = 0  # the first row falls once and is flat from there
    assert difference_hash(ramp) == 2**56 - 1


def test_orientations_are_the_eight_of_a_square():
    square = np.arange(9, dtype=np.uint8).reshape(3, 3)
    turned = orientations(square)
    np.testing.assert_array_equal(turned[0], square)
    assert len({one.tobytes() for one in turned}) == 8
    assert {one.tobytes() for one in orientations(square[:, ::-1])} == {one.tobytes() for one in turned}


def test_fingerprints_are_aligned_to_their_images(folder, noise):
    prints, _ = fingerprint(folder, noise)
    assert prints.image_names == noise
    assert prints.hashes.shape == (4, 8)
    assert prints.thumbnails.shape == (4, 24, 24)
    for row, name in enumerate(noise):
        assert prints.digests[row].tobytes() == sha256((folder / f"{name}.png").read_bytes()).digest()


def test_a_turned_picture_has_the_hashes_and_thumbnail_of_the_first_in_another_order(folder, noise):
    turned = np.rot90(cv2.imread(str(folder / "im0.png")))[::-1]
    cv2.imwrite(str(folder / "turned.png"), turned)
    prints, _ = fingerprint(folder, ["im0", "turned"])
    assert set(prints.hashes[0]) == set(prints.hashes[1])
    differences = orientations(prints.thumbnails[0]) - prints.thumbnails[1].astype(int)
    assert np.abs(differences).max(axis=(1, 2)).min() <= 1  # rounding


def test_known_images_are_not_opened_again(folder, noise, tmp_path):
    first, opened = fingerprint(folder, noise, tmp_path / "cache")
    assert opened == noise
    second, opened = fingerprint(folder, noise, tmp_path / "cache")
    assert opened == []
    assert_equal(first, second)


def test_only_new_and_changed_images_are_opened(folder, noise, tmp_path):
    fingerprint(folder, noise[:3], tmp_path)
    (folder / "im1.png").write_bytes((folder / "im0.png").read_bytes())
    os.utime(folder / "im1.png", ns=(1, 1))
    prints, opened = fingerprint(folder, noise, tmp_path)
    assert opened == ["im1", "im3"]
    np.testing.assert_array_equal(prints.digests[1], prints.digests[0])
    assert fingerprint(folder, noise, tmp_path)[1] == []


def test_images_that_another_run_asked_for_stay_known(folder, noise, tmp_path):
    fingerprint(folder, noise[:2], tmp_path)
    fingerprint(folder, noise[2:], tmp_path)
    assert fingerprint(folder, noise, tmp_path)[1] == []


def test_another_key_or_method_is_another_cache(folder, noise, tmp_path, monkeypatch):
    fingerprint(folder, noise, tmp_path, "one")
    assert fingerprint(folder, noise, tmp_path, "two")[1] == noise
    monkeypatch.setattr(fingerprints, "_METHOD", 2)
    assert fingerprint(folder, noise, tmp_path, "one")[1] == noise


def test_cache_stores_no_folder(folder, noise, tmp_path):
    fingerprint(folder, noise, tmp_path / "cache", "/home/patient_miller/jpeg \udcff")
    (file,) = (tmp_path / "cache").iterdir()
    assert "miller" not in file.name
    assert b"miller" not in file.read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flip", "foreign", "empty"])
def test_damaged_cache_is_made_again(folder, noise, tmp_path, caplog, damage):
    cache = tmp_path / "cache"
    first, _ = fingerprint(folder, noise, cache)
    (file,) = cache.iterdir()
    body = bytearray(file.read_bytes())
    body[-100] ^= 1
    file.write_bytes({"cut": body[:-50], "flip": body, "foreign": b"PK\x03\x04 zip", "empty": b""}[damage])
    second, opened = fingerprint(folder, noise, cache)
    assert opened == noise
    assert_equal(first, second)
    assert [record.getMessage() for record in caplog.records] == [
        "cache: fingerprints of images cannot be read there and are made again"
    ]
    assert fingerprint(folder, noise, cache)[1] == []


def test_cache_that_cannot_be_written_is_done_without(folder, noise, tmp_path, caplog):
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        prints, opened = fingerprint(folder, noise, tmp_path / "file" / "cache")
    assert prints.image_names == opened == noise
    assert "fingerprints of images cannot be kept (" in caplog.text
    assert str(tmp_path) not in caplog.text


def test_full_disk_leaves_the_old_cache_and_no_litter(folder, noise, tmp_path, monkeypatch, caplog):
    cache = tmp_path / "cache"
    fingerprint(folder, noise[:2], cache)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        fingerprint(folder, noise, cache)
    assert "(No space left on device)" in caplog.text
    assert len(list(cache.iterdir())) == 1
    assert fingerprint(folder, noise, cache)[1] == noise[2:]


def test_interrupted_work_is_kept(folder, noise, tmp_path):
    class Interrupted(CountingReader):
        def read(self, image_name, least=0):
            if image_name == "im2":
                raise KeyboardInterrupt
            return super().read(image_name, least)

    with pytest.raises(KeyboardInterrupt):
        fingerprint_images(Interrupted(folder), noise, tmp_path, "jpeg", threads=1)
    assert fingerprint(folder, noise, tmp_path)[1] == ["im2", "im3"]


def test_two_runs_at_once_share_a_cache(folder, noise, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: fingerprint(folder, noise, tmp_path / "cache")[0], range(8)))
    for run in runs:
        assert_equal(run, runs[0])
    assert fingerprint(folder, noise, tmp_path / "cache")[1] == []


def test_unreadable_images_are_left_out_and_told(folder, noise, tmp_path):
    (folder / "im1.png").write_bytes(b"no picture")
    prints, _ = fingerprint(folder, [*noise, "absent"], tmp_path)
    assert prints.image_names == ["im0", "im2", "im3"]
    assert len(prints.digests) == len(prints.hashes) == len(prints.thumbnails) == 3
    assert prints.unread == {
        "im1": "is neither JPEG nor PNG, or its header is damaged",
        "absent": "no file of that name",
    }


def test_no_readable_image_at_all(folder, tmp_path):
    prints, _ = fingerprint(folder, ["absent"], tmp_path)
    assert prints.image_names == []
    assert prints.hashes.shape == (0, 8)
    assert prints.thumbnails.shape == (0, 24, 24)
