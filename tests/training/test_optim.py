import torch

from melanoma.training.optim import make_optimizer


def test_adam_has_the_config_s_values(train_config):
    config = train_config("training.lr=0.01", "training.weight_decay=0.1", "training.betas=[0.8,0.9]").training
    group = make_optimizer(torch.nn.Linear(2, 1), config).param_groups[0]
    assert (group["lr"], group["weight_decay"], group["betas"]) == (0.01, 0.1, (0.8, 0.9))
