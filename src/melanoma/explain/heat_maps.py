"""A method's name -> heat maps, as large as the images."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from melanoma.compute import Compute
from melanoma.data.dataset import Batch
from melanoma.explain.attention import attention, require_attention
from melanoma.explain.grad_cam import grad_cam

METHODS: dict[str, Callable[[nn.Module, Batch, Tensor], Tensor]] = {"grad_cam": grad_cam, "attention": attention}
"""As the config's `explain` names them."""
DIRECTED = ("grad_cam",)
"""The methods whose maps depend on the call that they explain."""


def require_method(method: str, variant: str) -> None:
    """Refuse a method that a variant does not have.

    Raises:
        ConfigError: naming the variants that have it.
    """
    if method == "attention":
        require_attention(variant)


def maps_of(method: str, model: nn.Module, batch: Batch, compute: Compute, malignant: Tensor) -> Tensor:
    """Give the heat over each pixel of each image, (B, S, S) from 0 to 1, on the CPU.

    `malignant` (B,) says of each image which call the map is to explain. A map without any heat is all zeros.

    Raises:
        ConfigError: if the model cannot be explained so.
    """
    return spread(cells_of(method, model, batch, compute, malignant), batch["image"].shape[-1])


def cells_of(method: str, model: nn.Module, batch: Batch, compute: Compute, malignant: Tensor) -> Tensor:
    """Give the heat of each cell of the feature map, (B, H', W'), as `maps_of` does before it spreads it.

    One image after the other, so that memory is that of one; in full precision, as half of it loses small gradients.
    """
    model.eval()
    moved, called = compute.move(batch), malignant.to(compute.device)
    alone = [{name: values[row : row + 1] for name, values in moved.items()} for row in range(len(called))]
    maps = [METHODS[method](model, one, called[row : row + 1]) for row, one in enumerate(alone)]
    return torch.cat(maps).cpu()


def spread(cells: Tensor, side: int) -> Tensor:
    """Spread the heat of cells (B, H', W') over pixels (B, side, side)."""
    return nn.functional.interpolate(cells[:, None], size=(side, side), mode="bilinear", align_corners=False)[:, 0]
