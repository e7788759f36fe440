"""How much of a map's heat lies in the middle of the image, and how much in its corners."""

from dataclasses import dataclass

import torch
from torch import Tensor

FEWEST_CELLS = 3
"""A side of a map; with two, each cell is a quarter, and every map has the shares of an even one."""


@dataclass(frozen=True)
class Shares:
    """Of all the heat; None where there is none, or the map is too coarse to tell."""

    centre: float | None
    corners: float | None


def shares(heat: Tensor, cells: int) -> Shares:
    """Measure a map (S, S) that was made of `cells` a side.

    The centre is the disc of half the radius of the largest that the image holds; the corners are what lies outside
    the largest, where dermoscopes leave a dark rim.
    """
    total = float(heat.double().sum())
    if not total or cells < FEWEST_CELLS:
        return Shares(None, None)
    centre, corners = _places(heat.shape[0])
    return Shares(*(float(heat.double()[place].sum()) / total for place in (centre, corners)))


def even_shares(side: int) -> Shares:
    """Give the shares of a map that is the same everywhere."""
    return shares(torch.ones(side, side), side)


def _places(side: int) -> tuple[Tensor, Tensor]:
    axis = (torch.arange(side) + 0.5) / side * 2 - 1
    radius = (axis[:, None].square() + axis.square()).sqrt()
    return radius <= 0.5, radius > 1
