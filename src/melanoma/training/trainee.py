"""A model with all that changes it."""

from dataclasses import dataclass, field

from torch import nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from melanoma.compute import Compute
from melanoma.config import TrainConfig
from melanoma.distributed import Ranks
from melanoma.training.buffers import Kept
from melanoma.training.ema import Ema
from melanoma.training.loss import make_loss
from melanoma.training.optim import make_optimizer
from melanoma.training.progress import Progress
from melanoma.training.schedule import Schedule, make_schedule
from melanoma.training.stopping import EarlyStopping


@dataclass
class Trainee:
    """A model with all that changes it, and how far it has come."""

    model: nn.Module
    loss: nn.Module
    optimizer: Optimizer
    schedule: Schedule
    scaler: GradScaler
    stopping: EarlyStopping
    compute: Compute
    ranks: Ranks
    ema: Ema | None
    image_size: int
    accumulate: int
    """Batches a step."""
    clip_norm: float | None
    max_skipped_steps: int
    activation_checkpointing: bool
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self.network = self.ranks.wrap(self.model)
        """What the forward pass goes through: the model, or what sums its gradients over the processes."""
        self.buffers_before, self.buffers_after = Kept(self.model), Kept(self.model)

    @property
    def result(self) -> nn.Module:
        """The model to validate and keep: the average of the weights, where there is one."""
        return self.ema.module if self.ema else self.model


def make_trainee(
    model: nn.Module, config: TrainConfig, pos_weight: float, compute: Compute, ranks: Ranks, steps: int
) -> Trainee:
    """Put a placed model together with the loss, optimiser and schedule that the config asks for.

    Args:
        model: On the device.
        config: Of the run.
        pos_weight: Weight of a positive in the loss.
        compute: Where the model is.
        ranks: The processes of the run.
        steps: Optimiser steps of an epoch.
    """
    training = config.training
    optimizer = make_optimizer(model, training)
    ema = None if training.ema_decay is None else Ema(model, training.ema_decay)
    if training.compile:
        model.compile()
    return Trainee(
        model=model,
        loss=make_loss(pos_weight, compute.device),
        optimizer=optimizer,
        schedule=make_schedule(optimizer, training, steps),
        scaler=compute.scaler(),
        stopping=EarlyStopping(training.early_stopping_patience),
        compute=compute,
        ranks=ranks,
        ema=ema,
        image_size=training.image_size,
        accumulate=training.accumulate,
        clip_norm=training.clip_norm,
        max_skipped_steps=training.max_skipped_steps,
        activation_checkpointing=training.activation_checkpointing,
    )
