"""The optimiser, and which rates and decays it has for which weights."""

from typing import Any, Protocol, runtime_checkable

from torch import nn
from torch.optim import Adam

from melanoma.config import TrainingConfig


@runtime_checkable
class _Grouped(Protocol):
    def parameter_groups(self, weight_decay: float, layer_decay: float) -> list[dict[str, Any]]:
        """Give groups of `params` with a `weight_decay`, and as `lr_scale` their share of the learning rate."""
        ...


def make_optimizer(model: nn.Module, config: TrainingConfig) -> Adam:
    """Make Adam over all parameters that are not frozen."""
    beta1, beta2 = config.betas
    return Adam(parameter_groups(model, config), lr=config.lr, betas=(beta1, beta2), fused=config.fused)


def parameter_groups(model: nn.Module, config: TrainingConfig) -> list[dict[str, Any]]:
    """Group the parameters that are not frozen by learning rate and weight decay, the config's own values first.

    A module that has rules for its parameters tells them by a method of this name.
    """
    special = [
        group
        for module in model.modules()
        if isinstance(module, _Grouped)
        for group in module.parameter_groups(config.weight_decay, config.layer_decay)
    ]
    taken = {parameter for group in special for parameter in group["params"]}
    rest = [parameter for parameter in model.parameters() if parameter not in taken]
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    met: set[nn.Parameter] = set()
    for group in [{"params": rest, "lr_scale": 1.0, "weight_decay": config.weight_decay}, *special]:
        # Two modules may share one: it learns by the rules of the first.
        trained = [parameter for parameter in group["params"] if parameter.requires_grad and parameter not in met]
        met.update(trained)
        groups.setdefault((group["lr_scale"], group["weight_decay"]), []).extend(trained)
    return [
        {"params": parameters, "lr": scale * config.lr, "weight_decay": weight_decay}
        for (scale, weight_decay), parameters in groups.items()
        if parameters
    ]
