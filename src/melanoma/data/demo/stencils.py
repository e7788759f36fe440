"""Lines and discs thinner than a pixel, drawn by cv2 on a finer grid than the picture's.

Positions and widths are in the units of `fields.coordinates`.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from melanoma.data.demo.fields import Field

Stencil = NDArray[np.uint8]
FINER = 2
SHIFT = 4
"""Binary digits of a pixel that cv2 is told positions to."""


def new_stencil(size: int) -> Stencil:
    """Make an empty stencil for a picture of `size`."""
    return np.zeros((FINER * size, FINER * size), dtype=np.uint8)


def weights(stencil: Stencil, size: int) -> Field:
    """Turn a stencil into the weights 0..1 of a picture of `size`."""
    small = cv2.resize(stencil, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def draw_strand(stencil: Stencil, points: NDArray[np.float64], width: float) -> None:
    """Draw a line through `points` (n, 2)."""
    thickness = max(1, round(width / 2 * len(stencil)))
    cv2.polylines(stencil, [_pixels(points, len(stencil))], False, 255, thickness, cv2.LINE_AA, SHIFT)


def draw_disc(stencil: Stencil, x: float, y: float, radius: float) -> None:
    """Draw a filled disc."""
    _draw_circle(stencil, x, y, radius, -1)


def draw_ring(stencil: Stencil, x: float, y: float, radius: float, width: float) -> None:
    """Draw a circle."""
    _draw_circle(stencil, x, y, radius, max(1, round(width / 2 * len(stencil))))


def _draw_circle(stencil: Stencil, x: float, y: float, radius: float, thickness: int) -> None:
    centre = _pixels(np.array([x, y]), len(stencil)).tolist()
    reach = round(radius / 2 * len(stencil) * 2**SHIFT)
    cv2.circle(stencil, centre, reach, 255, thickness, cv2.LINE_AA, SHIFT)


def _pixels(points: NDArray[np.float64], size: int) -> NDArray[np.int32]:
    return np.asarray(np.round(((points + 1) / 2 * size - 0.5) * 2**SHIFT), dtype=np.int32)
