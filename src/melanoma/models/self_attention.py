"""The self-attention variant: the cells of the feature map attend to each other, and are pooled by attention."""

import math

import torch
from torch import Tensor, nn

from melanoma.config.model import SelfAttentionConfig
from melanoma.models.attention import Block, Cells
from melanoma.models.backbone import Backbone
from melanoma.models.classifier import zero_linear


class SelfAttention(nn.Module):
    """Transformer blocks over the feature map; what each cell counts in the end can be read as a map."""

    def __init__(self, config: SelfAttentionConfig, image_size: int) -> None:
        super().__init__()
        self.backbone = Backbone(config, image_size, pooled=False)
        self.cells = Cells(self.backbone.channels, config.width)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        self.score = nn.Linear(config.width, 1)
        self.dropout = nn.Dropout(config.drop_rate)
        self.classifier = zero_linear(config.width)

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B,) for uint8 images (B, 3, S, S)."""
        cells = self._attend(image)
        pooled = (self._weights(cells)[:, :, None] * cells).sum(1)
        logits: Tensor = self.classifier(self.dropout(pooled))
        return logits.squeeze(1).float()

    def attention_map(self, image: Tensor) -> Tensor:
        """Give the share that each cell has in the pooled features, (B, H', W'), 1 in all for each image."""
        weights = self._weights(self._attend(image))
        return weights.view(len(weights), math.isqrt(weights.shape[1]), -1)

    def _attend(self, image: Tensor) -> Tensor:
        cells = self.cells(self.backbone.tokens(image))
        for block in self.blocks:
            cells = block(cells)
        normal: Tensor = self.norm(cells)
        return normal

    def _weights(self, cells: Tensor) -> Tensor:
        return torch.softmax(self.score(cells).squeeze(2).float(), dim=1)
