"""Several views of each image, scored one by one: mirrored and turned ones, and crops of a larger picture."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from melanoma.errors import ConfigError

LARGEST = 8192
"""Pixels a side that an image may be read at, as `training.image_size` allows."""


def _turned(quarters: int, mirrored: bool) -> Callable[[Tensor], Tensor]:
    """Give a symmetry of the square: mirrored left to right or not, then turned by quarters."""
    return lambda image: torch.rot90(image.flip(3) if mirrored else image, quarters, (2, 3))


SYMMETRIES: dict[str, list[Callable[[Tensor], Tensor]]] = {
    "none": [_turned(0, False)],
    # Mirrored top to bottom is mirrored left to right and turned by half; both together are half a turn.
    "flip": [_turned(0, False), _turned(0, True), _turned(2, True), _turned(2, False)],
    "dihedral": [_turned(quarters, mirrored) for mirrored in (False, True) for quarters in range(4)],
}
"""By the name of `tta`; each turns (B, 3, S, S) into the same shape."""


class Views(nn.Module):
    """A model's mean logit over the views of an image; one view at a time, so that memory stays that of one."""

    def __init__(self, model: nn.Module, tta: str, crops: int, image_size: int) -> None:
        super().__init__()
        self.model, self._symmetries, self._crops, self._size = model, SYMMETRIES[tta], crops, image_size

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B,) for uint8 images (B, 3, R, R), of which the model sees squares of `image_size`."""
        logits = [self.model(view, site, sex, age).float() for view in self.views(image)]
        return torch.stack(logits).mean(0)

    def views(self, image: Tensor) -> Iterator[Tensor]:
        """Yield what the model sees, (B, 3, S, S) each."""
        for crop in _cut(image, self._size) if self._crops == 5 else [image]:
            for symmetry in self._symmetries:
                yield symmetry(crop)


def read_size(image_size: int, crops: int, crop_scale: float) -> int:
    """Give the side at which images are read, in pixels, so that a crop is `crop_scale` of it.

    Raises:
        ConfigError: if that is more than `LARGEST`.
    """
    size = round(image_size / crop_scale) if crops > 1 else image_size
    if size > LARGEST:
        raise ConfigError(
            f"crop_scale={crop_scale:g} reads images at {size} px for crops of {image_size} px; at most {LARGEST} are "
            "read: raise crop_scale"
        )
    return size


def view_count(tta: str, crops: int) -> int:
    """Count the views of an image."""
    return len(SYMMETRIES[tta]) * crops


def _cut(image: Tensor, size: int) -> Iterator[Tensor]:
    """Yield the four corners and the centre."""
    end = image.shape[-1] - size
    for top, left in ((0, 0), (0, end), (end, 0), (end, end), (end // 2, end // 2)):
        yield image[..., top : top + size, left : left + size]
