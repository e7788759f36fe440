"""Blocks of attention over the cells of a feature map."""

import math

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Attention, then a gated network, each added to its input (Xiong et al. 2020, figure 1b; Shazeer 2020, GLU)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_attention, self.norm_network = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.network = nn.Sequential(nn.Linear(width, 4 * width), nn.GLU(), nn.Linear(2 * width, width))

    def forward(self, queries: Tensor, keys: Tensor | None = None) -> Tensor:
        """Let `queries` (B, Q, width) attend to `keys` (B, K, width), or to each other."""
        normal = self.norm_attention(queries)
        queries = queries + self.attention(normal, normal if keys is None else keys)
        change: Tensor = self.network(self.norm_network(queries))
        return queries + change

    def weights(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Give the share that each key has in what a query reads, (B, Q, K), 1 in all for each query."""
        return self.attention.weights(self.norm_attention(queries), keys)


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, section 3.2)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Give (B, Q, width)."""
        key, value = (self._split(part) for part in self.key_value(keys).chunk(2, dim=-1))
        read = nn.functional.scaled_dot_product_attention(self._split(self.query(queries)), key, value)
        mixed: Tensor = self.out(read.transpose(1, 2).flatten(2))
        return mixed

    def weights(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Give what `forward` weighs the keys by, as a mean over heads, (B, Q, K)."""
        query, key = self._split(self.query(queries)), self._split(self.key_value(keys).chunk(2, dim=-1)[0])
        return torch.softmax((query @ key.transpose(2, 3)).float() / math.sqrt(key.shape[3]), dim=3).mean(1)

    def _split(self, rows: Tensor) -> Tensor:
        """Turn (B, N, width) into (B, heads, N, width / heads)."""
        return rows.view(*rows.shape[:2], self.heads, -1).transpose(1, 2)


class Cells(nn.Module):
    """Bring a backbone's cells to the width of the blocks, and tell each where it lies."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.norm, self.project = nn.LayerNorm(channels), nn.Linear(channels, width)

    def forward(self, cells: Tensor) -> Tensor:
        """Turn (B, H * H, channels) into (B, H * H, width)."""
        side = math.isqrt(cells.shape[1])
        projected: Tensor = self.project(self.norm(cells))
        return projected + positions(side, side, projected.shape[2], cells.device)


def positions(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Give sines and cosines of each cell's relative place, (height * width, channels), row by row.

    Places run from 0 to 1 whatever the size, so a map of another size means the same by them. After Vaswani et al.
    2017, section 3.5, a quarter of the channels for each of sine and cosine, across and down; the frequencies are
    from half a wave to 32 waves a side.
    """
    frequencies = math.pi * 2 ** torch.linspace(0, 6, channels // 4, device=device)
    across, down = ((torch.arange(count, device=device) + 0.5) / count for count in (width, height))
    down, across = (axis.flatten()[:, None] * frequencies for axis in torch.meshgrid(down, across, indexing="ij"))
    return torch.cat([across.sin(), across.cos(), down.sin(), down.cos()], dim=1)
