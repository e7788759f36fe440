"""The site-specific variant: a shared head, and for each body site a branch that corrects it."""

from typing import Any

import torch
from torch import Tensor, nn

from melanoma.config.model import SiteSpecificConfig
from melanoma.models.backbone import Backbone
from melanoma.models.classifier import zero_linear
from melanoma.vocabulary import SITES


class SiteSpecific(nn.Module):
    """Every image takes the shared head, and the correction of its own site's branch."""

    def __init__(self, config: SiteSpecificConfig, image_size: int) -> None:
        super().__init__()
        self.backbone = Backbone(config, image_size)
        self.dropout = nn.Dropout(config.drop_rate)
        self.classifier = zero_linear(self.backbone.channels)
        self.branches = SiteBranches(self.backbone.channels, config.branch_width, config.branch_weight_decay)
        self.site_dropout = config.site_dropout

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give logits (B,) for uint8 images (B, 3, S, S) and site codes (B,), 0 = unknown."""
        if self.training:
            site = site.masked_fill(torch.rand(site.shape, device=site.device) < self.site_dropout, 0)
        features = self.dropout(self.backbone.pool(self.backbone(image)))
        shared: Tensor = self.classifier(features).squeeze(1)
        correction: Tensor = self.branches(features, site)
        return shared.float() + correction


class SiteBranches(nn.Module):
    """Two layers a site, which add to a logit.

    The second starts at zero and gets no gradient from images of other sites, so a site that was never met corrects
    by exactly 0. Its own weight decay acts on every step, and the gradient only on those that meet the site: the
    smaller a site's share of the images, the nearer it stays to the shared head, as in a hierarchical model with
    partial pooling.
    """

    def __init__(self, channels: int, width: int, weight_decay: float) -> None:
        super().__init__()
        self.weight_decay = weight_decay
        self.hidden = nn.Linear(channels, len(SITES) * width)
        self.out = nn.Parameter(torch.zeros(len(SITES), width))
        self.bias = nn.Parameter(torch.zeros(len(SITES)))

    def forward(self, features: Tensor, site: Tensor) -> Tensor:
        """Give the correction (B,) for features (B, channels); 0 where the site is unknown."""
        hidden = nn.functional.gelu(self.hidden(features)).view(-1, *self.out.shape)
        # All branches for all images: few enough numbers that picking afterwards is the quickest.
        corrections = (hidden * self.out).sum(2) + self.bias
        with_unknown = nn.functional.pad(corrections.float(), (1, 0))
        return with_unknown.gather(1, site[:, None]).squeeze(1)

    def parameter_groups(self, weight_decay: float, layer_decay: float) -> list[dict[str, Any]]:
        """Put all parameters under the branches' own weight decay."""
        return [{"params": list(self.parameters()), "lr_scale": 1.0, "weight_decay": self.weight_decay}]
