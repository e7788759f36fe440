"""A model and a few images -> heat maps, and what says whether to believe them, in reading order."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm import tqdm

from melanoma.compute import Compute
from melanoma.config import ChecksConfig
from melanoma.data.dataset import Batch
from melanoma.explain.deletion import Removal, measure_removal
from melanoma.explain.heat_maps import DIRECTED, cells_of, spread
from melanoma.explain.randomisation import measure_dependence
from melanoma.explain.shares import Shares, shares


@dataclass(frozen=True)
class HeatMap:
    """The map of one image, and its figures."""

    heat: Tensor
    """(S, S) from 0 to 1; all 0 where nothing speaks for the call, or nothing attends."""
    malignant: bool
    """The call made."""
    cells: int
    """A side, of the feature map; what is finer is interpolated."""
    shares: Shares
    removal: Removal | None
    """None without heat."""
    dependence: dict[str, float | None]
    """By level of `melanoma.explain.randomisation`, the rank correlation with maps of random weights."""


def explain(
    method: str,
    model: nn.Module,
    batch: Batch,
    malignant: Sequence[bool],
    compute: Compute,
    checks: ChecksConfig,
    seed: int,
) -> list[HeatMap]:
    """Explain the call made on each image of the batch, `malignant` or benign, with a placed model.

    Raises:
        ConfigError: if the model cannot be explained so.
    """
    generator = torch.Generator().manual_seed(seed)
    # Attention weighs places whatever they speak for, so the score that it is held against is always the same.
    explained = torch.tensor([method not in DIRECTED or call for call in malignant])
    cells = cells_of(method, model, batch, compute, explained)
    dependence = measure_dependence(
        method, model, batch, cells, explained, compute, draws=checks.draws, generator=generator
    )
    maps = []
    heat = spread(cells, batch["image"].shape[-1])
    for row in tqdm(range(len(explained)), desc="explaining", unit=" images", leave=False, disable=None):
        removal = None
        if cells[row].any():
            alone = {name: values[row : row + 1] for name, values in batch.items()}
            removal = measure_removal(
                model,
                alone,
                cells[row],
                bool(explained[row]),
                compute,
                orders=checks.orders,
                steps=checks.steps,
                generator=generator,
            )
        own = {level: values[row] for level, values in dependence.items()}
        maps.append(HeatMap(heat[row], malignant[row], cells.shape[1], shares(heat[row], cells.shape[1]), removal, own))
    return maps
