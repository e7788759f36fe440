import torch

from melanoma.training.optim import make_optimizer, make_schedule


def test_adam_has_the_config_s_values(train_config):
    config = train_config("training.lr=0.01", "training.weight_decay=0.1", "training.betas=[0.8,0.9]").training
    group = make_optimizer(torch.nn.Linear(2, 1), config).param_groups[0]
    assert (group["lr"], group["weight_decay"], group["betas"]) == (0.01, 0.1, (0.8, 0.9))


def test_the_learning_rate_falls_when_the_score_does_not_rise(train_config):
    config = train_config("training.lr=1", "training.plateau_patience=1", "training.plateau_factor=0.5").training
    optimizer = make_optimizer(torch.nn.Linear(2, 1), config)
    schedule = make_schedule(optimizer, config)
    rates = []
    for score in (0.5, 0.6, 0.6, 0.6, 0.9):
        schedule.step(score)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1, 1, 1, 0.5, 0.5]
