"""What lies between lesion and lens: hairs, gel bubbles, a ruler, the dermatoscope's rim."""

import cv2
import numpy as np
from numpy.typing import NDArray

from melanoma.data.demo.cases import Case
from melanoma.data.demo.fields import Field, blend, coordinates, smoothstep
from melanoma.data.demo.stencils import draw_disc, draw_ring, draw_strand, new_stencil, weights

HAIRS = np.array([[74, 46, 30], [50, 32, 24], [30, 22, 20]], dtype=np.float32)
INK = np.array([36, 32, 34], dtype=np.float32)
GLINT = np.array([246, 244, 242], dtype=np.float32)
RIM = np.array([20, 17, 18], dtype=np.float32)


def draw_artefacts(picture: Field, case: Case, rng: np.random.Generator) -> Field:
    """Draw what the case has of them, the farthest from the lens first."""
    hairs, ruler, bubbles, frame = rng.spawn(4)
    if case.hairs:
        picture = _draw_hairs(picture, case, hairs)
    if case.ruler:
        picture = blend(picture, INK, 0.85 * _draw_ruler(len(picture), ruler))
    picture = _draw_bubbles(picture, bubbles)
    if case.frame:
        picture = _draw_frame(picture, frame)
    return picture


def _draw_hairs(picture: Field, case: Case, rng: np.random.Generator) -> Field:
    """Draw curved strands that grow in about one direction, with a faint shadow."""
    size = len(picture)
    stencil = new_stencil(size)
    trend = rng.uniform(0, 2 * np.pi)
    width = rng.uniform(0.006, 0.012)
    for _ in range(case.hairs):
        draw_strand(stencil, _strand(trend + rng.normal(0, 0.45), rng), width)
    strands = weights(stencil, size)
    shadow = np.asarray(cv2.blur(strands, (1 + size // 40, 1 + size // 40)), dtype=np.float32)
    colour = HAIRS[min(case.tone // 2 + int(rng.integers(2)), 2)]
    return blend(picture * (1 - 0.3 * shadow[..., None]), colour, 0.88 * strands)


def _strand(angle: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a bow through the picture, (n, 2)."""
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    half, bow = rng.uniform(0.35, 1.0), rng.normal(0, 0.22)
    step = np.linspace(-1, 1, 24)[:, None]
    middle = rng.uniform(-1, 1, 2)
    return np.asarray(middle + half * (step * along + bow * (step**2 + rng.normal(0, 0.3) * step**3) * across))


def _draw_ruler(size: int, rng: np.random.Generator) -> Field:
    """Draw the marks of a scale along one side; weights 0..1."""
    stencil = new_stencil(size)
    base, spacing = rng.uniform(0.86, 0.94), rng.uniform(0.06, 0.09)
    for place, x in enumerate(np.arange(-0.9 + rng.uniform(-0.1, 0.1), 0.9, spacing)):
        length = 0.13 if place % 5 == 0 else 0.07
        draw_strand(stencil, np.array([[x, base], [x, base - length]]), 0.012)
    return weights(np.rot90(stencil, int(rng.integers(4))).copy(), size)


def _draw_bubbles(picture: Field, rng: np.random.Generator) -> Field:
    """Draw bubbles in the gel, in about every third picture: a bright ring and a glint."""
    size = len(picture)
    count = max(0, int(rng.integers(-9, 6)))
    if count == 0:
        return picture
    rings, glints = new_stencil(size), new_stencil(size)
    for _ in range(count):
        x, y = rng.uniform(-0.9, 0.9, 2)
        radius = rng.uniform(0.025, 0.08)
        draw_ring(rings, x, y, radius, 0.012)
        draw_disc(glints, x - 0.4 * radius, y - 0.4 * radius, 0.25 * radius)
    weight = np.minimum(0.3 * weights(rings, size) + 0.85 * weights(glints, size), 0.9)
    return blend(picture, GLINT, weight)


def _draw_frame(picture: Field, rng: np.random.Generator) -> Field:
    """Darken all that lies outside the dermatoscope's round opening."""
    x, y = coordinates(len(picture))
    shift = rng.uniform(-0.05, 0.05, 2).astype(np.float32)
    radius = rng.uniform(1.0, 1.18)
    return blend(picture, RIM, smoothstep(np.hypot(x - shift[0], y - shift[1]), radius, radius + 0.05))
