"""Batch -> logits; `MODELS` names the variants as the config does."""

from collections.abc import Callable
from typing import Any

from torch import nn

from melanoma.config import ModelConfig
from melanoma.models.cross_attention import CrossAttention
from melanoma.models.multi_scale import MultiScale
from melanoma.models.self_attention import SelfAttention
from melanoma.models.site_specific import SiteSpecific
from melanoma.models.standard import Standard

# Any, as each takes the config class of its own name.
MODELS: dict[str, Callable[[Any, int], nn.Module]] = {
    "standard": Standard,
    "multi_scale": MultiScale,
    "site_specific": SiteSpecific,
    "self_attention": SelfAttention,
    "cross_attention": CrossAttention,
}


def build_model(config: ModelConfig, image_size: int) -> nn.Module:
    """Build the variant that the config names, for images of `image_size` pixels a side.

    Raises:
        ConfigError: if the variant, or its backbone, cannot be had with these options.
    """
    return MODELS[config.name](config, image_size)
