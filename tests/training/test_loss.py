import math

import pandas as pd
import pytest
import torch

from melanoma.errors import DataError
from melanoma.training.loss import effective_prior, make_loss, positive_weight


def test_a_positive_weighs_as_many_negatives_as_there_are():
    assert positive_weight(pd.Series([1, 0, 0, 0], dtype="Int64")) == 3.0


@pytest.mark.parametrize("target", [[0, 0], [1, 1], []])
def test_one_class_in_training_is_refused(target):
    with pytest.raises(DataError, match="both are needed"):
        positive_weight(pd.Series(target, dtype="Int64"))


def test_the_loss_by_hand():
    loss = make_loss(3.0, torch.device("cpu"))(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))
    by_hand = (3 * math.log(2) + math.log(1 + math.e)) / 2
    assert float(loss) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize(
    ("prior", "balance", "weight", "expected"),
    [
        (0.0176, "none", 1.0, 0.0176),
        (0.0176, "sampler", 1.0, 0.5),
        (0.25, "weighted_loss", 3.0, 0.5),
        (0.1, "weighted_loss", 1.0, 0.1),
        (0.1, "weighted_loss", 3.0, 0.25),
    ],
)
def test_the_prevalence_that_is_taught(prior, balance, weight, expected):
    assert effective_prior(prior, balance, weight) == pytest.approx(expected, rel=1e-12)


def test_the_best_constant_under_a_weighted_loss_is_the_effective_prior():
    target = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0])
    taught = effective_prior(0.2, "weighted_loss", 2.0)
    logits = torch.logit(torch.tensor([taught - 0.01, taught, taught + 0.01]))
    losses = [float(make_loss(2.0, torch.device("cpu"))(logit.expand(5), target)) for logit in logits]
    assert min(losses) == losses[1]


def test_the_correction_gives_back_the_true_probability():
    # Of 1000 lesions 20 are malignant; a sign is seen in half of those and in a tenth of the others.
    true = 0.02 * 0.5 / (0.02 * 0.5 + 0.98 * 0.1)
    learnt = 0.5 * 0.5 / (0.5 * 0.5 + 0.5 * 0.1)
    shift = math.log(0.02 / 0.98) - math.log(effective_prior(0.02, "sampler", 1.0) / 0.5)
    corrected = 1 / (1 + math.exp(-(math.log(learnt / (1 - learnt)) + shift)))
    assert corrected == pytest.approx(true, rel=1e-12)
