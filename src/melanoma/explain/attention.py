"""What a model says itself of how it weighs the cells of the feature map."""

from typing import Any

import torch
from torch import Tensor, nn

from melanoma.data.dataset import Batch
from melanoma.errors import ConfigError
from melanoma.models import MODELS

READABLE = [name for name, variant in MODELS.items() if hasattr(variant, "attention_map")]
"""The variants that have a map to read."""


def require_attention(name: str) -> None:
    """Refuse a variant that has no map.

    Raises:
        ConfigError: naming those that have one.
    """
    if name not in READABLE:
        raise ConfigError(
            f"explain=attention needs a checkpoint of model={' or '.join(READABLE)}; this one is {name}: use "
            "explain=grad_cam"
        )


def attention(model: nn.Module, batch: Batch, malignant: Tensor) -> Tensor:
    """Give each cell's weight over the largest one, (B, H', W'), whatever the call; zeros where nothing attends."""
    readable: Any = model  # nn.Module does not know of the method
    with torch.no_grad():
        weights: Tensor = readable.attention_map(batch["image"], batch["site"], batch["sex"], batch["age"])
    most = weights.amax((1, 2), keepdim=True)
    return weights / torch.where(most > 0, most, 1)
