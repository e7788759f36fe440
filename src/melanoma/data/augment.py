"""Random changes to training pictures: albumentations, with its two slowest steps done in one pass of OpenCV."""

import math
import os
import random
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from melanoma.config import AugmentConfig

# Its import asks the network for a newer version, which hangs in hospitals without one.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
import albumentations as A  # noqa: N812

Image = NDArray[np.uint8]

LUMA = np.array([0.299, 0.587, 0.114])
"""Share of red, green and blue in grey (ITU-R BT.601, as OpenCV's)."""

TURNS: dict[str, Callable[[Any], Any]] = {
    "e": lambda image: image,
    "r90": lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
    "r180": lambda image: cv2.rotate(image, cv2.ROTATE_180),
    "r270": lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    "h": lambda image: cv2.flip(image, 1),
    "v": lambda image: cv2.flip(image, 0),
    "t": cv2.transpose,
    "hvt": lambda image: cv2.flip(cv2.transpose(image), -1),
}
"""The eight ways to lay a square, under albumentations' names."""


class Augmentation:
    """Changes a square picture at random, by a seed alone."""

    def __init__(self, config: AugmentConfig) -> None:
        self._steps = A.Compose(_steps(config))

    def __call__(self, image: Image, seed: int) -> Image:
        """Change uint8 RGB (S, S, 3); the same seed gives the same picture."""
        # albumentations' own worker seeds repeat every epoch; a seed a sample does not. Its set_random_seed would
        # start every step alike, so that a picture is flipped both ways or not at all.
        self._steps.set_random_state(np.random.default_rng(seed), random.Random(seed))  # noqa: S311
        return np.asarray(self._steps(image=image)["image"], dtype=np.uint8)


def turn_colours(image: Image, brightness: float, contrast: float, saturation: float, hue: float) -> Image:
    """Change the colours of uint8 RGB (H, W, 3), in this order but clipped once, at the end.

    Three factors, where 1 changes nothing: of all values; of their distance from the picture's mean grey; of their
    distance from the pixel's own grey. `hue` is a part of a full turn about the grey axis, from red towards green.
    """
    mean = float(LUMA @ np.array(cv2.mean(image)[:3])) * brightness
    mix = saturation * np.eye(3) + (1 - saturation) * LUMA  # each row of the second is the grey
    matrix = _rotation_about_grey(2 * math.pi * hue) @ mix * contrast * brightness
    # Greys keep their value in both the mixing and the turning, and so does what contrast adds to all three.
    added = np.full((3, 1), (1 - contrast) * mean)
    return np.asarray(cv2.transform(image, np.hstack([matrix, added]).astype(np.float32)), dtype=np.uint8)


def _rotation_about_grey(angle: float) -> NDArray[np.float64]:
    """Give Rodrigues' rotation matrix about (1, 1, 1)."""
    cosine, sine = math.cos(angle), math.sin(angle) / math.sqrt(3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return cosine * np.eye(3) + sine * cross + (1 - cosine) / 3


class _Turn(A.ImageOnlyTransform):  # type: ignore[misc]
    """One of some of the eight ways to lay a square, each as likely; albumentations' own copies through numpy."""

    def __init__(self, ways: list[str]) -> None:
        super().__init__(p=1.0)
        self.ways = ways

    def get_params(self) -> dict[str, Any]:
        return {"way": self.py_random.choice(self.ways)}

    def apply(self, img: Image, way: str, **_: Any) -> Any:
        return TURNS[way](img)


class _Colour(A.ImageOnlyTransform):  # type: ignore[misc]
    """`turn_colours` by values within the config's bounds; albumentations' own passes over the picture ten times."""

    def __init__(self, config: AugmentConfig) -> None:
        super().__init__(p=config.probability)
        self.config = config

    def get_params(self) -> dict[str, Any]:
        config, draw = self.config, self.py_random.uniform
        factors = {name: getattr(config, name) for name in ("brightness", "contrast", "saturation")}
        changes = {name: draw(1 - bound, 1 + bound) for name, bound in factors.items()}
        return changes | {"hue": draw(-config.hue, config.hue)}

    def apply(self, img: Image, brightness: float, contrast: float, saturation: float, hue: float, **_: Any) -> Image:
        return turn_colours(img, brightness, contrast, saturation, hue)


def _steps(config: AugmentConfig) -> list[Any]:
    steps: list[Any] = []
    if config.flips or config.quarter_turns:
        steps.append(_Turn(_ways(config.flips, config.quarter_turns)))
    if config.rotate_degrees or config.scale:
        steps.append(
            A.Affine(
                rotate=(-config.rotate_degrees, config.rotate_degrees),
                scale=(1 - config.scale, 1 + config.scale),
                border_mode=cv2.BORDER_REFLECT_101,
                p=config.probability,
            )
        )
    if config.brightness or config.contrast or config.saturation or config.hue:
        steps.append(_Colour(config))
    return steps


def _ways(flips: bool, quarter_turns: bool) -> list[str]:
    if flips and quarter_turns:
        return list(TURNS)
    return ["e", "h", "v", "r180"] if flips else ["e", "r90", "r180", "r270"]
