"""Writes shards of tf.train.Example records."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfrecord.example_pb2 import BytesList, Example, Feature, Features, FloatList, Int64List

from melanoma.data.readers.shards import checksum, header

Value = bytes | int | float


def write_shard(path: Path, records: Iterable[Mapping[str, Value]]) -> None:
    """Write one record after another; the file is there whole or not at all, and equal records give equal bytes."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            for record in records:
                payload = _serialise(record)
                file.writelines((header(len(payload)), payload, checksum(payload)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _serialise(record: Mapping[str, Value]) -> bytes:
    features = Features(feature={key: _feature(value) for key, value in record.items()})
    payload: bytes = Example(features=features).SerializeToString(deterministic=True)
    return payload


def _feature(value: Value) -> Feature:
    if isinstance(value, bytes):
        return Feature(bytes_list=BytesList(value=[value]))
    if isinstance(value, float):
        return Feature(float_list=FloatList(value=[value]))
    return Feature(int64_list=Int64List(value=[value]))
