"""Shards of tf.train.Example records, each with a coded image and what is known of it."""

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from tfrecord import example_pb2

from melanoma.data.readers.codec import decode, picture_size
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.shards import Entry, RecordError, ShardIndex, index_shards, read_record
from melanoma.errors import DataError, ImageError

_TEXTS = ("patient_id", "sex", "age_approx", "anatom_site_general_challenge", "target")
"""What a record may say of its image, under the canonical table's names; order matters to kept indexes."""
_UNSAFE = re.compile(r"[/\\\x00-\x1f]|^\.{0,2}$")

_log = logging.getLogger(__name__)


class _Record(NamedTuple):
    """One image's place."""

    path: Path
    mtime_ns: int
    entry: Entry


class TfrecordReader:
    """Reads any record of any shard by its image_name; all shards are indexed once, every checksum is checked.

    Raises:
        DataError: if a shard cannot be read or is compressed, if no record holds what it must, or if two records of
            one image differ.
    """

    checks_table = True

    def __init__(self, folder: Folder) -> None:
        self._ending = folder.ending
        paths = [folder.path / file for file in sorted(set(folder.files().values()))]
        shards = list(zip(paths, index_shards(paths, _describe, folder.cache), strict=True))
        for path, index in shards:
            _report(path, index)
        self._records: dict[str, _Record] = {}
        repeats = sum(
            not self._add(_Record(path, index.mtime_ns, entry)) for path, index in shards for entry in index.entries
        )
        if repeats:
            _log.warning("%d records repeat an image of another record and are left out", repeats)
        for path, index in shards:
            if index.left_out and not self._records:
                raise DataError(f"no record can be used; the first of {path.name} {index.reason}")

    def missing(self, image_names: Iterable[str]) -> list[str]:
        """List the images that no usable record holds."""
        return [name for name in image_names if self._key(name) not in self._records]

    def read(self, image_name: str, least: int = 0) -> NDArray[np.uint8]:
        """Decode one image to RGB (H, W, 3), upright as its EXIF orientation says."""
        return decode(self.coded(image_name), image_name, least)

    def size(self, image_name: str) -> tuple[int, int]:
        """Give (width, height) from the picture's header."""
        return picture_size(self.coded(image_name), image_name)

    def coded(self, image_name: str) -> bytes:
        """Give the bytes of the record's picture, its checksum checked again."""
        return self._image(self._record(image_name), image_name)

    def stamp(self, image_name: str) -> tuple[int, int]:
        """Give the record's size in bytes and its shard's time of change in ns."""
        record = self._record(image_name)
        return record.entry.length, record.mtime_ns

    def headers(self, image_names: Sequence[str]) -> pd.DataFrame:
        """Give what the records say, from the index; whole numbers as they stand, such as "-1"."""
        found = [self._records.get(self._key(name)) for name in image_names]
        columns = {
            column: [(record.entry.texts[place] if record else None) or "" for record in found]
            for place, column in enumerate(_TEXTS)
            if any(record.entry.texts[place] is not None for record in self._records.values())
        }
        return pd.DataFrame(columns, index=pd.Index(image_names, name="image_name"), dtype="str")

    def names(self) -> list[str]:
        """List every image there is, sorted."""
        return sorted(self._records)

    def _key(self, image_name: str) -> str:
        return image_name.removesuffix(self._ending)

    def _record(self, image_name: str) -> _Record:
        if (key := self._key(image_name)) not in self._records:
            raise ImageError(image_name, "no record of that name")
        return self._records[key]

    def _image(self, record: _Record, image_name: str) -> bytes:
        shard, way_out = record.path.name, "get the file again, or touch it so that it is indexed anew"
        try:
            features = _parse(read_record(record.path, record.entry))
            name, image = _decode_text(_bytes(features, "image_name"), "image_name"), _bytes(features, "image")
        except OSError as error:
            raise ImageError(image_name, f"{shard} cannot be read: {error.strerror}") from error
        except RecordError as error:
            raise ImageError(image_name, f"its record in {shard} {error}; {way_out}") from error
        if name != record.entry.name:
            raise ImageError(image_name, f"its record in {shard} is another image's by now; {way_out}")
        return image

    def _add(self, record: _Record) -> bool:
        """Take a record in; say whether its image is new."""
        name = self._key(record.entry.name)
        if _UNSAFE.search(name):
            raise DataError(
                f"{record.path.name}: image_name is {name[:80]!r}; expected the name of a file without a folder: no "
                "path separator, no control character, not blank"
            )
        first = self._records.setdefault(name, record)
        if first is record:
            return True
        if first.entry.texts != record.entry.texts or self._image(first, name) != self._image(record, name):
            raise DataError(
                f"image {name} is in {first.path.name} and again in {record.path.name}, with another picture or other "
                "values; keep one of the two"
            )
        return False


def _report(path: Path, index: ShardIndex) -> None:
    """Warn of what a shard lacks."""
    if index.size == 0:
        _log.warning("%s is empty: 0 records", path.name)
    if index.torn:
        _log.warning(
            "%s is cut short or damaged after its record %d; what follows cannot be read: get the file again",
            path.name, index.total,
        )  # fmt: skip
    if index.left_out:
        _log.warning(
            "%s: %d of %d records are left out; the first of them %s",
            path.name, index.left_out, index.total, index.reason,
        )  # fmt: skip


def _describe(payload: bytes) -> tuple[str, list[str | None]]:
    """Give the image_name and `_TEXTS` of a record; None for those it does not have."""
    features = _parse(payload)
    _bytes(features, "image")
    return _decode_text(_bytes(features, "image_name"), "image_name"), [_text(features, key) for key in _TEXTS]


def _parse(payload: bytes) -> Any:
    try:
        return example_pb2.Example.FromString(payload).features.feature
    except DecodeError as error:
        raise RecordError("is not a tf.train.Example") from error


def _bytes(features: Any, key: str) -> bytes:
    if key not in features:
        keys = ", ".join(map(repr, sorted(features)))[:200]
        raise RecordError(f"has no {key!r}: its keys are {keys or 'none'}; expected 'image' and 'image_name'")
    values = features[key].bytes_list.value  # empty for another kind
    if len(values) != 1:
        found = f"{len(values)} values" if values else features[key].WhichOneof("kind") or "no value"
        raise RecordError(f"has {found} in {key!r}; expected one value of bytes")
    return bytes(values[0])


def _text(features: Any, key: str) -> str | None:
    if key not in features:
        return None
    kind = features[key].WhichOneof("kind")
    values = getattr(features[key], kind).value if kind else []
    if len(values) > 1:
        raise RecordError(f"has {len(values)} values in {key!r}; expected one")
    value = values[0] if values else ""
    if isinstance(value, bytes):
        return _decode_text(value, key).strip()
    if isinstance(value, float):
        return "" if np.isnan(value) else np.format_float_positional(np.float32(value), trim="-")
    return str(value)


def _decode_text(value: bytes, key: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise RecordError(f"has no UTF-8 text in {key!r}") from error
