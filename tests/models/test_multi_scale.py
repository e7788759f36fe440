import pytest
import torch

from melanoma.errors import ConfigError
from melanoma.models import build_model

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


@pytest.mark.parametrize("network", ["test_resnet", "test_vit"])
@both
def test_shared_weights_are_one_backbone(model_config, network, shared):
    def count(name, **changes):
        return sum(value.numel() for value in build_model(model_config(name, network, **changes), 64).parameters())

    standard, channels = count("standard"), build_model(model_config("standard", network), 64).backbone.channels
    second = channels if shared else standard - 1
    # A network with learnt positions has fewer of them for the half.
    positions = 0 if shared or network == "test_resnet" else 64 * (4 * 4 - 2 * 2)
    assert count("multi_scale", shared_weights=shared) == standard + second - positions


@both
@pytest.mark.parametrize("branch", [0, 1])
def test_each_branch_alone_teaches_the_backbone(lively, batch, shared, branch):
    model = lively("multi_scale", shared_weights=shared).eval()
    with torch.no_grad():
        model.classifier.weight.view(2, -1)[1 - branch] = 0
    model(*batch()).sum().backward()
    taught = [any(value.grad.any() for value in backbone.parameters()) for backbone in model.backbones]
    assert taught == ([True] if shared else [branch == 0, branch == 1])


@pytest.mark.parametrize("network", ["test_resnet", "test_vit"])
def test_one_scale_alone_is_the_standard_variant(lively, batch, network):
    image, *metadata = batch()
    full, half = (lively("multi_scale", network, scales=scales).eval() for scales in ("full", "half"))
    assert torch.equal(full(image, *metadata), standard_of(full, lively, network, 64)(image, *metadata))
    assert torch.equal(half(image, *metadata), standard_of(half, lively, network, 32)(halved(image), *metadata))


def test_a_gate_of_one_half_gives_the_mean_of_both(lively, batch):
    model = lively("multi_scale", fusion="gated").eval()
    torch.nn.init.zeros_(model.gate.weight)
    torch.nn.init.zeros_(model.gate.bias)
    image, *metadata = batch()
    full, half = (model.backbones[0].pool(model.backbones[0](given)) for given in (image, halved(image)))
    expected = model.classifier((full + half) / 2).squeeze(1)
    torch.testing.assert_close(model(image, *metadata), expected)


def test_an_odd_image_cannot_be_halved(model_config):
    with pytest.raises(ConfigError, match=r"training\.image_size=63 must be even"):
        build_model(model_config("multi_scale"), 63)
