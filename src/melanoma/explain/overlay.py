"""A heat map laid over its picture."""

from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray

COLOURS = matplotlib.colormaps["viridis"]
"""Equal steps of heat look equal, also to the colour-blind; its yellow is none of skin's colours."""
STRONGEST = 0.65
"""How far the hottest place is covered; a cold one is not."""

Picture = NDArray[np.uint8]
"""RGB (H, W, 3)."""


def draw_overlay(picture: Picture, heat: NDArray[np.float32]) -> Picture:
    """Lay heat (S, S) from 0 to 1 over a square picture of any size."""
    grown = cv2.resize(heat.astype(np.float32), picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    cover = STRONGEST * np.clip(grown, 0, 1)[..., None]
    colours = COLOURS(np.clip(grown, 0, 1))[..., :3] * 255
    return np.asarray(np.rint((1 - cover) * picture + cover * colours), dtype=np.uint8)


def to_png(picture: Picture) -> bytes:
    """Give the bytes of a PNG file."""
    return bytes(cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])[1])


def write_overlay(path: Path, picture: Picture, heat: NDArray[np.float32]) -> None:
    """Write the picture, and beside it the same with its heat, as one PNG."""
    path.write_bytes(to_png(np.hstack([picture, draw_overlay(picture, heat)])))
