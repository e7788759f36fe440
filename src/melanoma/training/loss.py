"""Weighted binary cross-entropy."""

import pandas as pd
import torch
from torch import nn

from melanoma.errors import DataError


def positive_weight(target: pd.Series) -> float:
    """Give the training split's negatives per positive.

    Raises:
        DataError: if it holds one class only, for then no weight is finite and nothing can be learnt.
    """
    positives = int(target.sum())
    negatives = len(target) - positives
    if positives == 0 or negatives == 0:
        raise DataError(
            f"the training split holds {positives} positive and {negatives} negative images; both are needed. "
            "Check data.labels and the splits"
        )
    return negatives / positives


def make_loss(pos_weight: float, device: torch.device) -> nn.BCEWithLogitsLoss:
    """Make the mean over a batch of w * y * -log p + (1 - y) * -log(1 - p), w = `pos_weight`."""
    return nn.BCEWithLogitsLoss(pos_weight=torch.tensor(pos_weight, device=device))
