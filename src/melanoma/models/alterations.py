"""Known changes of what a model is shown: parts of the picture, no metadata, and what leaves the lesion what it is.

All are made of the square that the model sees, after it was read and resized.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

CENTRE = 0.8
"""Side of the central square, as a share of the picture's: what is cut out of it, or made black in it."""
STEP = 1.25
"""Factor of brightness and of contrast, and by which the other way they are divided."""
QUALITY = 50
"""Of the JPEG that a picture goes through, with colours at half the resolution."""

Change = Callable[[Tensor], Tensor]
"""Turns uint8 RGB pictures (B, 3, S, S) into as many of the same shape and type."""


@dataclass(frozen=True)
class Alteration:
    """A change of the pictures, and whether site, sex and age stay known."""

    change: Change
    keeps_metadata: bool = True


def centre_only(image: Tensor) -> Tensor:
    """Cut the central square out and resize it to the whole."""
    inner = image[..., _inner(image), _inner(image)].float()
    resized = functional.interpolate(inner, size=image.shape[2:], mode="bilinear", align_corners=False)
    return resized.round().clamp(0, 255).to(torch.uint8)


def centre_black(image: Tensor) -> Tensor:
    """Make the central square black."""
    image = image.clone()
    image[..., _inner(image), _inner(image)] = 0
    return image


def brightness(factor: float) -> Change:
    """Multiply each pixel; what gets too bright is white."""
    return lambda image: (image.float() * factor).round().clamp(0, 255).to(torch.uint8)


def contrast(factor: float) -> Change:
    """Multiply each pixel's distance from the picture's mean of all pixels and colours."""

    def change(image: Tensor) -> Tensor:
        pixels = image.float()
        mean = pixels.mean((1, 2, 3), keepdim=True)
        return (mean + factor * (pixels - mean)).round().clamp(0, 255).to(torch.uint8)

    return change


def jpeg(image: Tensor) -> Tensor:
    """Write each picture as a JPEG and read it again; on the CPU."""
    pictures = image.permute(0, 2, 3, 1).cpu().numpy()
    flags = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    # The codec takes the channels for blue, green and red.
    coded = [cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), flags)[1] for picture in pictures]
    decoded = np.stack([np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), dtype=np.uint8) for data in coded])
    return torch.from_numpy(decoded).permute(0, 3, 1, 2).to(image.device)


def _turned(quarters: int) -> Change:
    return lambda image: torch.rot90(image, quarters, (2, 3))


def _mirrored(side: int) -> Change:
    return lambda image: image.flip(side)


def _same(image: Tensor) -> Tensor:
    return image


UNALTERED = "the images as they are"
CENTRE_ONLY, BORDER, NO_METADATA = "the centre only", "the centre blacked out", "no metadata"
BARE_BORDER = "the centre blacked out, no metadata"
PARTS: dict[str, Alteration] = {
    CENTRE_ONLY: Alteration(centre_only),
    BORDER: Alteration(centre_black),
    NO_METADATA: Alteration(_same, keeps_metadata=False),
    BARE_BORDER: Alteration(centre_black, keeps_metadata=False),
}
"""What is left of an image; of what the model can rank by it, one asks."""
INVARIANCES: dict[str, Alteration] = {
    "turned by 90 degrees": Alteration(_turned(1)),
    "turned by 180 degrees": Alteration(_turned(2)),
    "turned by 270 degrees": Alteration(_turned(3)),
    "mirrored left to right": Alteration(_mirrored(3)),
    "mirrored top to bottom": Alteration(_mirrored(2)),
    "brighter": Alteration(brightness(STEP)),
    "darker": Alteration(brightness(1 / STEP)),
    "more contrast": Alteration(contrast(STEP)),
    "less contrast": Alteration(contrast(1 / STEP)),
    f"JPEG of quality {QUALITY}": Alteration(jpeg),
}
"""What leaves the diagnosis what it is, and so should leave the call."""
ALTERATIONS: dict[str, Alteration] = {UNALTERED: Alteration(_same), **PARTS, **INVARIANCES}


class Altered(nn.Module):
    """A model's logits under each of `ALTERATIONS`; one after the other, so that memory stays that of one."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B, k), in the order of `ALTERATIONS`."""
        known = (site, sex, age)
        unknown = (torch.zeros_like(site), torch.zeros_like(sex), torch.full_like(age, torch.nan))
        logits = [
            self.model(one.change(image), *(known if one.keeps_metadata else unknown)).float()
            for one in ALTERATIONS.values()
        ]
        return torch.stack(logits, dim=1)


def _inner(image: Tensor) -> slice:
    """Give the rows, or columns, of the central square."""
    side = image.shape[-1]
    margin = round(side * (1 - CENTRE) / 2)
    return slice(margin, side - margin)
