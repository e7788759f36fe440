"""The standard variant: one image, one backbone, one linear classifier."""

from torch import Tensor, nn

from melanoma.config import ModelConfig
from melanoma.models.backbone import Backbone


class Standard(nn.Module):
    """Backbone, pooling, dropout, linear; takes the metadata that every variant takes, and ignores it."""

    def __init__(self, config: ModelConfig, image_size: int) -> None:
        super().__init__()
        self.backbone = Backbone(config, image_size)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = zero_linear(self.backbone.channels)

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B,) for uint8 images (B, 3, S, S)."""
        pooled = self.backbone.pool(self.backbone(image))
        logits: Tensor = self.classifier(self.dropout(pooled))
        return logits.squeeze(1).float()


def zero_linear(channels: int) -> nn.Linear:
    """Make a classifier that starts at logit 0 for every image.

    Random weights would first have to be unlearnt, at the cost of the pretrained features.
    """
    linear = nn.Linear(channels, 1)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
