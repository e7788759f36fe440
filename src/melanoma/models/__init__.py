"""Batch -> logits; `MODELS` names the variants as the config does."""

from collections.abc import Callable

from torch import nn

from melanoma.config import ModelConfig
from melanoma.errors import ConfigError
from melanoma.models.standard import Standard
from melanoma.schema import near

MODELS: dict[str, Callable[[ModelConfig, int], nn.Module]] = {"standard": Standard}


def build_model(config: ModelConfig, image_size: int) -> nn.Module:
    """Build the variant that the config names, for images of `image_size` pixels a side.

    Raises:
        ConfigError: listing the known variants.
    """
    if config.name not in MODELS:
        raise ConfigError(f"model.name={config.name}: no such model; {near(config.name, MODELS)}")
    return MODELS[config.name](config, image_size)
