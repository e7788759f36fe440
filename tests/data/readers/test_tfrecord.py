import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from tfrecord.example_pb2 import BytesList, Example, Feature, Features, FloatList, Int64List
from torch.utils.data import DataLoader

from melanoma.data.faults import Faults
from melanoma.data.readers import make_reader
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader
from melanoma.data.readers.shards import checksum, header
from melanoma.data.readers.tfrecord import TfrecordReader
from melanoma.data.stores.tfrecord import write_shard
from melanoma.errors import DataError, ImageError

NAMES = [f"im{number}" for number in range(6)]
SECRET = "patient-4711"


def picture(number, kind=".jpg") -> bytes:
    noise = np.random.default_rng(number).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return cv2.imencode(kind, cv2.resize(noise, (40, 32)))[1].tobytes()


def record(number, **values):
    return {"image": picture(number), "image_name": f"im{number}".encode()} | values


def raw(**features) -> bytes:
    """A framed record of features as they are given; None leaves out what `record` has."""
    parts = {key: Feature(bytes_list=BytesList(value=[value])) for key, value in record(0).items()} | features
    payload = Example(
        features=Features(feature={key: value for key, value in parts.items() if value})
    ).SerializeToString()
    return header(len(payload)) + payload + checksum(payload)


def integers(*values) -> Feature:
    return Feature(int64_list=Int64List(value=values))


def texts(*values) -> Feature:
    return Feature(bytes_list=BytesList(value=values))


def open_folder(path, ending="", cache=None) -> TfrecordReader:
    return TfrecordReader(Folder(path, path, [".tfrec"], "data.images.tfrecord", ending, cache))


@pytest.fixture
def shards(tmp_path):
    """A folder with two shards of three records."""
    write_shard(tmp_path / "train00.tfrec", [record(number, patient_id=SECRET.encode()) for number in range(3)])
    write_shard(tmp_path / "train01.tfrec", [record(number, target=number % 2) for number in range(3, 6)])
    return tmp_path


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def one_line(text) -> str:
    assert "\n" not in text
    assert SECRET not in text
    return text


def test_a_picture_is_the_jpeg_reader_s(shards):
    for number in range(6):
        (shards / f"im{number}.jpg").write_bytes(picture(number))
    jpeg = JpegReader(Folder(shards, shards, [".jpg"], "data.images.jpeg"))
    reader = open_folder(shards)
    assert reader.names() == NAMES
    for name in NAMES:
        assert reader.coded(name) == jpeg.coded(name)
        assert (reader.read(name) == jpeg.read(name)).all()
        assert reader.size(name) == jpeg.size(name) == (40, 32)
    assert reader.read("im0", least=8).shape == jpeg.read("im0", least=8).shape == (8, 10, 3)


def test_the_config_opens_it(shards, configure):
    config = configure("reader=tfrecord", "data.images.tfrecord=.")
    assert make_reader(config.data, config.reader).missing(["im5", "im6"]) == ["im6"]


def test_image_that_no_record_holds(shards):
    with pytest.raises(ImageError, match="image none: no record of that name"):
        open_folder(shards).read("none")


def test_ending_is_not_part_of_the_name(shards):
    write_shard(shards / "x.tfrec", [record(7) | {"image_name": b"a_small"}])
    reader = open_folder(shards, ending="_small")
    assert "a" in reader.names()
    assert reader.missing(["a", "a_small", "im1", "b"]) == ["b"]
    assert reader.coded("a") == picture(7)


def test_stamp_is_the_record_s_length_and_the_shard_s_time(shards):
    os.utime(shards / "train00.tfrec", ns=(5, 12_345_678_912))
    length, time = open_folder(shards).stamp("im1")
    assert (length > len(picture(1)), time) == (True, 12_345_678_912)


def test_headers_are_text_for_exactly_the_images_asked_for(tmp_path):
    write_shard(tmp_path / "a.tfrec", [record(0, sex=-1, age_approx=45.0, patient_id=b" p\xc3\xa9 ", diagnosis=3)])
    write_shard(tmp_path / "b.tfrec", [record(1, sex=3, age_approx=0.1, target=0), record(2, age_approx=float("nan"))])
    frame = open_folder(tmp_path).headers(["im2", "none", "im0", "im1"])
    assert frame.index.tolist() == ["im2", "none", "im0", "im1"]
    assert frame.index.name == "image_name"
    assert frame.to_dict("list") == {
        "patient_id": ["", "", "pé", ""],
        "sex": ["", "", "-1", "3"],
        "age_approx": ["", "", "45", "0.1"],
        "target": ["", "", "", "0"],
    }


