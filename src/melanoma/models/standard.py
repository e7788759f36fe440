"""The standard variant: one image, one backbone, one linear classifier; metadata beside the image if asked for."""

import torch
from torch import Tensor, nn

from melanoma.config.model import StandardConfig
from melanoma.models.backbone import Backbone
from melanoma.models.classifier import zero_linear
from melanoma.models.metadata import MetadataFeatures, drop_metadata

METADATA_WIDTH = 32


class Standard(nn.Module):
    """Backbone, pooling, dropout, linear.

    Metadata join the pooled features before the classifier, which is linear: they shift the logit of an image, and
    cannot change what is looked for in it.
    """

    def __init__(self, config: StandardConfig, image_size: int) -> None:
        super().__init__()
        self.backbone = Backbone(config, image_size)
        self.metadata = MetadataFeatures(config.metadata, METADATA_WIDTH) if config.metadata else None
        self.metadata_dropout = config.metadata_dropout
        self.dropout = nn.Dropout(config.drop_rate)
        self.classifier = zero_linear(self.backbone.channels + (METADATA_WIDTH if config.metadata else 0))

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B,) for uint8 images (B, 3, S, S)."""
        features = self.backbone.pool(self.backbone(image))
        if self.metadata is not None:
            if self.training:
                site, sex, age = drop_metadata(site, sex, age, self.metadata_dropout)
            features = torch.cat([features, self.metadata(site, sex, age)], dim=1)
        logits: Tensor = self.classifier(self.dropout(features))
        return logits.squeeze(1).float()
