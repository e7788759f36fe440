"""Whether a map depends on what the model has learnt.

Adebayo et al. 2018, Sanity checks for saliency maps, section 3: the cascading randomisation, from the last layers on.
"""

import copy

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from melanoma.compute import Compute
from melanoma.data.dataset import Batch
from melanoma.explain.heat_maps import cells_of, spread
from melanoma.models.backbone import Backbone

LEVELS = {"head": 0.0, "half": 0.5, "all": 1.0}
"""The share of the backbone's layers, from its last one, that is drawn anew with all that follows the backbone."""

Similarities = dict[str, list[float | None]]
"""By level, one for each image; None where its map is the same everywhere."""


def measure_dependence(
    method: str,
    model: nn.Module,
    batch: Batch,
    cells: Tensor,
    malignant: Tensor,
    compute: Compute,
    *,
    draws: int,
    generator: torch.Generator,
) -> Similarities:
    """Give the rank correlation of each map with that of the same model with random weights, as a mean over draws."""
    side = batch["image"].shape[-1]
    maps = spread(cells, side).numpy()
    found: Similarities = {}
    for level, share in LEVELS.items():
        others = []
        for _ in range(draws):
            random = randomised(model, share, generator)
            others.append(spread(cells_of(method, random, batch, compute, malignant), side).numpy())
        found[level] = [_mean_correlation(one, [other[row] for other in others]) for row, one in enumerate(maps)]
    return found


def randomised(model: nn.Module, share: float, generator: torch.Generator) -> nn.Module:
    """Copy a model, and draw the weights of what follows the backbone and of its last layers anew.

    Matrices and kernels get normal values of their own mean square, so that signals keep their size; vectors, such as
    biases and the gains of norms, are shuffled.
    """
    random = copy.deepcopy(model)
    backbones = [module for module in random.modules() if isinstance(module, Backbone)]
    layers = [list(backbone.parameters()) for backbone in backbones]
    inside = {id(one) for backbone in layers for one in backbone}
    chosen = [one for one in random.parameters() if id(one) not in inside]
    chosen += [one for backbone in layers for one in backbone[len(backbone) - round(share * len(backbone)) :]]
    with torch.no_grad():
        for weight in {id(one): one for one in chosen}.values():
            if weight.ndim > 1:
                size = weight.float().square().mean().sqrt().cpu()
                weight.copy_(torch.randn(weight.shape, generator=generator) * size)
            else:
                order = torch.randperm(weight.numel(), generator=generator)
                weight.copy_(weight.cpu().flatten()[order].view(weight.shape))
    return random


def rank_correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float | None:
    """Give Spearman's, of two maps; None where one of them is the same everywhere."""
    ranks = pd.DataFrame({"one": one.ravel(), "other": other.ravel()}).rank().to_numpy()
    if (ranks.std(axis=0) == 0).any():
        return None
    return float(np.corrcoef(ranks.T)[0, 1])


def _mean_correlation(one: NDArray[np.float32], others: list[NDArray[np.float32]]) -> float | None:
    """Take the mean over draws, where a random map that is the same everywhere has nothing in common."""
    if one.min() == one.max():
        return None
    return float(np.mean([rank_correlation(one, other) or 0.0 for other in others]))
