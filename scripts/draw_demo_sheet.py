"""Draw a sheet of demo pictures, each with its class below it."""

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from melanoma.config import DemoConfig
from melanoma.data.demo import draw_cases, draw_picture

COLUMNS, ROWS = 6, 4
SIDE, GAP, CAPTION = 200, 6, 18


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/demo.png"), help="PNG to write")
    parser.add_argument("--seed", type=int, default=3, help="seed of the demo data set")
    options = parser.parse_args()
    sheet = draw_sheet(options.seed) & 0xFC | 2  # a smaller file: most of it is the noise of the sensor
    options.out.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(".png", sheet[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    options.out.write_bytes(encoded.tobytes())


def draw_sheet(seed: int) -> NDArray[np.uint8]:
    """Draw the first cases of a data set with as many malignant as benign lesions, RGB."""
    config = DemoConfig(
        seed=seed,
        patients=COLUMNS * ROWS,
        images_per_patient=1,
        image_size=SIDE,
        prevalence=0.5,
        noise=0.3,
        site_effect=False,
        texture_effect=False,
    )
    cases = draw_cases(config)
    # The checkerboard is a test signal that no photograph has, and it makes the PNG much larger.
    cells = [draw_cell(case) for case in cases.assign(fine_texture=0).to_dict("records")]
    rows = [np.hstack(cells[start : start + COLUMNS]) for start in range(0, COLUMNS * ROWS, COLUMNS)]
    return np.vstack(rows)


def draw_cell(case: dict[Any, Any]) -> NDArray[np.uint8]:
    """Draw one picture with its caption and the gap around both."""
    cell = np.full((SIDE + CAPTION + GAP, SIDE + GAP, 3), 255, dtype=np.uint8)
    cell[GAP // 2 : GAP // 2 + SIDE, GAP // 2 : GAP // 2 + SIDE] = draw_picture(case, SIDE)
    origin = (GAP // 2 + 2, SIDE + CAPTION - 1)
    cv2.putText(cell, case["benign_malignant"], origin, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (70, 70, 70), 1, cv2.LINE_AA)
    return cell


if __name__ == "__main__":
    main()
