"""The self-attention variant: the cells of the feature map attend to each other to agree on what each counts."""

import math

import torch
from torch import Tensor, nn

from melanoma.config.model import SelfAttentionConfig
from melanoma.models.attention import Block, Cells
from melanoma.models.backbone import Backbone
from melanoma.models.classifier import zero_linear


class SelfAttention(nn.Module):
    """Transformer blocks over the feature map weigh its cells, and the weighted mean is classified.

    The logit is thus the weighted mean of what the classifier makes of each cell, and the weights can be read as a
    map (Ilse, Tomczak and Welling 2018, Attention-based deep multiple instance learning). They start alike.
    """

    def __init__(self, config: SelfAttentionConfig, image_size: int) -> None:
        super().__init__()
        self.backbone = Backbone(config, image_size, pooled=False)
        self.cells = Cells(self.backbone.channels, config.width)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        # Without biases, which would raise all scores alike, and so change no weight.
        self.norm, self.score = nn.LayerNorm(config.width, bias=False), zero_linear(config.width, bias=False)
        self.dropout = nn.Dropout(config.drop_rate)
        self.classifier = zero_linear(self.backbone.channels)

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B,) for uint8 images (B, 3, S, S)."""
        cells = self.backbone.tokens(image)
        pooled = (self._weights(cells)[:, :, None] * cells).sum(1)
        logits: Tensor = self.classifier(self.dropout(pooled))
        return logits.squeeze(1).float()

    def attention_map(self, image: Tensor, *_: Tensor) -> Tensor:
        """Give the share that each cell has in the pooled features, (B, H', W'), 1 in all for each image."""
        weights = self._weights(self.backbone.tokens(image))
        return weights.view(len(weights), math.isqrt(weights.shape[1]), -1)

    def _weights(self, cells: Tensor) -> Tensor:
        tokens = self.cells(cells)
        for block in self.blocks:
            tokens = block(tokens)
        return torch.softmax(self.score(self.norm(tokens)).squeeze(2).float(), dim=1)
