"""Whether the score depends on the hot places more than on random ones.

Petsiuk, Das and Saenko 2018, RISE: Randomized input sampling for explanation of black-box models, section 4.3.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from melanoma.compute import Compute
from melanoma.data.dataset import Batch
from melanoma.explain.heat_maps import spread
from melanoma.prediction import forward

AT_ONCE = 8
"""Images that are scored together."""
BLUR = 4
"""Cells a side that an insertion starts from."""
_TIE = 1e-6


@dataclass(frozen=True)
class Removal:
    """Areas under the score of the call over the share of pixels, 0 to 1, of a map and as a mean of random ones."""

    deletion: float
    """Pixels take the image's mean colour, the hottest first; the lower, the more the score needs them."""
    deletion_random: float
    insertion: float
    """Pixels return to a blurred image, the hottest first; the higher, the more they suffice."""
    insertion_random: float


def measure_removal(
    model: nn.Module,
    batch: Batch,
    cells: Tensor,
    malignant: bool,
    compute: Compute,
    *,
    orders: int,
    steps: int,
    generator: torch.Generator,
) -> Removal:
    """Compare a map with `orders` random ones as coarse as it, of an image alone in its batch.

    `cells` (H', W') is its heat. The score is the probability of the call, malignant or benign, before calibration.
    """
    side = batch["image"].shape[-1]
    random = [torch.rand(cells.shape, generator=generator) for _ in range(orders + 1)]
    # Where a map has no heat at all, a random one decides, as rows from top to bottom would not be chance.
    candidates = [cells + _TIE * random[0], *random[1:]]
    areas = []
    for heat in spread(torch.stack(candidates), side):
        images = torch.cat([*removals(batch["image"], heat, steps)])
        curve = _scores(model, batch, images, malignant, compute).view(2, steps + 1)
        areas.append(torch.trapezoid(curve, dx=1 / steps))
    (deletion, insertion), by_chance = areas[0].tolist(), torch.stack(areas[1:]).mean(0).tolist()
    return Removal(deletion, by_chance[0], insertion, by_chance[1])


def removals(image: Tensor, heat: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Give an image (1, 3, S, S) as it loses its pixels, and as they return, (steps + 1, 3, S, S) float each."""
    whole, side = image.float(), image.shape[-1]
    blank = whole.mean((2, 3), keepdim=True)
    small = nn.functional.adaptive_avg_pool2d(whole, min(BLUR, side))
    blurred = nn.functional.interpolate(small, size=(side, side), mode="bilinear", align_corners=False)
    rank = torch.empty(side * side, dtype=torch.long)
    rank[heat.flatten().argsort(descending=True)] = torch.arange(side * side)
    share = (rank.view(1, 1, side, side) + 0.5) / side**2
    taken = share < (torch.arange(steps + 1) / steps).view(-1, 1, 1, 1)
    return torch.where(taken, blank, whole), torch.where(taken, whole, blurred)


def _scores(model: nn.Module, batch: Batch, images: Tensor, malignant: bool, compute: Compute) -> Tensor:
    """Give the probability of the call for each image, with the metadata of the one in the batch."""
    parts = []
    with torch.inference_mode():
        for some in torch.split(images, AT_ONCE):
            known = {name: batch[name].expand(len(some)) for name in ("site", "sex", "age")}
            parts.append(forward(model, compute.move({"image": some, **known}), compute).cpu())
    logits = torch.cat(parts)
    return torch.sigmoid(logits if malignant else -logits).double()
