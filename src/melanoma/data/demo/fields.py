"""Scalar fields over a picture, the same at every resolution.

Positions run from -1 to 1 over the picture, x to the right and y down, so that a position or a width means
the same share of the picture whatever its size in pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""(size, size), or (size, size, 3) for RGB in grey levels."""


def coordinates(size: int) -> tuple[Field, Field]:
    """Give x and y of the pixel centres."""
    axis: Field = (2 * np.arange(size, dtype=np.float32) + 1) / np.float32(size) - 1
    x, y = np.meshgrid(axis, axis)
    return x, y


def smooth_noise(rng: np.random.Generator, cells: int, size: int) -> Field:
    """Draw noise of about unit variance with `cells` bumps along a side."""
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    return 1.4 * np.asarray(cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def smoothstep(field: Field, low: float, high: float) -> Field:
    """Rise from 0 at `low` to 1 at `high`, without a kink."""
    share = np.clip((field - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def blend(picture: Field, colour: Field, weight: Field) -> Field:
    """Mix RGB `colour`, one or one a pixel, into `picture` where `weight` (size, size) is above 0."""
    mixed = colour - picture
    mixed *= weight[..., None]
    mixed += picture
    return mixed
