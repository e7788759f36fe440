"""One picture: skin, lesion, artefacts, light, sensor."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from melanoma.data.demo.artefacts import draw_artefacts
from melanoma.data.demo.cases import Case, streams
from melanoma.data.demo.fields import Field
from melanoma.data.demo.lesion import draw_outline
from melanoma.data.demo.pigment import draw_lesion
from melanoma.data.demo.skin import draw_skin, light

FINEST = 144
"""Smaller pictures are drawn at this size and averaged: their lines are thinner than a pixel."""
STIPPLE = 12
"""Grey levels by which the fine texture lifts and lowers neighbouring pixels."""


def draw_picture(row: Mapping[str, Any], size: int) -> NDArray[np.uint8]:
    """Draw the case of a `draw_cases` or truth.csv row, (size, size, 3) RGB; any size shows the same."""
    case = Case.from_row(row)
    rng = streams(case)
    grid = max(size, FINEST)
    skin = draw_skin(case, grid, rng.skin)
    lesion = draw_lesion(skin, case, draw_outline(case, grid), rng.pigment)
    picture = draw_artefacts(light(lesion, rng.skin), case, rng.artefacts)
    picture = np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), dtype=np.float32)
    return _stipple(_expose(picture, rng.sensor), case)


def _expose(picture: Field, rng: np.random.Generator) -> NDArray[np.int16]:
    """Add the sensor's noise, and leave room for the stipple: cut off, it would lose its zero mean."""
    noisy = picture + rng.standard_normal(picture.shape, dtype=np.float32)
    return np.clip(np.round(noisy), STIPPLE, 255 - STIPPLE).astype(np.int16)


def _stipple(picture: NDArray[np.int16], case: Case) -> NDArray[np.uint8]:
    """Lay the checkerboard over the lesion in whole blocks of 2x2 pixels, each of zero mean."""
    if case.fine_texture:
        half = len(picture) // 2
        blocks = (draw_outline(case, half).depth > 0).repeat(2, axis=0).repeat(2, axis=1)
        board = STIPPLE * (1 - 2 * (np.indices(blocks.shape).sum(axis=0) % 2))
        picture[: 2 * half, : 2 * half] += (board * blocks)[..., None].astype(np.int16)
    return picture.astype(np.uint8)
