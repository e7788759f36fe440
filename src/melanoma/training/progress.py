"""How far a run has come."""

from dataclasses import dataclass, field
from typing import Any

from melanoma.errors import DivergedError


@dataclass
class Progress:
    """Where a run is, and what the epoch that is going on has given so far: plain values, to go on from."""

    epoch: int = 1
    """The one that is going on, from 1."""
    steps: int = 0
    """Optimiser steps that it has taken, or skipped."""
    images: int = 0
    """That its steps have learnt from."""
    loss: float = 0.0
    """Sum over those images."""
    skipped: int = 0
    """Steps of this epoch that were skipped, as loss or gradient was not finite."""
    skipped_in_row: int = 0
    """Steps skipped since the last one that was not, in this epoch or before."""
    training_seconds: float = 0.0
    seconds: float = 0.0
    """With validation."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """A row an epoch."""
    best_epoch: int | None = None

    def add(self, loss: float | None, images: int) -> None:
        """Count a step and its mean loss, None if it was skipped."""
        self.steps += 1
        if loss is None:
            self.skipped += 1
            self.skipped_in_row += 1
        else:
            self.loss += loss * images
            self.images += images
            self.skipped_in_row = 0

    def check(self, most: int) -> None:
        """Raise DivergedError if `most` steps in a row were skipped."""
        if self.skipped_in_row >= most:
            raise DivergedError(
                f"loss or gradient was not finite in {self.skipped_in_row} steps in a row, up to step {self.steps} of "
                f"epoch {self.epoch}; try a lower training.lr, training.clip_norm=1 or training.precision=fp32. "
                "Checkpoints saved before are intact"
            )

    def end_epoch(self, row: dict[str, Any], improved: bool) -> None:
        """Turn to the next epoch."""
        self.history.append(row)
        if improved:
            self.best_epoch = self.epoch
        self.epoch += 1
        self.steps = self.images = self.skipped = 0
        self.loss = self.training_seconds = self.seconds = 0.0

    @property
    def mean_loss(self) -> float | None:
        """Of this epoch; None before its first step."""
        return self.loss / self.images if self.images else None
