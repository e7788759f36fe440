import math

import pandas as pd
import pytest
import torch

from melanoma.errors import DataError
from melanoma.training.loss import make_loss, positive_weight


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
