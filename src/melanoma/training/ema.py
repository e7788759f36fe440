"""An average of the weights over the last steps, which is often better than the last weights."""

from timm.utils.model_ema import ModelEmaV3
from torch import nn


class Ema(ModelEmaV3):
    """The average as a model, `module`; at first a copy of the model itself.

    It forgets quicker at first (`use_warmup`), so that the first weights do not stay in it for thousands of steps.
    Batch statistics are copied, not averaged: timm would average over the state dict, which names shared weights
    twice, as multi_scale's, and so move them twice a step.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, decay=decay, use_warmup=True, exclude_buffers=True)
