"""A heat map laid over its picture."""

import hashlib
import re
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray

from melanoma.durable import replace_bytes

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
    return bytes(cv2.imencode(".png", picture[..., ::-1])[1])


def write_overlay(folder: Path, image_name: str, picture: Picture, heat: NDArray[np.float32]) -> None:
    """Write the picture, and beside it the same with its heat, as one PNG named after the image."""
    replace_bytes(folder / f"{file_stem(image_name)}.png", to_png(np.hstack([picture, draw_overlay(picture, heat)])))


def file_stem(image_name: str) -> str:
    """Make a file's name of an image's: the same where that is plain, else with what tells it from others."""
    plain = re.sub(r"[^\w.-]", "_", image_name)[:100]
    return plain if plain == image_name else f"{plain}-{hashlib.sha256(image_name.encode()).hexdigest()[:8]}"
