"""Image -> the square the model sees, changed at random in training."""

import cv2
import numpy as np

from melanoma.config import AugmentConfig
from melanoma.data.augment import Augmentation, Image
from melanoma.data.resize import pad_square


class Transform:
    """Fits an image into a square and, where `augment` is given, changes it by a seed."""

    def __init__(self, size: int, fit: str, augment: AugmentConfig | None = None) -> None:
        self._size, self._fit = size, fit
        self._augment = None if augment is None else Augmentation(augment)

    @property
    def least(self) -> int:
        """How far an image may be reduced before it comes here: no side below this many pixels.

        With `pad` the long side alone fills the square, and an oblong image could come smaller; but only its size
        tells by how much, and to ask for that is to open the file twice. So this is enough for every fit.
        """
        return self._size

    def __call__(self, image: Image, seed: int = 0) -> Image:
        """Turn RGB (H, W, 3) into (S, S, 3); the same seed gives the same picture."""
        square = fit_square(image, self._size, self._fit)
        return square if self._augment is None else self._augment(square, seed)


def fit_square(image: Image, size: int, fit: str) -> Image:
    """Resize to (size, size, 3): `squash` both sides, `crop` the centre, or `pad` the short side with black."""
    height, width = image.shape[:2]
    if fit == "pad":
        # Resized before it is padded: a strip of 20,000 pixels would become a square of 400 million.
        scale = size / max(height, width)
        return pad_square(_resize(image, max(1, round(width * scale)), max(1, round(height * scale))), size)
    if fit == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        image = image[top : top + side, left : left + side]
    return _resize(image, size, size)


def _resize(image: Image, width: int, height: int) -> Image:
    # Below half size LINEAR would skip pixels and alias; above, it sees them all at a fifth of AREA's time.
    shrinks = image.shape[0] > 2 * height or image.shape[1] > 2 * width
    mode = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=mode), dtype=np.uint8)
