"""Image -> the square the model sees, changed at random in training; albumentations stays behind this door."""

import os
import random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from melanoma.config import AugmentConfig

# Its import asks the network for a newer version, which hangs in hospitals without one.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
import albumentations as A  # noqa: N812

Image = NDArray[np.uint8]


class Transform:
    """Fits an image into a square and, where `augment` is given, changes it by a seed."""

    def __init__(self, size: int, fit: str, augment: AugmentConfig | None = None) -> None:
        self._size, self._fit = size, fit
        self._augment = None if augment is None else A.Compose(_steps(augment))

    def __call__(self, image: Image, seed: int = 0) -> Image:
        """Turn RGB (H, W, 3) into (S, S, 3); the same seed gives the same picture."""
        square = fit_square(image, self._size, self._fit)
        if self._augment is None:
            return square
        # albumentations' own worker seeds repeat every epoch; a seed a sample does not. Its set_random_seed would
        # start every step alike, so that a picture is flipped both ways or not at all.
        self._augment.set_random_state(np.random.default_rng(seed), random.Random(seed))  # noqa: S311
        return np.asarray(self._augment(image=square)["image"], dtype=np.uint8)


def fit_square(image: Image, size: int, fit: str) -> Image:
    """Resize to (size, size, 3): `squash` both sides, `crop` the centre, or `pad` the short side with black."""
    height, width = image.shape[:2]
    if fit == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        image = image[top : top + side, left : left + side]
    elif fit == "pad":
        side = max(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        image = np.asarray(
            cv2.copyMakeBorder(
                image,
                top,
                side - height - top,
                left,
                side - width - left,
                cv2.BORDER_CONSTANT,
                value=(0, 0, 0),
            ),
            dtype=np.uint8,
        )
    # Below half size LINEAR would skip pixels and alias; above, it sees them all at a fifth of AREA's time.
    mode = cv2.INTER_AREA if min(image.shape[:2]) > 2 * size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size, size), interpolation=mode), dtype=np.uint8)


def _steps(config: AugmentConfig) -> list[Any]:
    steps: list[Any] = []
    if config.flips and config.quarter_turns:
        steps.append(A.D4(p=1.0))
    elif config.flips:
        steps += [A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)]
    elif config.quarter_turns:
        steps.append(A.RandomRotate90(p=0.75))
    if config.rotate_degrees or config.scale:
        steps.append(_affine(config))
    if config.brightness or config.contrast or config.saturation or config.hue:
        steps.append(_colour(config))
    return steps


def _affine(config: AugmentConfig) -> Any:
    return A.Affine(
        rotate=(-config.rotate_degrees, config.rotate_degrees),
        scale=(1 - config.scale, 1 + config.scale),
        border_mode=cv2.BORDER_REFLECT_101,
        p=config.probability,
    )


def _colour(config: AugmentConfig) -> Any:
    return A.ColorJitter(
        brightness=(1 - config.brightness, 1 + config.brightness),
        contrast=(1 - config.contrast, 1 + config.contrast),
        saturation=(1 - config.saturation, 1 + config.saturation),
        hue=(-config.hue, config.hue),
        p=config.probability,
    )
