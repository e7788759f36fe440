"""The cross-attention variant: sex, age and site ask, the cells of the feature map answer."""

import torch
from torch import Tensor, nn

from melanoma.config.model import CrossAttentionConfig
from melanoma.models.attention import Block, Cells
from melanoma.models.backbone import Backbone
from melanoma.models.classifier import zero_linear
from melanoma.models.metadata import MetadataTokens, drop_metadata

FIELDS = ["sex", "age", "site"]


class CrossAttention(nn.Module):
    """One learnt query, and one for each known field, read the feature map; what is unknown asks nothing."""

    def __init__(self, config: CrossAttentionConfig, image_size: int) -> None:
        super().__init__()
        self.backbone = Backbone(config, image_size, pooled=False)
        self.cells = Cells(self.backbone.channels, config.width)
        self.norm_cells = nn.LayerNorm(config.width)
        self.query = nn.Parameter(0.02 * torch.randn(config.width))
        self.metadata = MetadataTokens(FIELDS, config.width)
        self.metadata_dropout = config.metadata_dropout
        self.among = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        self.across = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.drop_rate)
        self.classifier = zero_linear(config.width)

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B,) for uint8 images (B, 3, S, S) and metadata as in a batch."""
        if self.training:
            site, sex, age = drop_metadata(site, sex, age, self.metadata_dropout)
        cells = self.norm_cells(self.cells(self.backbone.tokens(image)))
        queries = torch.cat([self.query.expand(len(image), 1, -1), self.metadata(site, sex, age)], dim=1)
        known = nn.functional.pad(self.metadata.known(site, sex, age), (1, 0), value=True)
        for among, across in zip(self.among, self.across, strict=True):
            queries = across(among(queries, mask=known), cells)
        logits: Tensor = self.classifier(self.dropout(_mean(self.norm(queries), known)))
        return logits.squeeze(1).float()


def _mean(queries: Tensor, known: Tensor) -> Tensor:
    weights = known[:, :, None].to(queries.dtype)
    return (weights * queries).sum(1) / weights.sum(1)
