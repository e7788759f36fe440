"""The outline of a lesion, and the mask it encloses."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma.data.demo.cases import Case, streams
from melanoma.data.demo.fields import Field, coordinates, smooth_noise

TURN = 2048
"""Directions in which the radius of an outline is known."""


class Outline(NamedTuple):
    """A star-shaped outline."""

    radii: Field
    """(TURN,) from the centre, in the units of `fields.coordinates`."""
    depth: Field
    """(size, size): 1 at the centre, 0 on the outline, negative outside."""

    def point(self, case: Case, angle: float, share: float) -> tuple[float, float]:
        """Give x and y of the place at `share` of the way from the centre to the outline."""
        radius = share * float(self.radii[int(angle / (2 * np.pi) * TURN) % TURN])
        return 2 * case.cx - 1 + radius * math.cos(angle), 2 * case.cy - 1 + radius * math.sin(angle)


def lesion_mask(row: Mapping[str, Any], size: int) -> NDArray[np.bool_]:
    """Redraw where the lesion of a truth.csv row lies, (size, size); any size gives the same shape."""
    case = Case.from_row(row)
    return np.asarray(draw_outline(case, size).depth > 0)


def draw_outline(case: Case, size: int) -> Outline:
    """Draw the outline; its generator is its own, so a mask needs nothing else of the picture."""
    rng = streams(case).outline
    radii = _draw_radii(case, rng)
    x, y = coordinates(size)
    x, y = x - np.float32(2 * case.cx - 1), y - np.float32(2 * case.cy - 1)
    angle = np.arctan2(y, x) + 0.12 * smooth_noise(rng, 8, size)  # else all notches point at the centre
    direction = (angle * np.float32(TURN / (2 * np.pi))).astype(np.int32) % TURN
    return Outline(radii, 1 - np.hypot(x, y) / radii[direction])


def _draw_radii(case: Case, rng: np.random.Generator) -> Field:
    angle = np.linspace(0, 2 * np.pi, TURN, endpoint=False)
    phase = rng.uniform(0, 2 * np.pi, 4)
    oval = rng.uniform(0.02, 0.08) * np.cos(2 * (angle - phase[0]))
    # A bulge and a dent, not opposite each other: no axis is left that mirrors the shape.
    bulge = np.exp(3.5 * (np.cos(angle - phase[1]) - 1))
    dent = 0.60 * np.exp(4 * (np.cos(angle - phase[1] - rng.uniform(1.4, 2.6)) - 1))
    wave = 0.10 * np.cos(3 * (angle - phase[2]))
    radii = (
        1 + oval + 1.1 * case.asymmetry * (bulge - dent + wave) + (0.01 + 0.085 * case.border) * _notches(angle, rng)
    )
    radii = np.maximum(radii, 0.3)
    # The same area at any asymmetry and border, so that size says nothing about them.
    return np.asarray(2 * case.radius * radii / np.sqrt(np.mean(radii**2)), dtype=np.float32)


def _notches(angle: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw an uneven edge of unit variance."""
    orders = np.arange(5, 26)
    phases = rng.uniform(0, 2 * np.pi, len(orders))
    spectrum = np.zeros(TURN // 2 + 1, dtype=np.complex128)
    spectrum[orders] = rng.uniform(0, 1, len(orders)) * orders**-0.6 * np.exp(1j * phases)
    edge = np.fft.irfft(spectrum, TURN)
    edge *= 1 + 0.6 * np.cos(angle - rng.uniform(0, 2 * np.pi))  # no edge is equally uneven all around
    return np.asarray(edge / edge.std())
