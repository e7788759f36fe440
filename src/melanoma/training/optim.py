"""Optimiser and schedule."""

from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import ReduceLROnPlateau

from melanoma.config import TrainingConfig


def make_optimizer(model: nn.Module, config: TrainingConfig) -> Adam:
    """Make Adam over all parameters; fused, as one pass over them beats many small ones."""
    beta1, beta2 = config.betas
    return Adam(model.parameters(), lr=config.lr, betas=(beta1, beta2), weight_decay=config.weight_decay, fused=True)


def make_schedule(optimizer: Adam, config: TrainingConfig) -> ReduceLROnPlateau:
    """Lower the learning rate when the score that it is stepped with stops rising."""
    return ReduceLROnPlateau(optimizer, mode="max", factor=config.plateau_factor, patience=config.plateau_patience)
