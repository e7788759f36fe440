import copy

import pytest
import torch
from torch import nn

from melanoma.compute import choose_compute
from melanoma.data.loader import make_loader
from melanoma.data.table import open_data
from melanoma.distributed import Ranks
from melanoma.training.trainee import make_trainee as make


class Tiny(nn.Module):
    """Learns from the mean colour alone."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, image, site, sex, age):
        return self.linear(image.float().mean((2, 3)) / 255).squeeze(1)


@pytest.fixture
def make_trainee(train_config):
    """Put a model together with what changes it, under further options."""

    def make_one(*options, model=None, steps=3):
        config = train_config("training.lr=0.1", "training.early_stopping_patience=2", *options)
        torch.manual_seed(0)
        model = Tiny() if model is None else copy.deepcopy(model)
        return make(model, config, 2.0, choose_compute("cpu", "fp32", True), Ranks(), steps)

    return make_one


@pytest.fixture
def trainee(make_trainee):
    return make_trainee()


@pytest.fixture
def loaders(train_config):
    """48 images to learn from, in three batches, and 32 to validate."""
    config = train_config()
    table, reader = open_data(config.data, config.reader, None)
    return [
        make_loader(part, reader, config, learn=learn, workers=0, pin_memory=False)
        for part, learn in ((table[:48], True), (table[48:80], False))
    ]
