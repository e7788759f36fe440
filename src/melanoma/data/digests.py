"""What a checkpoint keeps to know an image again: hashes alone, of which no picture can be made.

A file is known by its bytes. A picture that was encoded, sized, lit, turned or mirrored anew is known by the signs of
its lowest frequencies (after Zauner 2010, Implementation and Benchmarking of Perceptual Image Hash Functions); one that
was cut at an edge often is not. `scripts/bench_fingerprints.py --rule` counts both, and what the rule invents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma.data.fingerprints import THUMBNAIL, Fingerprints, orientations

FILE_BYTES = 16
"""Kept of a file's SHA-256."""
MOST_BITS = 32
"""Pictures that are taken for one differ in no more of their 255 bits."""

_FREQUENCIES = 16
_BLANK = 1.0
"""A picture whose grey levels have a smaller standard deviation shows nothing to compare."""
_PLACES = np.arange(THUMBNAIL)
_COSINES = np.cos(np.pi * np.outer(np.arange(_FREQUENCIES), 2 * _PLACES + 1) / (2 * THUMBNAIL))
"""(16, 24): the discrete cosine transform's lowest frequencies."""


@dataclass(frozen=True)
class Digests:
    """Of N images; a row of zeros where one could not be read, or is blank."""

    files: NDArray[np.uint8]
    """(N, 16)."""
    pictures: NDArray[np.uint8]
    """(N, 32): 255 bits."""

    def of(self, rows: NDArray[np.intp]) -> "Digests":
        """Give those of some images."""
        return Digests(self.files[rows], self.pictures[rows])


def make_digests(prints: Fingerprints, image_names: Sequence[str]) -> Digests:
    """Give the digests of images, in their order, from fingerprints that are made already."""
    place = {name: row for row, name in enumerate(image_names)}
    rows = [place[name] for name in prints.image_names]
    files = np.zeros((len(image_names), FILE_BYTES), np.uint8)
    pictures = np.zeros((len(image_names), _FREQUENCIES**2 // 8), np.uint8)
    files[rows] = prints.digests[:, :FILE_BYTES]
    pictures[rows] = _signs(prints.thumbnails)
    return Digests(files, pictures)


def find_file(prints: Fingerprints, digests: Digests) -> NDArray[np.intp]:
    """Give for each fingerprinted image the row of the same file, or -1."""
    row_of = {file.tobytes(): row for row, file in enumerate(digests.files) if file.any()}
    found = [row_of.get(digest[:FILE_BYTES].tobytes(), -1) for digest in prints.digests]
    return np.array(found, np.intp)


def find_picture(prints: Fingerprints, digests: Digests) -> NDArray[np.intp]:
    """Give for each fingerprinted image the row of the picture that looks most like it, in any orientation, or -1.

    The time is proportional to the product of both numbers: 1 ms for one image among 30,000.
    """
    rows = np.flatnonzero(digests.pictures.any(axis=1))
    words = np.ascontiguousarray(digests.pictures[rows].view(np.uint64).T)
    found = np.full(len(prints.thumbnails), -1, np.intp)
    for number, thumbnail in enumerate(prints.thumbnails if len(rows) else ()):
        turned = _signs(orientations(thumbnail)).view(np.uint64).T
        if not turned.any():
            continue
        # (4 words, 8 orientations, N), summed over the words: at most 255.
        bits = np.bitwise_count(turned[:, :, None] ^ words[:, None]).sum(axis=0, dtype=np.uint8).min(axis=0)
        nearest = int(bits.argmin())
        if bits[nearest] <= MOST_BITS:
            found[number] = rows[nearest]
    return found


def _signs(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give (N, 32): whether each frequency but the mean is positive; zeros for a blank picture."""
    grey = thumbnails.astype(np.float64)
    spectrum = (_COSINES @ grey @ _COSINES.T).reshape(len(grey), _FREQUENCIES**2)
    bits = spectrum > 0
    bits[:, 0] = False  # the mean says how bright it is
    bits[grey.std(axis=(1, 2)) < _BLANK] = False
    return np.packbits(bits, axis=1)
