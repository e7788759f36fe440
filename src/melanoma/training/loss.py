"""Weighted binary cross-entropy, and the prevalence that it teaches."""

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


def effective_prior(prior: float, balance: str, pos_weight: float) -> float:
    """Give the prevalence that a model is taught where the training split's is `prior` and training.balance `balance`.

    A loss that weighs positives by w teaches w * prior / (w * prior + 1 - prior), a sampler that draws both classes
    alike one half, and neither changes anything else of p(image | class). Where the prevalence is `true`, Bayes' rule
    therefore gives logit(p_true) = logit(p) + logit(true) - logit(effective): Elkan 2001, The foundations of
    cost-sensitive learning, theorem 2; Saerens, Latinne and Decaestecker 2002, Adjusting the outputs of a classifier
    to new a priori probabilities, equation 2.4.
    """
    if balance == "sampler":
        return 0.5
    weight = pos_weight if balance == "weighted_loss" else 1.0
    return weight * prior / (weight * prior + 1 - prior)
