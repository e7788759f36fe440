"""Pictures that are one picture: encoded, sized, turned, mirrored, cut or lit in another way.

Two pictures are near-duplicates if their difference hashes differ in few bits in some orientation, and a thumbnail of
the one is nearly a linear function of the other's: of its grey levels, which allows for light and contrast, and of
their slopes across, down and outwards, which allows for a cut of some percent at any edge. Hashes alone do not tell one
dark spot on skin from another. `scripts/bench_fingerprints.py --rule` counts what the rule finds, and what it invents.
"""

import logging
from functools import partial

import numpy as np
from numpy.typing import NDArray

from melanoma.data.crew import Crew
from melanoma.data.fingerprints import THUMBNAIL, Fingerprints, orientations

MOST_BITS = 10
"""Hashes of near-duplicates differ in no more of their 64 bits."""
LEAST_FIT = 0.99
"""Least multiple correlation between near-duplicates' thumbnails."""
MOST_PAIRS = 100_000
"""The search ends at this many: they say only that all pictures are alike, and more would fill the memory."""

_GRID = np.linspace(-1, 1, THUMBNAIL, dtype=np.float32)
_DISC = np.hypot(_GRID, _GRID[:, None]).ravel() <= 1
"""Compared pixels of a flat thumbnail: in its corners the black rim of a dermatoscope makes strangers alike."""
_TURNED = orientations(np.arange(THUMBNAIL**2).reshape(THUMBNAIL, THUMBNAIL)).reshape(8, -1)[:, _DISC]
"""(8, P): the pixels that take the disc's places in each orientation."""
_BLANK = 1.0
"""A picture whose grey levels have a smaller standard deviation shows nothing to compare."""
_NEVER = 65

_log = logging.getLogger(__name__)


def find_near_duplicates(prints: Fingerprints, ones: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.intp]:
    """Compare each of some images with each of others, given by their rows; files with the same bytes are left out.

    The time is proportional to len(ones) * len(others), and a little shorter when `ones` are the fewer.

    Returns:
        (K, 3): row of the one, row of the other, bits in which their hashes differ.
    """
    ones, others = (rows[_visible(prints.thumbnails[rows])] for rows in (ones, others))
    compare = partial(_compare, prints, others, prints.hashes[others, 0], _units(prints.thumbnails[others]))
    found, count = [np.empty((0, 3), np.intp)], 0
    with Crew(None) as crew:
        for pairs in crew.map(compare, ones):
            found.append(pairs)
            count += len(pairs)
            if count >= MOST_PAIRS:
                _log.warning("the search for near-duplicates ends at %d pairs: almost all pictures are alike", count)
                break
    return np.concatenate(found)


def _compare(
    prints: Fingerprints,
    others: NDArray[np.intp],
    hashes: NDArray[np.uint64],
    units: NDArray[np.float32],
    one: np.intp,
) -> NDArray[np.intp]:
    """Find the near-duplicates of one image, with the bits of that orientation of it which differs least."""
    bits = np.bitwise_count(prints.hashes[one][:, None] ^ hashes)
    least = np.full(len(others), _NEVER, np.uint8)
    if (bits <= MOST_BITS).any():
        basis = _basis(prints.thumbnails[one])
        for turned, pixels in zip(bits, _TURNED, strict=True):
            near = np.flatnonzero(turned <= MOST_BITS)
            fit = np.square(units[near] @ basis[pixels]).sum(axis=1)
            near = near[fit >= LEAST_FIT**2]
            least[near] = np.minimum(least[near], turned[near])
    near = np.flatnonzero(least < _NEVER)
    near = near[(prints.digests[others[near]] != prints.digests[one]).any(axis=1)]
    return np.stack([np.full(len(near), one), others[near], least[near]], axis=1)


def _visible(thumbnails: NDArray[np.uint8]) -> NDArray[np.bool]:
    return np.asarray(thumbnails.reshape(-1, THUMBNAIL**2)[:, _DISC].std(axis=1, dtype=np.float32) >= _BLANK)


def _units(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give (N, P): the disc of each, as a vector of mean 0 and length 1."""
    discs = thumbnails.reshape(-1, THUMBNAIL**2)[:, _DISC].astype(np.float32)
    discs -= discs.mean(axis=1, keepdims=True)
    discs /= np.linalg.norm(discs, axis=1, keepdims=True)
    return discs


def _basis(thumbnail: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give (576, 4): orthonormal vectors on the disc that span the grey levels and their slopes across, down, outwards.

    Turning the picture turns them with it, so that they span the same of the turned picture.
    """
    grey = thumbnail.astype(np.float32)
    down, across = np.gradient(grey)
    outwards = _GRID * across + _GRID[:, None] * down
    vectors = np.stack([grey, across, down, outwards], axis=-1).reshape(-1, 4)
    basis = np.zeros_like(vectors)
    basis[_DISC] = np.linalg.qr(vectors[_DISC] - vectors[_DISC].mean(axis=0))[0]
    return basis