def test_official_and_8_key_records_and_test_records_lie_side_by_side(tmp_path):
    eight = {"patient_id": 1, "sex": 0, "age_approx": 45, "anatom_site_general_challenge": 3, "target": 1}
    write_shard(tmp_path / "official.tfrec", [record(0, target=1)])
    write_shard(tmp_path / "eight.tfrec", [record(1, **eight, diagnosis=2), record(2, **eight, width=9, source=1)])
    write_shard(tmp_path / "test.tfrec", [record(3, patient_id=2, sex=1)])
    frame = open_folder(tmp_path).headers(["im0", "im1", "im2", "im3"])
    assert frame["target"].tolist() == ["1", "1", "1", ""]
    assert frame["anatom_site_general_challenge"].tolist() == ["", "3", "3", ""]
    assert "diagnosis" not in frame


def test_empty_folder_lacks_every_image(tmp_path):
    reader = open_folder(tmp_path)
    assert (reader.names(), reader.missing(["a"]), reader.headers(["a"]).shape) == ([], ["a"], (1, 0))


def test_empty_shard_is_told_and_the_others_read(shards, caplog):
    (shards / "train02.tfrec").touch()
    assert len(open_folder(shards).names()) == 6
    assert "train02.tfrec is empty: 0 records" in caplog.text


def test_flipped_payload_byte_leaves_that_image_out(shards, caplog):
    flip(shards / "train00.tfrec", 600)
    assert open_folder(shards).missing(NAMES) == ["im0"]
    assert one_line(caplog.messages[0]).startswith("train00.tfrec: 1 of 3 records are left out; ")
    assert "checksum" in caplog.text


@pytest.mark.parametrize("damage", ["length", "tail"])
def test_torn_shard_leaves_its_later_images_to_the_missing_policy(shards, configure, caplog, damage):
    path = shards / "train00.tfrec"
    second = 16 + int.from_bytes(path.read_bytes()[:8], "little")
    if damage == "length":
        flip(path, second)
    else:
        os.truncate(path, second + 100)
    reader = open_folder(shards)
    assert reader.missing(NAMES) == ["im1", "im2"]
    assert "train00.tfrec is cut short or damaged after its record 1; " in one_line(caplog.messages[0])
    lost = reader.missing(NAMES)
    with pytest.raises(DataError, match="2 of 6 images have no file, such as im1, im2"):
        Faults(configure("data.on_error=fail").data, len(NAMES)).miss(lost)
    Faults(configure("data.on_error=skip", "data.max_bad_fraction=0.5").data, len(NAMES)).miss(lost)
    assert "they are left out: im1, im2" in caplog.text


def test_payload_damaged_after_indexing_is_that_image_s_error(shards):
    reader = open_folder(shards)
    flip(shards / "train00.tfrec", 600)
    with pytest.raises(ImageError, match=r"^image im0: its record in train00\.tfrec is damaged \(checksum\); get"):
        reader.read("im0")
    assert reader.read("im1").shape == (32, 40, 3)


@pytest.mark.parametrize("content", [b"", b"\0" * 9000])
def test_shard_overwritten_after_indexing(shards, content):
    reader = open_folder(shards)
    (shards / "train00.tfrec").write_bytes(content)
    with pytest.raises(ImageError, match="is not where the index says"):
        reader.read("im0")


def test_shard_removed_after_indexing(shards):
    reader = open_folder(shards)
    (shards / "train00.tfrec").unlink()
    with pytest.raises(ImageError, match=r"^image im0: train00\.tfrec cannot be read: No such file"):
        reader.read("im0")


def test_stale_index_of_a_shard_swapped_with_equal_size_and_time(shards, tmp_path):
    cache = tmp_path / "cache"
    path = shards / "train00.tfrec"
    before = path.stat()
    assert open_folder(shards, cache=cache).coded("im0") == picture(0)
    values = [record(0, patient_id=SECRET.encode()) | {"image_name": name} for name in (b"im9", b"im8", b"im7")]
    write_shard(path, values)
    os.truncate(path, before.st_size)
    with path.open("ab") as file:
        file.write(bytes(before.st_size - path.stat().st_size))
    os.utime(path, ns=(0, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    with pytest.raises(ImageError, match=r"image im0: its record in train00\.tfrec is another image's by now"):
        open_folder(shards, cache=cache).read("im0")


def test_kept_index_gives_the_same_reader(shards, tmp_path):
    first, second = (open_folder(shards, cache=tmp_path / "cache") for _ in range(2))
    assert (first.headers(NAMES) == second.headers(NAMES)).all(axis=None)
    assert [first.coded(name) for name in NAMES] == [second.coded(name) for name in NAMES]


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        ({"image": None}, r"has no 'image': its keys are 'image_name'; expected 'image' and 'image_name'"),
        ({"image_name": None, "target": integers(1)}, r"has no 'image_name': its keys are 'image', 'target'"),
        ({"image": integers(7)}, r"has int64_list in 'image'; expected one value of bytes"),
        ({"image_name": Feature(float_list=FloatList(value=[1]))}, r"has float_list in 'image_name'"),
        ({"image": texts()}, r"has bytes_list in 'image'"),
        ({"image_name": texts(b"im0", b"im1")}, r"has 2 values in 'image_name'"),
        ({"target": integers(0, 1)}, r"has 2 values in 'target'; expected one"),
        ({"image_name": texts(b"\xff")}, r"has no UTF-8 text in 'image_name'"),
        ({"patient_id": texts(b"\xff")}, r"has no UTF-8 text in 'patient_id'"),
    ],
)
def test_record_of_another_shape_is_left_out_and_a_folder_of_them_refused(tmp_path, caplog, features, reason):
    (tmp_path / "bad.tfrec").write_bytes(raw(**features) * 2)
    with pytest.raises(DataError, match=rf"^no record can be used; the first of bad\.tfrec {reason}"):
        open_folder(tmp_path)
    write_shard(tmp_path / "good.tfrec", [record(5)])
    assert open_folder(tmp_path).names() == ["im5"]
    assert "bad.tfrec: 2 of 2 records are left out" in caplog.text


