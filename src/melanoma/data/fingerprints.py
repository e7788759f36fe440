"""What is kept of an image to find it again in another split: its bytes' digest, its picture's hashes and thumbnail."""

import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from melanoma.data.crew import Crew
from melanoma.data.readers import Reader
from melanoma.errors import ImageError

SIDE = 72
"""Side of the grey square that all is computed from: the cells of hash and thumbnail are whole pixels of it."""
THUMBNAIL = 24
ROW = np.dtype(
    [
        ("stamp", "<i8", (2,)),
        ("digest", "u1", (32,)),
        ("hashes", "<u8", (8,)),
        ("thumbnail", "u1", (THUMBNAIL, THUMBNAIL)),
    ]
)
"""What is kept of one image; `stamp` is the reader's."""
_METHOD = 1
"""Raised when a row is computed in another way, so that no old one is taken for it."""

T = TypeVar("T", bound=np.generic)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fingerprints:
    """What is known of the images that could be read; the arrays are aligned to `image_names`."""

    image_names: list[str]
    digests: NDArray[np.uint8]
    """(N, 32): SHA-256 of the coded picture."""
    hashes: NDArray[np.uint64]
    """(N, 8): difference hash of the picture, and of its other `orientations`."""
    thumbnails: NDArray[np.uint8]
    """(N, 24, 24): grey, both sides squeezed to one length."""
    unread: dict[str, str]
    """Why each other image could not be read."""


def fingerprint_images(
    reader: Reader, image_names: Sequence[str], cache: Path | None, key: str, threads: int | None = None
) -> Fingerprints:
    """Fingerprint every image; those kept in `cache` are not opened again until their file changes.

    Args:
        reader: Opens the images.
        image_names: The images, each once.
        cache: Folder to keep the fingerprints in, or None. What is done is kept if the work is interrupted.
        key: Names the reader and its folders; only a digest of it is stored.
        threads: None takes one for every core that this process may use.
    """
    place = None if cache is None else cache / f"fingerprints-{_METHOD}-{sha256(_encode(key)).hexdigest()[:32]}"
    known = {} if place is None else _load(place)
    rows: dict[str, np.void] = {}
    unread: dict[str, str] = {}
    try:
        for name, found in _fingerprint_each(reader, image_names, known, threads):
            if isinstance(found, ImageError):
                unread[name] = found.reason
            else:
                rows[name] = found
    finally:
        if place is not None and any(known.get(name) is not row for name, row in rows.items()):
            _save(place, known | rows)
    joined = np.array(list(rows.values()), ROW)
    return Fingerprints(list(rows), joined["digest"], joined["hashes"], joined["thumbnail"], unread)


def _fingerprint_each(
    reader: Reader, names: Sequence[str], known: dict[str, np.void], threads: int | None
) -> Iterator[tuple[str, np.void | ImageError]]:
    with Crew(threads) as crew:
        found = crew.map(partial(_fingerprint, reader, known), names)
        # The delay hides the bar of a start that opens nothing.
        bar = tqdm(found, "comparing images", len(names), unit="image", disable=None, delay=2, leave=False)
        yield from zip(names, bar, strict=True)


def _fingerprint(reader: Reader, known: dict[str, np.void], name: str) -> np.void | ImageError:
    """Give the image's row: the known one while the file stays as it was, else a new one."""
    try:
        stamp = reader.stamp(name)
        if name in known and tuple(known[name]["stamp"]) == stamp:
            return known[name]
        digest, image = sha256(reader.coded(name)).digest(), reader.read(name, least=SIDE)
    except ImageError as error:
        return error
    square = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    row: np.void = np.zeros(1, ROW)[0]
    row["stamp"], row["digest"] = stamp, np.frombuffer(digest, np.uint8)
    row["hashes"] = [difference_hash(turned) for turned in orientations(square)]
    row["thumbnail"] = cv2.resize(square, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return row


def orientations(square: NDArray[T]) -> NDArray[T]:
    """Give (8, S, S): the picture and its mirror image, each in four quarter turns; the first is the picture."""
    return np.stack([np.rot90(side, turns) for side in (square, square.T) for turns in range(4)])


def difference_hash(grey: NDArray[np.uint8]) -> int:
    """Give the 64-bit dHash: of 8 rows of 9 cells, whether each cell is brighter than the one to its left.

    The bits and their order are those of the imagehash package's `dhash`; the cells are plain means.
    """
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    return int.from_bytes(np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes(), "big")


def _load(place: Path) -> dict[str, np.void]:
    """Give the kept rows by image name; none if there are none or they are damaged."""
    try:
        digest, body = place.read_bytes().split(b"\n", 1)
        if digest != sha256(body).hexdigest().encode():
            raise ValueError("it has changed since it was written")
        file = BytesIO(body)
        names, rows = np.load(file, allow_pickle=False), np.load(file, allow_pickle=False)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        _log.warning("cache: fingerprints of images cannot be read there and are made again")
        return {}
    return dict(zip(names.tolist(), rows, strict=True))


def _save(place: Path, rows: dict[str, np.void]) -> None:
    """Keep the rows; warn if that is not possible."""
    body = BytesIO()
    np.save(body, np.array(list(rows)), allow_pickle=False)
    np.save(body, np.array(list(rows.values()), ROW), allow_pickle=False)
    temporary = place.with_suffix(f".{secrets.token_hex(8)}.tmp")  # process ids repeat between containers
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(sha256(body.getvalue()).hexdigest().encode() + b"\n" + body.getvalue())
        os.replace(temporary, place)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        _log.warning("cache: fingerprints of images cannot be kept (%s) and are made at every start", error.strerror)


def _encode(key: str) -> bytes:
    return key.encode(errors="surrogateescape")  # a folder's name need not be UTF-8
