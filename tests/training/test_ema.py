import pytest
import torch

from melanoma.models import build_model
from melanoma.training.ema import Ema


@pytest.mark.parametrize("variant", ["standard", "multi_scale"])
def test_each_weight_moves_once_a_step(train_config, variant):
    # multi_scale's branches share their weights, which are in its state dict twice.
    model = build_model(train_config(f"model={variant}", "model.backbone=test_resnet").model, 32)
    before = [parameter.clone() for parameter in model.parameters()]
    ema = Ema(model, decay=0.5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    ema.update(model, step=10**6)  # long after it has stopped forgetting quicker
    for ours, old in zip(ema.module.parameters(), before, strict=True):
        torch.testing.assert_close(ours, old + 0.5)


def test_batch_statistics_are_the_model_s(train_config):
    model = build_model(train_config().model, 32)
    ema = Ema(model, decay=0.9)
    model(torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8), None, None, None)
    ema.update(model, step=1)
    assert all(torch.equal(a, b) for a, b in zip(ema.module.buffers(), model.buffers(), strict=True))


def test_it_forgets_the_first_weights_quickly(train_config):
    ema = Ema(torch.nn.Linear(1, 1), decay=0.9999)
    assert ema.get_decay(2) < 0.6 < ema.get_decay(1000) < 0.9999
