"""The last layer of every variant."""

from torch import nn


def zero_linear(channels: int, *, bias: bool = True) -> nn.Linear:
    """Make a classifier that starts at logit 0 for every image.

    Random weights would first have to be unlearnt, at the cost of the pretrained features.
    """
    linear = nn.Linear(channels, 1, bias=bias)
    for parameter in linear.parameters():
        nn.init.zeros_(parameter)
    return linear
