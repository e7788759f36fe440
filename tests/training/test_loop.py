import logging

import pandas as pd
import pytest
import torch

from melanoma.errors import DataError, DivergedError
from melanoma.training.loop import fit, score, train_one_epoch


def test_an_epoch_sees_every_image_and_lowers_the_loss(trainee, loaders):
    losses = []
    for _ in range(5):
        train_one_epoch(trainee, loaders[0], 5)
        assert (trainee.progress.images, trainee.progress.steps) == (48, 3)
        losses.append(trainee.progress.mean_loss)
        trainee.progress.end_epoch({}, improved=False)
    assert losses[-1] < losses[0]


def test_steps_without_a_finite_loss_end_training_where_they_are_too_many(make_trainee, loaders):
    trainee = make_trainee("training.max_skipped_steps=3")
    with torch.no_grad():
        trainee.model.linear.weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match=r"3 steps in a row, up to step 3 of epoch 1.*lower training.lr"):
        train_one_epoch(trainee, loaders[0], 1)


def test_a_bad_batch_is_skipped_counted_and_leaves_no_trace(trainee, loaders):
    batches = list(loaders[0].epoch(1))
    batches[1]["target"][0] = float("nan")
    loaders[0].windows = lambda *_, start: iter([[batch] for batch in batches[start:]])
    train_one_epoch(trainee, loaders[0], 1)
    assert (trainee.progress.skipped, trainee.progress.skipped_in_row, trainee.progress.images) == (1, 0, 32)
    assert trainee.progress.mean_loss < 2
    assert all(value.isfinite().all() for value in trainee.model.state_dict().values())


def test_a_step_that_has_begun_is_finished_whatever_reading_meets(trainee, loaders):
    batches = list(loaders[0].epoch(1))

    def windows(*_, start):
        yield [batches[0]]
        raise DataError("unreadable")

    loaders[0].windows = windows
    before = trainee.model.linear.weight.clone()
    with pytest.raises(DataError):
        train_one_epoch(trainee, loaders[0], 1)
    assert trainee.progress.steps == 1
    assert not torch.equal(trainee.model.linear.weight, before)


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
    scores = score(trainee, predictions)
    assert scores["auc"] == 0.875
    by_hand = (0.693147 + 2 * 0.693147 + 2 * 0.126928 + 0.126928) / 4
    assert scores["loss"] == pytest.approx(by_hand, rel=1e-5)
