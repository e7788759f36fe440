import pytest
from tfrecord import TFRecordWriter
from tfrecord.example_pb2 import Example

from melanoma.data.readers.shards import build_index, read_record
from melanoma.data.stores.tfrecord import write_shard

RECORD = {"image": b"\0picture\xff" * 50, "image_name": b"a", "age_approx": 45.5, "sex": 1, "patient_id": -(2**63)}


def payloads(path):
    index = build_index(path, lambda payload: ("", []))
    assert (index.left_out, index.torn) == (0, False)
    return [read_record(path, entry) for entry in index.entries]


def test_records_come_back_in_order_with_their_kinds(tmp_path):
    write_shard(tmp_path / "x.tfrec", [{"n": 1}, RECORD, {}])
    first, second, third = map(Example.FromString, payloads(tmp_path / "x.tfrec"))
    values = second.features.feature
    assert first.features.feature["n"].int64_list.value == [1]
    assert values["image"].bytes_list.value == [RECORD["image"]]
    assert values["age_approx"].float_list.value == [45.5]
    assert values["patient_id"].int64_list.value == [-(2**63)]
    assert len(values) == len(RECORD)
    assert not third.features.feature


def test_the_package_s_own_writer_writes_the_same(tmp_path):
    write_shard(tmp_path / "ours", [RECORD])
    writer = TFRecordWriter(str(tmp_path / "theirs"))
    kinds = {bytes: "byte", float: "float", int: "int"}
    writer.write({key: (value, kinds[type(value)]) for key, value in RECORD.items()})
    writer.close()
    ours, theirs = ((tmp_path / name).read_bytes() for name in ("ours", "theirs"))
    assert (len(ours), ours[:12]) == (len(theirs), theirs[:12])
    (our_payload,), (their_payload,) = payloads(tmp_path / "ours"), payloads(tmp_path / "theirs")
    assert Example.FromString(our_payload) == Example.FromString(their_payload)


def test_one_key_is_byte_for_byte_what_the_package_writes(tmp_path):
    write_shard(tmp_path / "ours", [{"image": b"x"}, {"n": 7}])
    writer = TFRecordWriter(str(tmp_path / "theirs"))
    writer.write({"image": (b"x", "byte")})
    writer.write({"n": (7, "int")})
    writer.close()
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_equal_records_give_equal_bytes_whatever_the_order_of_keys(tmp_path):
    write_shard(tmp_path / "a", [RECORD])
    write_shard(tmp_path / "b", [dict(reversed(RECORD.items()))])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_shard_without_records(tmp_path):
    write_shard(tmp_path / "x.tfrec", [])
    assert (tmp_path / "x.tfrec").read_bytes() == b""


def test_failure_half_way_leaves_the_old_shard_and_nothing_else(tmp_path):
    def records():
        yield RECORD
        raise OSError("gone")

    write_shard(tmp_path / "x.tfrec", [{"n": 1}])
    before = (tmp_path / "x.tfrec").read_bytes()
    with pytest.raises(OSError, match="gone"):
        write_shard(tmp_path / "x.tfrec", records())
    assert (tmp_path / "x.tfrec").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.tfrec"]


@pytest.mark.parametrize("value", [None, "text", [1]])
def test_value_of_no_such_kind_is_refused(tmp_path, value):
    with pytest.raises(TypeError):
        write_shard(tmp_path / "x.tfrec", [{"key": value}])
