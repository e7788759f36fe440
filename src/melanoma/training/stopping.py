"""When to stop."""

from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Watches a score that should rise; stops after `patience` epochs without a better one."""

    patience: int
    best: float | None = None
    epochs_without_gain: int = 0

    def update(self, score: float) -> bool:
        """Take an epoch's score; tell whether it is the best so far."""
        improved = self.best is None or score > self.best
        if improved:
            self.best = score
        self.epochs_without_gain = 0 if improved else self.epochs_without_gain + 1
        return improved

    @property
    def should_stop(self) -> bool:
        """Tell whether patience has run out."""
        return self.epochs_without_gain >= self.patience
