"""Pairs of pictures side by side, for a person to judge."""

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma.data.readers import Reader
from melanoma.errors import ImageError

MOST_PAIRS = 20
TILE = 256
"""Side of a picture's square, in pixels."""
_COLUMNS, _GAP, _LINE = 2, 16, 20
_INK = (51, 51, 51)

Canvas = NDArray[np.uint8]


def draw_contact_sheet(pairs: pd.DataFrame, reader: Reader, path: Path) -> None:
    """Draw the closest of the pairs, with names, splits and distance, as a PNG.

    Args:
        pairs: The rows to draw, with the columns of `melanoma.data.leaks.COLUMNS`.
        reader: Opens the images; one that cannot be read is a blank square.
        path: The PNG.
    """
    closest = pairs.sort_values("distance", kind="stable").head(MOST_PAIRS)
    cells = [_cell(pair, reader) for pair in closest.to_dict("records")]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % _COLUMNS)
    lines = [np.hstack(cells[start : start + _COLUMNS]) for start in range(0, len(cells), _COLUMNS)]
    encoded = cv2.imencode(".png", np.vstack(lines))[1]
    temporary = path.with_suffix(".png.tmp")
    temporary.write_bytes(encoded.tobytes())
    os.replace(temporary, path)


def _cell(pair: dict[Hashable, Any], reader: Reader) -> Canvas:
    """Draw one pair: what is said of it, and below it the two pictures."""
    cell = np.full((TILE + 3 * _LINE + 2 * _GAP, 2 * TILE + 3 * _GAP, 3), 255, np.uint8)
    distance = pair["distance"]
    _write(cell, "identical" if pair["kind"] == "bytes" else f"{distance} of 64 bits differ", _GAP, 0)
    for place, number in enumerate((1, 2)):
        name, left = str(pair[f"image_name_{number}"]), _GAP + place * (TILE + _GAP)
        _write(cell, name, left, 1)
        _write(cell, str(pair[f"split_{number}"]), left, 2)
        top = _GAP + 3 * _LINE
        cell[top : top + TILE, left : left + TILE] = _tile(name, reader)
    return cell


def _write(cell: Canvas, text: str, left: int, line: int) -> None:
    """Write into a picture's width; what the font lacks becomes a question mark, what is too long an ellipsis."""
    text = text.encode("ascii", "replace").decode()
    size = cv2.FONT_HERSHEY_SIMPLEX, 0.45
    while cv2.getTextSize(text, *size, 1)[0][0] > TILE:
        text = text.removesuffix("...")[:-1] + "..."
    cv2.putText(cell, text, (left, _GAP + line * _LINE), *size, _INK, 1, cv2.LINE_AA)


def _tile(name: str, reader: Reader) -> Canvas:
    """Fit the picture into a square, in OpenCV's order of colours."""
    tile = np.full((TILE, TILE, 3), 255, np.uint8)
    try:
        image = reader.read(name, least=TILE)
    except ImageError:
        return tile
    scale = TILE / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    shrunk = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    tile[:height, :width] = shrunk[..., ::-1]
    return tile
