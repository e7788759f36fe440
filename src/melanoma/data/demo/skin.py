"""The skin around a lesion, and the light on it."""

import numpy as np

from melanoma.data.demo.cases import Case
from melanoma.data.demo.fields import Field, coordinates, smooth_noise, smoothstep

TONES = np.array(
    [[234, 192, 178], [224, 178, 156], [208, 158, 130], [178, 126, 98], [140, 94, 70], [104, 68, 52]],
    dtype=np.float32,
)
"""RGB, from the lightest skin to the darkest."""


def draw_skin(case: Case, size: int, rng: np.random.Generator) -> Field:
    """Draw mottled skin with its fine furrows, RGB in grey levels."""
    mottling = 0.02 * smooth_noise(rng, 5, size) + 0.015 * smooth_noise(rng, 14, size)
    redness = 0.013 * smooth_noise(rng, 7, size)
    grain = 0.012 * smooth_noise(rng, 64, size)
    furrows = 0.022 * _furrows(size, rng)
    brightness = 1 + mottling + grain - furrows
    channels = np.stack([brightness + 0.5 * redness, brightness - redness, brightness - redness], axis=-1)
    return np.asarray(TONES[case.tone] * channels)


def light(picture: Field, rng: np.random.Generator) -> Field:
    """Light the picture from one side, a little darker towards the corners, in the lamp's own tint."""
    x, y = coordinates(picture.shape[0])
    slope = rng.uniform(-0.05, 0.05, 2).astype(np.float32)
    gain = rng.uniform(0.93, 1.06)
    tint = (gain * rng.uniform(0.97, 1.03, 3)).astype(np.float32)
    shade = 1 + slope[0] * x + slope[1] * y - np.float32(0.07) * (x * x + y * y)
    return np.asarray(picture * (shade[..., None] * tint))


def _furrows(size: int, rng: np.random.Generator) -> Field:
    """Draw thin lines that cross each other: where a smooth noise passes through zero."""
    lines = np.zeros((size, size), dtype=np.float32)
    for cells in (18, 26):
        lines += smoothstep(-np.abs(smooth_noise(rng, cells, size)), -0.35, 0)
    return lines
