from dataclasses import replace
from functools import cache

import pytest
import torch

from melanoma.config import ModelConfig, TrainConfig, compose, resolve
from melanoma.models import build_model
from melanoma.models.classifier import zero_linear

NAMES = ["test_resnet", "test_vit", "test_convnext", "mobilenetv2_100"]


@cache
def composed() -> ModelConfig:
    return resolve(compose("train", []), TrainConfig).model


def config(name: str, **changes) -> ModelConfig:
    return replace(composed(), backbone=name, pretrained=False, **changes)


@pytest.fixture
def model(request):
    """An untrained model whose classifier answers, for the backbone that the test names."""
    torch.manual_seed(0)
    model = build_model(config(request.param, drop_rate=0.0), 32)
    for parameter in model.parameters():
        # Some networks start with whole branches at zero.
        torch.nn.init.normal_(parameter, parameter.mean().item(), 0.1)
    return model


def batch(count=4):
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return image, torch.zeros(count).long(), torch.zeros(count).long(), torch.full((count,), float("nan"))


@pytest.mark.parametrize("model", NAMES, indirect=True)
def test_a_batch_gives_one_float_logit_an_image(model):
    logits = model(*batch())
    assert logits.shape == (4,)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert logits.unique().numel() == 4


@pytest.mark.parametrize("model", NAMES, indirect=True)
def test_gradient_reaches_every_parameter(model):
    model(*batch()).square().sum().backward()
    assert [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize("model", NAMES, indirect=True)
def test_channels_last_gives_the_same_logits(model):
    model.eval()
    image, *metadata = batch()
    expected = model(image, *metadata)
    again = model.to(memory_format=torch.channels_last)(image.to(memory_format=torch.channels_last), *metadata)
    torch.testing.assert_close(again, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("model", NAMES, indirect=True)
def test_a_batch_of_one_equals_its_row_of_a_batch(model):
    model.eval()
    alone = torch.cat([model(*(value[row : row + 1] for value in batch())) for row in range(4)])
    torch.testing.assert_close(alone, model(*batch()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("model", ["test_resnet"], indirect=True)
def test_metadata_are_ignored(model):
    model.eval()
    image = batch()[0]
    other = (torch.arange(4), torch.tensor([0, 1, 2, 1]), torch.tensor([0.0, 50.0, 90.0, 30.0]))
    assert torch.equal(model(image, *other), model(*batch()))


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_at_logit_0_and_its_weights_can_be_saved_and_loaded(name):
    first, second = build_model(config(name), 32).eval(), build_model(config(name), 32).eval()
    assert first(*batch()).tolist() == [0.0] * 4
    torch.nn.init.normal_(first.classifier.weight)
    assert not torch.equal(first(*batch()), second(*batch()))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(*batch()), second(*batch()))


@pytest.mark.parametrize("model", ["test_resnet"], indirect=True)
def test_logits_are_float32_under_autocast(model):
    with torch.autocast("cpu", torch.bfloat16):
        assert model(*batch()).dtype == torch.float32


def test_dropout_changes_logits_in_training_alone():
    model = build_model(config("test_resnet", drop_rate=0.5), 32).eval()
    torch.nn.init.ones_(model.classifier.weight)
    assert torch.equal(model(*batch()), model(*batch()))
    model.dropout.train()
    assert not torch.equal(model(*batch()), model(*batch()))


def test_zero_linear_learns():
    linear = zero_linear(3)
    linear(torch.ones(2, 3)).sum().backward()
    assert linear.weight.grad.tolist() == [[2.0, 2.0, 2.0]]
