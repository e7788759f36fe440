"""TFRecord shards: their framing and checksums, and an index of where each record lies, whatever it holds.

A record is a length (8 bytes), its checksum (4), the payload and its checksum (4); see TensorFlow's record_writer.h.
"""

import json
import logging
import os
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

import crc32c
from tqdm import tqdm

from melanoma.data.crew import Crew
from melanoma.errors import DataError

LONGEST = 2**27
"""Bytes of a record that is read at all; no coded picture that the codec takes comes near it."""
_FORMAT = 1
"""To be raised when the content of a kept index comes to mean something else."""
_HEADER, _FOOTER = 12, 4
_GZIP = b"\x1f\x8b"

_log = logging.getLogger(__name__)


class RecordError(Exception):
    """One record cannot be used; the text goes on from "its record"."""


class Entry(NamedTuple):
    """One usable record."""

    name: str
    offset: int  # of the record
    length: int  # of the payload
    texts: Sequence[str | None]


Describe = Callable[[bytes], tuple[str, Sequence[str | None]]]
"""Gives name and texts of a payload, or raises RecordError."""


@dataclass
class ShardIndex:
    """What a shard holds, valid while its size and time of change stay."""

    size: int
    mtime_ns: int
    entries: list[Entry] = field(default_factory=list)
    total: int = 0
    """Records found, usable or not."""
    left_out: int = 0
    reason: str = ""
    """Why the first of them was left out."""
    torn: bool = False
    """The framing breaks off after `total` records."""


def checksum(data: bytes) -> bytes:
    """Give the CRC-32C, masked as in tensorflow/core/lib/hash/crc32c.h."""
    crc = crc32c.crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def header(length: int) -> bytes:
    """Give what stands before a payload; its checksum stands behind it."""
    return (packed := struct.pack("<Q", length)) + checksum(packed)


def read_record(path: Path, entry: Entry) -> bytes:
    """Give a record's payload, its framing and checksum checked.

    Raises:
        RecordError: if it is damaged, or the file is not the one that was indexed.
        OSError: if the file cannot be read.
    """
    # Opened anew each time: nothing to share between threads, forks and pickles, or to close.
    with path.open("rb") as file:
        file.seek(entry.offset)
        if file.read(_HEADER) != header(entry.length):
            raise RecordError("is not where the index says")
        return _payload(file, entry.length)


def index_shards(paths: Sequence[Path], describe: Describe, cache: Path | None) -> list[ShardIndex]:
    """Give the index of every shard: the one kept in `cache` while it is valid, else a new one, which is kept.

    Raises:
        DataError: if a shard cannot be read, or is compressed.
    """
    indexes = {path: load_index(path, cache) if cache else None for path in paths}
    new = [path for path in paths if indexes[path] is None]
    with Crew(4) as crew:
        made = crew.map(lambda path: build_index(path, describe), new)
        bar = tqdm(made, "indexing the shards", len(new), unit="shard", disable=None, delay=2, leave=False)
        for path, index in zip(new, bar, strict=True):
            indexes[path] = index
            if cache and not save_index(index, path, cache):
                cache = None
    return [index for index in indexes.values() if index is not None]


def build_index(path: Path, describe: Describe) -> ShardIndex:
    """Read a shard once from start to end, and check both checksums of every record.

    Raises:
        DataError: if it cannot be read, or is compressed.
    """
    if not path.is_file():
        raise DataError(f"{path.name} is not a file; keep only shards under such names, or set reader.suffixes")
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            index = ShardIndex(found.st_size, found.st_mtime_ns)
            _scan(file, index, describe)
            file.seek(0)
            compressed = index.torn and index.total == 0 and file.read(2) == _GZIP
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}; look at its permissions") from error
    if compressed:
        raise DataError(f"{path.name} is compressed, which allows no jump to a record; unpack it: gunzip -c FILE > NEW")
    return index


def load_index(path: Path, cache: Path) -> ShardIndex | None:
    """Give the shard's kept index; None if there is none, it is damaged, or the shard has changed."""
    try:
        found = path.stat()
        digest, body = _place(path, cache).read_bytes().split(b"\n", 1)
        if digest != sha256(body).hexdigest().encode():
            return None
        index = ShardIndex(**json.loads(body))
        index.entries = [Entry(*values) for values in index.entries]
    except (OSError, ValueError, TypeError):
        return None
    return index if (index.size, index.mtime_ns) == (found.st_size, found.st_mtime_ns) else None


def save_index(index: ShardIndex, path: Path, cache: Path) -> bool:
    """Keep the shard's index; say whether that was possible."""
    body = json.dumps(vars(index)).encode()
    temporary = _place(path, cache).with_suffix(f".{os.getpid()}.tmp")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(sha256(body).hexdigest().encode() + b"\n" + body)
        os.replace(temporary, _place(path, cache))
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        _log.warning("cache: indexes of shards cannot be kept (%s) and are made at every start", error.strerror)
        return False
    return True


def _place(path: Path, cache: Path) -> Path:
    # Hashed, because the path may name a patient or a user.
    return cache / f"shard-{_FORMAT}-{sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.json"


def _scan(file: BinaryIO, index: ShardIndex, describe: Describe) -> None:
    while (offset := file.tell()) < index.size:
        length = _length(file, index.size - offset)
        if length is None:
            index.torn = True
            return
        index.total += 1
        try:
            name, texts = describe(_payload(file, length))
            index.entries.append(Entry(name, offset, length, texts))
        except RecordError as error:
            index.left_out += 1
            index.reason = index.reason or str(error)


def _length(file: BinaryIO, left: int) -> int | None:
    """Read the length of the next payload; None if it is damaged, or goes beyond the `left` bytes of the file."""
    found = file.read(_HEADER)
    length = int.from_bytes(found[:8], "little")
    return length if found == header(length) and _HEADER + length + _FOOTER <= left else None


def _payload(file: BinaryIO, length: int) -> bytes:
    if length > LONGEST:
        file.seek(length + _FOOTER, os.SEEK_CUR)
        raise RecordError(f"is longer than {LONGEST} bytes")
    payload = file.read(length)
    if file.read(_FOOTER) != checksum(payload):
        raise RecordError("is damaged (checksum)")
    return payload
