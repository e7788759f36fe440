"""Damaged files of every kind: the right pixels or a typed error, in bounded time and memory, without a name."""

import logging
import resource
import signal
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from melanoma.data.demo.dicom import dicom_bytes
from melanoma.data.readers.codec import decode
from melanoma.data.readers.dicom import DicomReader
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader
from melanoma.data.readers.tfrecord import TfrecordReader
from melanoma.data.records import COLUMNS, read_records
from melanoma.data.stores.tfrecord import write_shard
from melanoma.errors import DataError
from melanoma.vocabulary import SEXES, SITES

FILES = 600
"""Of each kind; four kinds and two codings make 3,600."""
SECONDS = 5
BYTES = 2**30
NAME = "DOE^JANE"
PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8), (48, 40))
JPEG = cv2.imencode(".jpg", PICTURE)[1].tobytes()
PNG = cv2.imencode(".png", PICTURE)[1].tobytes()
CASE = {
    "image_name": "im",
    "patient_id": NAME,
    "sex": "male",
    "age_approx": 45.0,
    "anatom_site_general_challenge": "torso",
}
RECORD = {"image": JPEG, "image_name": b"im", "patient_id": NAME.encode(), "sex": 0, "age_approx": 45, "target": 1}
CSV = b"image_name,patient_id,sex,age_approx,anatom_site_general_challenge,target\n" + b"".join(
    b"im%d,p%d,male,50,torso,%d\n" % (row, row // 2, row % 2) for row in range(12)
)


def mutations(data, seed):
    """Yield the file with bytes flipped, a number made extreme, a part cut out, doubled or blanked, or its end lost."""
    rng = np.random.default_rng(seed)
    for number in range(FILES):
        kind, file = number % 6, bytearray(data)
        # Half of the damage falls on the header, where it matters most.
        at = int(rng.integers(len(data) if number % 2 else min(len(data), 600)))
        span = int(rng.integers(1, 40))
        if kind == 0:
            for place in rng.integers(at, len(data), int(rng.integers(1, 4))):
                file[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            file[at : at + 4] = struct.pack("<I", int(rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])))
        elif kind == 2:
            del file[at : at + span]
        elif kind == 3:
            file[at:at] = file[at : at + span]
        elif kind == 4:
            file[at : at + span] = bytes(span)
        else:
            del file[at:]
        yield number, bytes(file)


@pytest.fixture(autouse=True)
def bounded():
    """End a test that hangs on one file, and one that takes memory beyond all need."""

    def too_long(*_):
        pytest.fail("a file took too long")

    before = signal.signal(signal.SIGALRM, too_long)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + BYTES, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def outcome(read):
    """What a read ends in: a result, or the one line of a typed error."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        return read()
    except DataError as error:
        message = str(error)
        assert "\n" not in message
        assert NAME not in message
        return message
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def read_image(reader_of, path, suffix, data):
    (path / f"im{suffix}").write_bytes(data)
    return outcome(lambda: reader_of(Folder(path, path, [suffix], "data.images.x")).read("im"))


def assert_picture_or_reason(result):
    assert isinstance(result, str) or (result.dtype == np.uint8 and result.ndim == 3 and result.shape[2] == 3)


@pytest.mark.parametrize("data", [JPEG, PNG], ids=["jpeg", "png"])
def test_damaged_jpeg_and_png_files(tmp_path, data, capfd):
    results = [read_image(JpegReader, tmp_path, ".jpg", file) for _, file in mutations(data, 1)]
    for result in results:
        assert_picture_or_reason(result)
    assert {type(result) for result in results} == {str, np.ndarray}


@pytest.mark.parametrize("raw", [False, True], ids=["jpeg", "headers"])
def test_damaged_dicom_files(tmp_path, raw, caplog, recwarn, capfd):
    caplog.set_level(logging.DEBUG)
    whole = dicom_bytes(JPEG, CASE)
    head = whole[: whole.index(b"\xff\xd8")] if raw else whole
    results = []
    for _, file in mutations(head, 2 + raw):
        damaged = file + whole[len(head) :]
        results.append(read_image(DicomReader, tmp_path, ".dcm", damaged))
        assert_picture_or_reason(results[-1])
        outcome(lambda: DicomReader(Folder(tmp_path, tmp_path, [".dcm"], "data.images.dicom")).headers(["im"]))
    assert {type(result) for result in results} == {str, np.ndarray}
    assert NAME not in caplog.text + "".join(capfd.readouterr()) + "".join(str(one.message) for one in recwarn)


def test_damaged_tfrecord_shards_give_the_right_pixels_or_none(tmp_path, caplog):
    write_shard(tmp_path / "whole.tfrec", [RECORD, RECORD | {"image_name": b"other"}])
    whole = (tmp_path / "whole.tfrec").read_bytes()
    (tmp_path / "whole.tfrec").unlink()
    right, results = decode(JPEG, "im"), []
    for _, file in mutations(whole, 4):
        results.append(read_image(TfrecordReader, tmp_path, ".tfrec", file))
        assert isinstance(results[-1], str) or (results[-1] == right).all()
    assert {type(result) for result in results} == {str, np.ndarray}
    assert NAME not in caplog.text


def test_a_shard_damaged_after_it_was_indexed_gives_the_right_pixels_or_none(tmp_path):
    path = tmp_path / "a.tfrec"
    write_shard(path, [RECORD])
    whole, reader = path.read_bytes(), TfrecordReader(Folder(tmp_path, tmp_path, [".tfrec"], "data.images.tfrecord"))
    right = decode(JPEG, "im")
    for _, file in mutations(whole, 5):
        path.write_bytes(file)
        result = outcome(lambda: reader.read("im"))
        assert isinstance(result, str) or (result == right).all()


def test_damaged_csv_files_give_a_canonical_table_or_none(tmp_path, write_csv):
    config, tables = write_csv("a,p,male,50,torso,1"), 0
    for _, file in mutations(CSV, 6):
        (tmp_path / "train.csv").write_bytes(file)
        table = outcome(lambda: read_records(config))
        if isinstance(table, str):
            continue
        tables += 1
        assert tuple(table.columns) == COLUMNS
        assert table["image_name"].is_unique
        assert not table["patient_id"].isna().any()
        assert table["target"].isin([0, 1]).all()
        assert table["sex"].dropna().isin(SEXES).all()
        assert table["anatom_site_general_challenge"].dropna().isin(SITES).all()
        assert table["age_approx"].dropna().between(0, 120).all()
    assert 0 < tables < FILES
