"""A model's buffers, batch statistics above all, as they were."""

import torch
from torch import Tensor, nn


class Kept:
    """A copy of a model's buffers, to go back to."""

    def __init__(self, model: nn.Module) -> None:
        groups: dict[torch.dtype, list[Tensor]] = {}
        for buffer in model.buffers():
            groups.setdefault(buffer.dtype, []).append(buffer)
        self._groups = [(buffers, [buffer.clone() for buffer in buffers]) for buffers in groups.values()]

    def keep(self) -> None:
        """Note how they are."""
        for buffers, kept in self._groups:
            torch._foreach_copy_(kept, buffers)  # in one launch, where a copy each would take hundreds

    def restore(self) -> None:
        """Put them back."""
        for buffers, kept in self._groups:
            torch._foreach_copy_(buffers, kept)
