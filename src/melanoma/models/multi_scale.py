"""The multi-scale variant: the image and its half, through two branches."""

from typing import cast

import torch
from torch import Tensor, nn

from melanoma.config.model import MultiScaleConfig
from melanoma.errors import ConfigError
from melanoma.models.backbone import Backbone
from melanoma.models.classifier import zero_linear

SHRINK = {"both": (1, 2), "full": (1,), "half": (2,)}
"""By how much each branch's image is smaller than the one it is given."""


class MultiScale(nn.Module):
    """Details from the full image, context from its half, which is averaged from it here.

    Raises:
        ConfigError: if the image cannot be halved.
    """

    def __init__(self, config: MultiScaleConfig, image_size: int) -> None:
        super().__init__()
        if image_size % 2:
            raise ConfigError(f"model=multi_scale halves the image: training.image_size={image_size} must be even")
        self.shrink = SHRINK[config.scales]
        backbones = [Backbone(config, image_size // shrink) for shrink in self.shrink]
        if config.shared_weights:
            for backbone in backbones[1:]:
                share_weights(backbones[0], backbone)
        self.backbones = nn.ModuleList(backbones)
        channels = backbones[0].channels
        gated = config.fusion == "gated" and len(self.shrink) > 1
        self.gate = nn.Linear(2 * channels, channels) if gated else None
        self.dropout = nn.Dropout(config.drop_rate)
        self.classifier = zero_linear(channels if gated else channels * len(self.shrink))

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B,) for uint8 images (B, 3, S, S)."""
        features = [self._read(image, branch) for branch in range(len(self.shrink))]
        logits: Tensor = self.classifier(self.dropout(self._fuse(features)))
        return logits.squeeze(1).float()

    def _read(self, image: Tensor, branch: int) -> Tensor:
        backbone = cast(Backbone, self.backbones[branch])
        if self.shrink[branch] > 1:
            image = nn.functional.avg_pool2d(image.float(), self.shrink[branch])
        return backbone.pool(backbone(image))

    def _fuse(self, features: list[Tensor]) -> Tensor:
        together = torch.cat(features, dim=1)
        if self.gate is None:
            return together
        share = torch.sigmoid(self.gate(together))
        return share * features[0] + (1 - share) * features[1]


def share_weights(first: nn.Module, second: nn.Module) -> None:
    """Make the weights of `first` those of `second` too.

    Batch norms stay apart, as an image's half has other statistics (Xie et al. 2020, Adversarial examples improve
    image recognition, section 4), and so do weights whose shape depends on the image's size, such as positions.
    """
    for name, module in second.named_modules():
        if not isinstance(module, nn.modules.batchnorm._BatchNorm):
            model = first.get_submodule(name)
            for key, weight in module.named_parameters(recurse=False):
                if weight.shape == getattr(model, key).shape:
                    setattr(module, key, getattr(model, key))
