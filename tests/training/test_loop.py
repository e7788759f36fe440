import copy
import logging

import pandas as pd
import pytest
import torch
from torch import nn

from melanoma.compute import choose_compute
from melanoma.data.loader import make_loader
from melanoma.data.table import open_data
from melanoma.errors import DivergedError
from melanoma.training.loop import Trainee, fit, train_one_epoch, train_step, validate
from melanoma.training.loss import make_loss
from melanoma.training.optim import make_optimizer, make_schedule
from melanoma.training.stopping import EarlyStopping


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, image, site, sex, age):
        return self.linear(image.float().mean((2, 3)) / 255).squeeze(1)


@pytest.fixture
def config(train_config):
    return train_config("training.lr=0.1", "training.early_stopping_patience=2")


@pytest.fixture
def trainee(config):
    torch.manual_seed(0)
    compute, model = choose_compute("cpu", "fp32", True), Tiny()
    optimizer = make_optimizer(model, config.training)
    return Trainee(
        model=model,
        loss=make_loss(2.0, compute.device),
        optimizer=optimizer,
        schedule=make_schedule(optimizer, config.training),
        scaler=compute.scaler(),
        stopping=EarlyStopping(config.training.early_stopping_patience),
        compute=compute,
    )


@pytest.fixture
def loaders(config):
    table, reader = open_data(config.data, config.reader, None)
    return [
        make_loader(part, reader, config, learn=learn, workers=0, pin_memory=False)
        for part, learn in ((table[:48], True), (table[48:80], False))
    ]


def test_one_step_is_plain_adam(trainee, loaders):
    batch = next(loaders[0].epoch(1))
    plain = copy.deepcopy(trainee.model)
    optimizer = torch.optim.Adam(plain.parameters(), lr=0.1, betas=(0.9, 0.999), weight_decay=1e-5)
    logits = plain(batch["image"], None, None, None)
    nn.functional.binary_cross_entropy_with_logits(logits, batch["target"], pos_weight=torch.tensor(2.0)).backward()
    optimizer.step()
    train_step(trainee, batch)
    for ours, theirs in zip(trainee.model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_an_epoch_sees_every_image_and_lowers_the_loss(trainee, loaders):
    losses = [train_one_epoch(trainee, loaders[0], epoch, 9)["train/loss"] for epoch in range(1, 6)]
    assert losses[-1] < losses[0]


def test_a_loss_that_is_not_finite_ends_training(trainee, loaders):
    with torch.no_grad():
        trainee.model.linear.weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match=r"epoch 1.*lower training.lr"):
        train_one_epoch(trainee, loaders[0], 1, 1)


def test_training_stops_early_and_keeps_count(trainee, loaders, caplog):
    trainee.optimizer.param_groups[0]["lr"] = 0.0  # no change, so no gain after the first epoch
    with caplog.at_level(logging.INFO):
        epochs = list(fit(trainee, *loaders, 50))
    assert [epoch.improved for epoch in epochs] == [True, False, False]
    assert "stopped early" in caplog.text
    assert {"train/loss", "val/loss", "val/auc", "epoch_seconds", "train/images_per_second", "lr"} <= epochs[
        0
    ].history.keys()


def test_without_a_positive_the_auc_is_none_and_the_loss_decides(trainee, loaders):
    train, val = loaders
    val.table = val.table.assign(target=0)
    epochs = list(fit(trainee, train, val, 3))
    assert all(epoch.history["val/auc"] is None for epoch in epochs)
    losses = [epoch.history["val/loss"] for epoch in epochs]
    assert [epoch.improved for epoch in epochs] == [
        loss < min(losses[:at], default=float("inf")) for at, loss in enumerate(losses)
    ]


def test_validation_by_hand(trainee):
    predictions = pd.DataFrame(
        {"target": [0, 1, 1, 0], "logit": [0.0, 0.0, 2.0, -2.0], "probability": [0.5, 0.5, 0.88, 0.12]}
    )
    scores = validate(trainee, predictions)
    assert scores["val/auc"] == 0.875
    by_hand = (0.693147 + 2 * 0.693147 + 2 * 0.126928 + 0.126928) / 4
    assert scores["val/loss"] == pytest.approx(by_hand, rel=1e-5)
