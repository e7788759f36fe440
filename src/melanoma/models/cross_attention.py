"""The cross-attention variant: sex, age and site ask, the cells of the feature map answer."""

import math
from typing import cast

from torch import Tensor, nn

from melanoma.config.model import CrossAttentionConfig
from melanoma.models.attention import Block, Cells
from melanoma.models.backbone import Backbone
from melanoma.models.classifier import zero_linear
from melanoma.models.metadata import MetadataTokens, drop_metadata

FIELDS = ["sex", "age", "site"]


class CrossAttention(nn.Module):
    """Every image takes the shared head, and a correction by each known field.

    A field's value is a query that reads the feature map, and says by a second vector what the reading counts: a
    product of both, so that one feature may mean different things on different sites. An unknown field is masked.
    """

    def __init__(self, config: CrossAttentionConfig, image_size: int) -> None:
        super().__init__()
        self.backbone = Backbone(config, image_size, pooled=False)
        self.dropout = nn.Dropout(config.drop_rate)
        self.classifier = zero_linear(self.backbone.channels)
        self.cells, self.norm_cells = Cells(self.backbone.channels, config.width), nn.LayerNorm(config.width)
        self.queries = MetadataTokens(FIELDS, config.width)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        self.counts = MetadataTokens(FIELDS, config.width)
        for parameter in self.counts.parameters():
            nn.init.zeros_(parameter)
        self.metadata_dropout = config.metadata_dropout

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B,) for uint8 images (B, 3, S, S) and metadata as in a batch."""
        if self.training:
            site, sex, age = drop_metadata(site, sex, age, self.metadata_dropout)
        cells = self.backbone.tokens(image)
        shared: Tensor = self.classifier(self.dropout(cells.mean(1)))
        return shared.squeeze(1).float() + self._correct(cells, site, sex, age)

    def attention_map(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give the share that each cell has in what the known fields read in the last block, (B, H', W').

        1 in all for each image, and 0 where nothing is known. It tells of the fields' corrections alone: the shared
        head takes all cells alike.
        """
        keys = self.norm_cells(self.cells(self.backbone.tokens(image)))
        read, known = self.queries(site, sex, age), self.queries.known(site, sex, age)
        for block in self.blocks[:-1]:
            read = block(read, keys)
        last = cast(Block, self.blocks[-1])
        weights = (last.weights(read, keys) * known[:, :, None]).sum(1) / known.sum(1, keepdim=True).clamp(min=1)
        return weights.view(len(weights), math.isqrt(weights.shape[1]), -1)

    def _correct(self, cells: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give what the known fields add to each logit, (B,)."""
        keys = self.norm_cells(self.cells(cells))
        read = self.queries(site, sex, age)
        for block in self.blocks:
            read = block(read, keys)
        each: Tensor = (self.dropout(self.norm(read)) * self.counts(site, sex, age)).float().sum(2)
        return each.masked_fill(~self.queries.known(site, sex, age), 0).sum(1)