@pytest.mark.parametrize("key", ["image", "image_name", "sex"])
def test_feature_without_kind(tmp_path, key):
    write_shard(tmp_path / "good.tfrec", [record(5)])
    payload = Example()
    for name, value in record(0).items():
        payload.features.feature[name].bytes_list.value.append(value)
    payload.features.feature[key].Clear()
    data = payload.SerializeToString()
    (tmp_path / "odd.tfrec").write_bytes(header(len(data)) + data + checksum(data))
    reader = open_folder(tmp_path)
    if key == "sex":
        assert reader.headers(["im0", "im5"])["sex"].tolist() == ["", ""]
    else:
        assert reader.names() == ["im5"]


def test_payload_that_is_no_example(tmp_path):
    data = b"\xff" * 50
    (tmp_path / "x.tfrec").write_bytes(header(len(data)) + data + checksum(data))
    with pytest.raises(DataError, match=r"the first of x\.tfrec is not a tf\.train\.Example"):
        open_folder(tmp_path)


@pytest.mark.parametrize("name", ["../a", "a\\b", "a\0b", "a\nb", "..", ""])
def test_unsafe_name_is_refused(tmp_path, name):
    write_shard(tmp_path / "x.tfrec", [record(0) | {"image_name": name.encode()}])
    with pytest.raises(DataError, match=r"^x\.tfrec: image_name is '.*'; expected the name of a file without a folder"):
        open_folder(tmp_path)


def test_repeated_image_with_the_same_content_is_kept_once(shards, caplog):
    write_shard(shards / "x.tfrec", [record(0, patient_id=SECRET.encode()), record(4, target=0)])
    assert open_folder(shards).names() == NAMES
    assert caplog.messages == ["2 records repeat an image of another record and are left out"]


@pytest.mark.parametrize("change", [{"target": 1}, {"image": picture(1)}])
def test_repeated_image_with_other_content_is_refused(shards, change):
    write_shard(shards / "x.tfrec", [record(0, patient_id=SECRET.encode()) | change])
    with pytest.raises(
        DataError, match=r"image im0 is in train00\.tfrec and again in x\.tfrec, with another"
    ) as caught:
        open_folder(shards)
    one_line(str(caught.value))


def test_link_that_leaves_the_root_is_refused(shards, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.tfrec"
    write_shard(outside, [record(9)])
    (shards / "x.tfrec").symlink_to(outside)
    with pytest.raises(DataError, match=r"leaves data\.root"):
        open_folder(shards)


class Pictures:
    """A map-style data set of the rows of one rank."""

    def __init__(self, reader, names):
        self.reader, self.names = reader, names

    def __len__(self):
        return len(self.names)

    def __getitem__(self, row):
        return self.names[row], self.reader.read(self.names[row])


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("workers", [0, 1, 4])
def test_each_image_is_read_once_for_any_number_of_workers_and_ranks(shards, workers, ranks):
    reader = open_folder(shards)
    for rank in range(ranks):
        own = reader.names()[rank::ranks]
        loaded = list(DataLoader(Pictures(reader, own), batch_size=None, num_workers=workers))
        assert [name for name, _ in loaded] == own
        for name, image in loaded:
            assert (np.asarray(image) == reader.read(name)).all()


def test_reader_survives_pickling_and_many_threads(shards):
    reader = pickle.loads(pickle.dumps(open_folder(shards)))
    expected = {name: picture(number) for number, name in enumerate(NAMES)}
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda name: reader.coded(name) == expected[name], NAMES * 50))
