"""Any timm network as a feature map: takes uint8, normalises inside.

timm takes longer to import than torch, so it is imported only once a network is to be built.
"""

import math
from pathlib import Path
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from melanoma.config import ModelConfig
from melanoma.errors import ConfigError
from melanoma.models.hub import go_offline_if_silent
from melanoma.schema import near

_EXAMPLES = ("tf_efficientnet_b4", "convnext_tiny", "resnet50", "mobilenetv2_100", "vit_small_patch16_224")

_WAYS_OUT = {
    "output_stride": "it cannot be dilated; use model.output_stride=null, or another network",
    "drop_path_rate": "it has no stochastic depth; use model.drop_path=0, or another network",
    "pooling": "it gives no feature map; use model=standard, or another network",
}
"""What to do where a network refuses an option, by a word of its refusal."""


class Backbone(nn.Module):
    """A timm network without its classifier: pooled features, or with `pooled=False` a feature map.

    Raises:
        ConfigError: if timm has no network of that name, it cannot do what is asked, or its weights cannot be had.
    """

    def __init__(self, config: ModelConfig, image_size: int, *, pooled: bool = True) -> None:
        super().__init__()
        # Any, as timm's networks have methods that nn.Module does not.
        net: Any = _create(config, image_size, pooled)
        self.net, self.name, self.frozen = net, config.backbone, config.freeze_backbone
        self.channels = int(getattr(net, "head_hidden_size", None) or net.num_features)
        mean, std = (torch.tensor(net.pretrained_cfg[key]) * 255 for key in ("mean", "std"))
        self.register_buffer("mean", mean.view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", std.view(1, 3, 1, 1), persistent=False)
        self.mean: Tensor
        self.std: Tensor
        self.train()

    def forward(self, image: Tensor) -> Tensor:
        """Turn RGB (B, 3, S, S), uint8 or float from 0 to 255, into timm's feature map of that network."""
        features: Tensor = self.net.forward_features((image.float() - self.mean) / self.std)
        return features

    def train(self, mode: bool = True) -> Self:
        """Follow `mode`, unless frozen: in training, norms of every kind would change their batch statistics."""
        return super().train(mode and not self.frozen)

    def pool(self, features: Tensor) -> Tensor:
        """Reduce the feature map to (B, channels) in the network's own way."""
        pooled: Tensor = self.net.forward_head(features, pre_logits=True)
        return pooled

    def tokens(self, image: Tensor) -> Tensor:
        """Give the cells of the feature map as `cells` does; needs `pooled=False`."""
        # Where pooling is off, the network's head still normalises, or widens, each cell.
        return self.cells(self.pool(self(image)))

    def cells(self, features: Tensor) -> Tensor:
        """Turn a feature map into its cells, (B, H * W, channels) row by row, without tokens that have no place.

        Raises:
            ConfigError: if it has no rows and columns.
        """
        if features.ndim == 3:
            cells = features[:, getattr(self.net, "num_prefix_tokens", 0) :]
            if math.isqrt(cells.shape[1]) ** 2 != cells.shape[1]:
                raise ConfigError(f"model.backbone={self.name} gives no square feature map; take another network")
            return cells
        channels_first = getattr(self.net, "output_fmt", "NCHW") == "NCHW"
        return features.flatten(2).transpose(1, 2) if channels_first else features.flatten(1, 2)

    def checkpoint_activations(self) -> None:
        """Compute activations again in the backward pass, instead of keeping them.

        Raises:
            ConfigError: if timm cannot do so with this network.
        """
        try:
            self.net.set_grad_checkpointing(True)
        except (AssertionError, AttributeError) as error:
            raise ConfigError(
                f"training.activation_checkpointing: timm cannot do so with {self.name}; use false, or another network"
            ) from error

    def parameter_groups(self, weight_decay: float, layer_decay: float) -> list[dict[str, Any]]:
        """Group the parameters by layer, with `lr_scale` the share of the learning rate that each has.

        It is `layer_decay` to the power of the distance from the last layer (Clark et al. 2020, ELECTRA, section 3.1).
        """
        from timm.optim._param_groups import param_groups_layer_decay

        groups: list[dict[str, Any]] = param_groups_layer_decay(
            self.net, weight_decay, layer_decay=layer_decay, weight_decay_exclude_1d=False
        )
        return groups


def checkpoint_activations(model: nn.Module) -> None:
    """Have all backbones of a model compute activations again; raises what `Backbone.checkpoint_activations` does."""
    for module in model.modules():
        if isinstance(module, Backbone):
            module.checkpoint_activations()


def share_batch_statistics(model: nn.Module) -> nn.Module:
    """Have batch norms see the batches of all processes; timm's way knows its norms with activations in them."""
    from timm import layers

    convert = cast(Any, layers).convert_sync_batchnorm
    shared: nn.Module = convert(model)
    return shared


def _create(config: ModelConfig, image_size: int, pooled: bool) -> nn.Module:
    import timm

    name = config.backbone
    if not timm.is_model(name):
        raise ConfigError(
            f"model.backbone={name}: timm has no such network; {near(name, timm.list_models(), _EXAMPLES)}"
        )
    pretrained = timm.get_pretrained_cfg(name)
    options = _options(config, image_size, fixed=pretrained is not None and pretrained.fixed_input_size)
    file = _existing(config.weights) if config.pretrained and config.weights is not None else None
    if file is None and config.pretrained:
        go_offline_if_silent()
    try:
        if file is not None:
            options |= _from_file(file, pretrained)
        net: Any = timm.create_model(name, pretrained=config.pretrained, **options)
        net.reset_classifier(0, *([] if pooled else [""]))
        net.requires_grad_(not config.freeze_backbone)
        for module in net.modules():
            if isinstance(module, nn.SiLU):
                module.inplace = False  # in place, the backward pass would need a copy of what it overwrites
    except Exception as error:  # timm, its hub client and its file readers raise many kinds
        raise ConfigError(_reason(config, error)) from error
    return cast(nn.Module, net)


def _options(config: ModelConfig, image_size: int, fixed: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"num_classes": 0}
    # Given only where asked for, as not every network takes them.
    if config.drop_path:
        options["drop_path_rate"] = config.drop_path
    if config.output_stride:
        options["output_stride"] = config.output_stride
    if fixed:
        options["img_size"] = image_size
    return options


def _from_file(path: Path, known: Any) -> dict[str, Any]:
    """Give the options that make timm load the file whole.

    Where a file has other classes than the network, timm leaves weights that the file lacks at random, unsaid.
    """
    from timm.models import load_state_dict

    saved = load_state_dict(str(path))
    heads = (known and known.classifier) or ()
    heads = (heads,) if isinstance(heads, str) else heads
    classes = next((len(saved[f"{head}.weight"]) for head in heads if f"{head}.weight" in saved), 0)
    overlay = {"file": str(path), "num_classes": classes, "label_offset": 0}
    return {"num_classes": classes, "pretrained_cfg_overlay": overlay}


def _existing(weights: str) -> Path:
    path = Path(weights)
    if not path.is_file():
        raise ConfigError(f"model.weights={weights}: no such file")
    if path.suffix not in (".safetensors", ".pth", ".pt", ".bin"):
        raise ConfigError(f"model.weights={weights}: expected a .safetensors or .pth file")
    return path


def _reason(config: ModelConfig, error: Exception) -> str:
    refusals = _WAYS_OUT if isinstance(error, TypeError | AssertionError) else {}
    ways_out = [f"; {way_out}" for word, way_out in refusals.items() if word in str(error)]
    if ways_out or not config.pretrained:
        return f"model.backbone={config.backbone} cannot be built: {_brief(error)}{''.join(ways_out)}"
    if config.weights is not None:
        return f"model.weights={config.weights} does not fit {config.backbone}: {_brief(error)}"
    return (
        f"the ImageNet weights of {config.backbone} could not be downloaded ({_brief(error)}). Without a network, "
        "give them as model.weights=FILE.safetensors, or start from random weights with model.pretrained=false"
    )


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
