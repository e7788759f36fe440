from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from melanoma.data.stores.jpeg import JpegStore, encode_jpeg
from melanoma.data.stores.ledger import Entry, Ledger
from melanoma.errors import ImageError


@pytest.fixture
def image():
    field = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    return cv2.resize(field, (64, 48), interpolation=cv2.INTER_CUBIC)


def test_colours_keep_their_place_and_their_resolution(image):
    data = encode_jpeg(image, 95, "im")
    with Image.open(BytesIO(data)) as stored:
        assert [layer[1:3] for layer in stored.layer] == [(1, 1)] * 3
        assert np.abs(np.asarray(stored).astype(int) - image).mean() < 2


def test_nothing_but_the_picture_is_stored(image):
    with Image.open(BytesIO(encode_jpeg(image, 95, "im"))) as stored:
        assert not stored.getexif()
        assert {key for key in stored.info if not key.startswith("jfif")} <= {"dpi"}


def test_quality_is_obeyed(image):
    assert len(encode_jpeg(image, 60, "im")) < len(encode_jpeg(image, 95, "im"))


def test_a_side_that_the_format_cannot_hold_is_the_images_fault():
    with pytest.raises(ImageError, match="image long: cannot be stored: 70000 x 1 pixels"):
        encode_jpeg(np.zeros((1, 70000, 3), np.uint8), 95, "long")


def test_a_file_is_told_before_it_appears(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path, "jpeg")
    store = JpegStore(ledger)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("melanoma.data.stores.jpeg.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.write(Entry("im", (1, 2), 3, 4), b"data")
    assert not (tmp_path / "jpeg/im.jpg").exists()
    known = Ledger(tmp_path, "jpeg")
    assert known.entries["im"].file == "im.jpg"
    known.forget_changed({})
    assert known.entries == {}


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    (tmp_path / "jpeg").mkdir()
    (tmp_path / "jpeg/.123.partial").write_bytes(b"half")
    JpegStore(Ledger(tmp_path, "jpeg"))
    assert list((tmp_path / "jpeg").iterdir()) == []
