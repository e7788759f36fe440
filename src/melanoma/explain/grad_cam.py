"""Grad-CAM (Selvaraju et al. 2017, Grad-CAM: Visual explanations from deep networks, section 3)."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from melanoma.data.dataset import Batch
from melanoma.errors import ConfigError
from melanoma.models.backbone import Backbone


def grad_cam(model: nn.Module, batch: Batch, malignant: Tensor) -> Tensor:
    """Give for each cell of the feature map how much it speaks for the call, (B, H', W') from 0 to 1.

    `malignant` (B,) says which call is explained: malignant, or benign. Of two backbones, the maps are added as what
    they make of the logit. An image in which nothing speaks for the call gets zeros.

    Raises:
        ConfigError: if the backbone has no feature map to read.
    """
    backbones = [module for module in model.modules() if isinstance(module, Backbone)]
    layers = [_layer(backbone) for backbone in backbones]
    kept: dict[nn.Module, Tensor] = {}
    hooks = [layer.register_forward_hook(_keep(kept)) for layer in layers]
    try:
        with torch.enable_grad():
            logits = model(batch["image"], batch["site"], batch["sex"], batch["age"]).float()
            towards = torch.where(malignant, logits, -logits).sum()
            features = [kept[layer] for layer in layers]
            gradients = torch.autograd.grad(towards, features)
    finally:
        for hook in hooks:
            hook.remove()
    maps = [_weigh(*parts) for parts in zip(backbones, features, gradients, strict=True)]
    return _scale(_add(maps).relu())


def _layer(backbone: Backbone) -> nn.Module:
    """Choose the module whose output is the last that has places and bears on the logit."""
    net: Any = backbone.net  # nn.Module does not know of the attributes of timm's networks
    if getattr(net, "global_pool", None) != "token":
        return backbone
    # After the last block, only the class token is read; before it, every place still speaks through its attention.
    if not (hasattr(net, "blocks") and hasattr(net.blocks[-1], "norm1")):
        raise ConfigError(f"explain=grad_cam knows no feature map in {backbone.name}; leave explain out")
    layer: nn.Module = net.blocks[-1].norm1
    return layer


def _keep(kept: dict[nn.Module, Tensor]) -> Any:
    """Make a hook that has the logit computed from a feature map on, so that frozen weights do not matter."""

    def hook(module: nn.Module, _: Any, output: Tensor) -> Tensor:
        kept[module] = output.detach().requires_grad_()
        return kept[module]

    return hook


def _weigh(backbone: Backbone, features: Tensor, gradient: Tensor) -> Tensor:
    """Give the channels' sum, each weighed by its mean gradient, (B, H', W'), as what a whole image of it would add."""
    cells, slopes = backbone.cells(features.detach()).float(), backbone.cells(gradient).float()
    summed = (cells * slopes.mean(1, keepdim=True)).sum(2) * cells.shape[1]
    return summed.view(len(summed), math.isqrt(summed.shape[1]), -1)


def _add(maps: list[Tensor]) -> Tensor:
    side = max(one.shape[-1] for one in maps)
    resized = [
        nn.functional.interpolate(one[:, None], size=(side, side), mode="bilinear", align_corners=False)[:, 0]
        for one in maps
    ]
    return torch.stack(resized).sum(0)


def _scale(maps: Tensor) -> Tensor:
    most = maps.amax((1, 2), keepdim=True)
    return maps / torch.where(most > 0, most, 1)
