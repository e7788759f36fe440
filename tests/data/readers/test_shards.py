import gzip
import multiprocessing
import os
import struct
import tracemalloc

import pytest

from melanoma.data.readers import shards
from melanoma.data.readers.shards import Entry, RecordError, build_index, checksum, header, index_shards, read_record
from melanoma.errors import DataError

PAYLOADS = [b"a" * 40, b"b", b"c" * 7000]
ENDS = [56, 73, 7089]
"""Where each record of PAYLOADS ends: 16 bytes of framing a record."""


def describe(payload):
    return payload[:1].decode(), [None]


def frame(*payloads) -> bytes:
    return b"".join(header(len(payload)) + payload + checksum(payload) for payload in payloads)


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "x.tfrec"
    path.write_bytes(frame(*PAYLOADS))
    return path


def names(index):
    return [entry.name for entry in index.entries]


def test_checksum_is_the_masked_crc_32c():
    # 0xE3069283 is the check value of CRC-32C in the catalogue of CRCs.
    turned = (0xE3069283 >> 15) | (0xE3069283 << 17) & 0xFFFFFFFF
    assert checksum(b"123456789") == struct.pack("<I", (turned + 0xA282EAD8) % 2**32)


def test_every_record_is_found_and_read_back(shard):
    index = build_index(shard, describe)
    assert (index.total, index.left_out, index.torn) == (3, 0, False)
    assert [read_record(shard, entry) for entry in index.entries] == PAYLOADS


@pytest.mark.parametrize(("payloads", "total"), [([], 0), ([b"a"], 1), ([b""], 1)])
def test_shard_of_0_or_1_records(shard, payloads, total):
    shard.write_bytes(frame(*payloads))
    index = build_index(shard, describe)
    assert (index.total, len(index.entries), index.torn) == (total, total, False)


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("place", [68, 69, 72])
def test_flipped_payload_or_its_checksum_costs_that_record_alone(shard, place):
    flip(shard, place)
    index = build_index(shard, describe)
    assert (names(index), index.total, index.left_out, index.torn) == (["a", "c"], 3, 1, False)
    assert "checksum" in index.reason


def test_reason_is_that_of_the_first_record_left_out(shard):
    flip(shard, 68)

    def refuse(payload):
        raise RecordError("is refused " + payload[:1].decode())

    index = build_index(shard, refuse)
    assert (index.entries, index.left_out, index.reason) == ([], 3, "is refused a")


@pytest.mark.parametrize("place", range(56, 68))
def test_flipped_length_or_its_checksum_ends_the_shard_there(shard, place):
    flip(shard, place)
    index = build_index(shard, describe)
    assert (names(index), index.total, index.torn) == (["a"], 1, True)


def test_truncated_shard_keeps_the_records_before(shard):
    data = shard.read_bytes()
    for length in [*range(75), 80, 7000, 7088]:
        shard.write_bytes(data[:length])
        index = build_index(shard, describe)
        whole = sum(end <= length for end in ENDS)
        assert (index.total, index.left_out, index.torn) == (whole, 0, length not in (0, *ENDS)), length


@pytest.mark.parametrize("length", [2**40, 2**63, 2**64 - 1])
def test_record_that_claims_more_than_the_file_holds_is_not_allocated(shard, length):
    shard.write_bytes(frame(b"a") + header(length) + b"b" * 100)
    tracemalloc.start()
    try:
        index = build_index(shard, describe)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (names(index), index.torn) == (["a"], True)
    assert peak < 1_000_000


def test_record_of_more_than_the_longest_is_left_out_unread(shard, monkeypatch):
    monkeypatch.setattr(shards, "LONGEST", 39)
    index = build_index(shard, describe)
    assert (names(index), index.left_out, index.reason) == (["b"], 2, "is longer than 39 bytes")


def test_gzip_shard_is_named_with_the_way_out(shard):
    shard.write_bytes(gzip.compress(shard.read_bytes()))
    with pytest.raises(DataError, match=r"x\.tfrec is compressed.*gunzip"):
        build_index(shard, describe)


def test_length_that_looks_like_gzip_is_a_length(shard):
    shard.write_bytes(frame(b"a" * 0x8B1F))
    assert names(build_index(shard, describe)) == ["a"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_not_a_file_is_named_and_never_waited_for(tmp_path, make):
    make(tmp_path / "y.tfrec")
    with pytest.raises(DataError, match=r"y\.tfrec is not a file"):
        build_index(tmp_path / "y.tfrec", describe)


def test_shard_that_cannot_be_read(shard, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", str(shard))

    monkeypatch.setattr(type(shard), "open", refuse)
    with pytest.raises(DataError, match=r"^x\.tfrec cannot be read: Permission denied; look at its permissions$"):
        build_index(shard, describe)


@pytest.mark.parametrize("entry", [Entry("a", 1, 40, []), Entry("a", 0, 41, []), Entry("a", 9000, 40, [])])
def test_read_at_a_place_that_the_index_has_wrong(shard, entry):
    with pytest.raises(RecordError, match="is not where the index says"):
        read_record(shard, entry)


def no_pass(payload):
    pytest.fail("indexed again")


def test_kept_index_saves_the_pass_until_the_shard_changes(shard, tmp_path):
    cache = tmp_path / "cache"
    made = index_shards([shard], describe, cache)
    assert index_shards([shard], no_pass, cache) == made
    os.utime(shard, ns=(0, 1))
    assert index_shards([shard], describe, cache)[0].mtime_ns == 1
    shard.write_bytes(frame(b"d"))
    os.utime(shard, ns=(0, 1))
    assert names(index_shards([shard], describe, cache)[0]) == ["d"]
    assert [path.suffix for path in cache.iterdir()] == [".json"]


def test_kept_index_does_not_tell_the_shard_s_path(shard, tmp_path):
    index_shards([shard], describe, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    assert "x" not in kept.stem
    assert str(tmp_path) not in kept.read_text()


@pytest.mark.parametrize("content", [b"", b"\n", b"{}", b"cut", bytes(99)])
def test_damaged_kept_index_is_made_anew(shard, tmp_path, content):
    made = index_shards([shard], describe, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if content == b"cut" else content)
    assert index_shards([shard], describe, tmp_path / "cache") == made
    assert kept.read_bytes() == whole


def test_one_changed_digit_in_a_kept_index_is_noticed(shard, tmp_path):
    made = index_shards([shard], describe, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes().replace(b'"c"', b'"z"'))
    assert index_shards([shard], describe, tmp_path / "cache") == made


def test_folder_that_cannot_be_written_is_told_once(shard, tmp_path, caplog):
    other = tmp_path / "y.tfrec"
    other.write_bytes(shard.read_bytes())
    (tmp_path / "file").touch()
    indexes = index_shards([shard, other], describe, tmp_path / "file" / "cache")
    assert [names(index) for index in indexes] == [["a", "b", "c"]] * 2
    assert len(caplog.records) == 1
    assert "cannot be kept (Not a directory)" in caplog.text


def index_again(shard, cache, answers):
    answers.put([names(index) for index in index_shards([shard], describe, cache)])


def test_several_processes_index_one_shard_at_once(shard, tmp_path):
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    processes = [fork.Process(target=index_again, args=(shard, tmp_path / "cache", answers)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == [[["a", "b", "c"]]] * 4
    for process in processes:
        process.join()
    assert index_shards([shard], no_pass, tmp_path / "cache")[0].total == 3
    assert len(list((tmp_path / "cache").iterdir())) == 1
