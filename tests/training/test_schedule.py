import pytest
import torch

from melanoma.training.schedule import make_schedule


@pytest.fixture
def optimizer():
    """Two groups, of which the second learns at a tenth of the rate."""
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (1.0, 0.1)]
    return torch.optim.Adam(groups)


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def test_the_learning_rate_falls_when_the_score_does_not_rise(train_config, optimizer):
    schedule = make_schedule(optimizer, train_config("training.plateau_patience=1").training, 4)
    seen = []
    for score in (0.5, 0.6, 0.6, 0.6, 0.9):
        schedule.before_step(1, 0)
        schedule.after_epoch(score)
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == [1, 1, 1, 0.5, 0.5]
    assert rates(optimizer) == [0.5, 0.05]


def test_cosine_warms_up_then_falls_to_the_end(train_config, optimizer):
    options = ("training.schedule=cosine", "training.epochs=5", "training.warmup_epochs=1")
    schedule = make_schedule(optimizer, train_config(*options, "training.min_lr_fraction=0.1").training, 4)
    seen = []
    for epoch in range(1, 6):
        for step in range(4):
            schedule.before_step(epoch, step)
            seen.append(optimizer.param_groups[0]["lr"])
    assert seen[:4] == [0.25, 0.5, 0.75, 1.0]
    assert seen[4] == 1.0
    assert seen[12] == pytest.approx(0.55)  # half of the way down
    assert seen[4:] == sorted(seen[4:], reverse=True)
    assert 0.1 < seen[-1] < 0.12
    assert rates(optimizer)[1] == pytest.approx(rates(optimizer)[0] / 10)


def test_a_cosine_that_is_gone_on_with_has_the_same_rates(train_config, optimizer):
    config = train_config("training.schedule=cosine", "training.epochs=5").training
    make_schedule(optimizer, config, 4).before_step(3, 2)
    expected = rates(optimizer)
    for group, rate in zip(optimizer.param_groups, (1.0, 0.1), strict=True):
        group["lr"] = rate
    make_schedule(optimizer, config, 4).before_step(3, 2)
    assert rates(optimizer) == expected
