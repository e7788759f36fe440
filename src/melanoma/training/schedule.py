"""The learning rate over the run."""

import math
from typing import Any, Protocol

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from melanoma.config import TrainingConfig


class Schedule(Protocol):
    """Sets the learning rate of every parameter group."""

    def before_step(self, epoch: int, step: int) -> None:
        """Set it for a step, both counted from 1 and 0."""
        ...

    def after_epoch(self, score: float) -> None:
        """Take the score, which should rise."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Give plain values."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from them."""
        ...


class Plateau:
    """Lowers the rate when the score stops rising."""

    def __init__(self, optimizer: Optimizer, config: TrainingConfig, _steps: int) -> None:
        self._schedule = ReduceLROnPlateau(
            optimizer, mode="max", factor=config.plateau_factor, patience=config.plateau_patience
        )

    def before_step(self, epoch: int, step: int) -> None:
        """Do nothing: an epoch has one rate."""

    def after_epoch(self, score: float) -> None:
        """Multiply the rate by the factor once patience has run out."""
        self._schedule.step(score)

    def state_dict(self) -> dict[str, Any]:
        """Give plain values."""
        state: dict[str, Any] = self._schedule.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from them."""
        self._schedule.load_state_dict(state)


class Cosine:
    """Rises over the warm-up, then falls by half a cosine (Loshchilov and Hutter 2017, SGDR, equation 5, one cycle).

    The rate follows from the step alone, so there is nothing to save.
    """

    def __init__(self, optimizer: Optimizer, config: TrainingConfig, steps: int) -> None:
        self._optimizer, self._steps = optimizer, steps
        self._warmup, self._total = config.warmup_epochs * steps, config.epochs * steps
        self._least = config.min_lr_fraction
        self._rates = [group["lr"] for group in optimizer.param_groups]

    def before_step(self, epoch: int, step: int) -> None:
        """Set the rate of this step."""
        share = self.share((epoch - 1) * self._steps + step)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share

    def share(self, step: int) -> float:
        """Give the share of the full rate at a step of the run, counted from 0."""
        if step < self._warmup:
            return min(1.0, (step + 1) / self._warmup)
        done = min(1.0, (step - self._warmup) / max(1.0, self._total - self._warmup))
        return self._least + (1 - self._least) * (1 + math.cos(math.pi * done)) / 2

    def after_epoch(self, score: float) -> None:
        """Do nothing: the score does not matter."""

    def state_dict(self) -> dict[str, Any]:
        """Give nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take nothing."""


SCHEDULES: dict[str, type[Plateau] | type[Cosine]] = {"plateau": Plateau, "cosine": Cosine}


def make_schedule(optimizer: Optimizer, config: TrainingConfig, steps: int) -> Schedule:
    """Make the schedule that the config names, for epochs of so many `steps`."""
    return SCHEDULES[config.schedule](optimizer, config, steps)
