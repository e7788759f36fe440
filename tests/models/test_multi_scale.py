import math
import re

import pytest
import torch

from melanoma.errors import ConfigError
from melanoma.models import build_model
from melanoma.training.optim import make_optimizer

both = pytest.mark.parametrize("shared", [True, False])


def seen_by(backbones):
    """Collect what the backbones are given from now on."""
    seen = []
    for backbone in backbones:
        backbone.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    return seen


def standard_of(multi_scale, lively, network, size):
    """Give a standard model the weights of a multi-scale one with one branch."""
    model = lively("standard", network, size=size).eval()
    model.load_state_dict(
        {name.replace("backbones.0", "backbone"): value for name, value in multi_scale.state_dict().items()}
    )
    return model


def halved(image):
    return image.float().unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean((3, 5))


@both
@pytest.mark.parametrize("autocast", [False, True])
def test_the_half_is_the_mean_of_each_2_by_2_pixels(lively, shared, autocast):
    model = lively("multi_scale", shared_weights=shared).eval()
    seen = seen_by(model.backbones)
    image = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    unknown = torch.zeros(2, dtype=torch.long)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        model(image, unknown, unknown, torch.full((2,), torch.nan))
    full, half = seen
    assert torch.equal(full, image)
    assert torch.equal(half, halved(image))


@pytest.mark.parametrize(
    ("network", "own"),
    [
        ("test_resnet", r"bn\d\.|net\.conv1\.[14]\.|downsample\.2\."),
        ("test_vit", "pos_embed"),
        ("test_convnext", "none"),
    ],
)
def test_shared_weights_are_all_but_batch_norms_and_positions(model_config, network, own):
    model = build_model(model_config("multi_scale", network), 64)
    first, second = (dict(backbone.named_parameters()) for backbone in model.backbones)
    apart = {name for name in first if first[name] is not second[name]}
    assert apart == {name for name in first if re.search(own, name)}
    separate = build_model(model_config("multi_scale", network, shared_weights=False), 64)
    assert not set(separate.backbones[0].parameters()) & set(separate.backbones[1].parameters())


def test_shared_weights_stay_shared_when_they_are_loaded_and_trained(model_config, training_config, batch):
    model = build_model(model_config("multi_scale"), 64)
    model.load_state_dict(build_model(model_config("multi_scale"), 64).state_dict())
    optimizer = make_optimizer(model, training_config(lr=0.1))
    for _ in range(2):
        model(*batch()).sum().backward()
        optimizer.step()
    weight, again = (backbone.net.conv1[0].weight for backbone in model.backbones)
    assert weight is again
    mean, of_half = (backbone.net.conv1[1].running_mean for backbone in model.backbones)
    assert not torch.equal(mean, of_half)


@both
@pytest.mark.parametrize("branch", [0, 1])
def test_each_branch_alone_teaches_the_backbone(lively, batch, shared, branch):
    model = lively("multi_scale", shared_weights=shared).eval()
    with torch.no_grad():
        model.classifier.weight.view(2, -1)[1 - branch] = 0
    model(*batch()).sum().backward()
    taught = [
        any(value.grad is not None and value.grad.any() for value in backbone.parameters())
        for backbone in model.backbones
    ]
    assert taught == [shared or branch == 0, shared or branch == 1]


@pytest.mark.parametrize("network", ["test_resnet", "test_vit"])
def test_one_scale_alone_is_the_standard_variant(lively, batch, network):
    image, *metadata = batch()
    full, half = (lively("multi_scale", network, scales=scales).eval() for scales in ("full", "half"))
    assert torch.equal(full(image, *metadata), standard_of(full, lively, network, 64)(image, *metadata))
    assert torch.equal(half(image, *metadata), standard_of(half, lively, network, 32)(halved(image), *metadata))


def test_the_gate_mixes_both(lively, batch):
    model = lively("multi_scale", fusion="gated").eval()
    torch.nn.init.zeros_(model.gate.weight)
    torch.nn.init.constant_(model.gate.bias, math.log(3))
    image, *metadata = batch()
    inputs = (image, halved(image))
    full, half = (one.pool(one(given)) for one, given in zip(model.backbones, inputs, strict=True))
    expected = model.classifier(0.75 * full + 0.25 * half).squeeze(1)
    torch.testing.assert_close(model(image, *metadata), expected)


def test_an_odd_image_cannot_be_halved(model_config):
    with pytest.raises(ConfigError, match=r"training\.image_size=63 must be even"):
        build_model(model_config("multi_scale"), 63)
