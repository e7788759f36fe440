import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from torch import nn

from melanoma.errors import ConfigError
from melanoma.explain.grad_cam import grad_cam
from melanoma.explain.heat_maps import spread
from melanoma.models import MODELS

VARIANTS = [("standard", {}), ("site_specific", {}), ("self_attention", {}), ("cross_attention", {})]
BRANCHES = [("multi_scale", {"scales": scales}) for scales in ("full", "half")]


def as_batch(images):
    return dict(zip(("image", "site", "sex", "age"), images, strict=True))


class ImageAlone(nn.Module):
    """What the package expects: one input, and a column a class."""

    def __init__(self, model, metadata):
        super().__init__()
        self.model, self.metadata = model, metadata

    def forward(self, image):
        return self.model(image, *self.metadata)[:, None]


def package_map(model, images, malignant):
    """Have the grad-cam package explain the same layer."""
    backbone = model.backbones[0] if hasattr(model, "backbones") else model.backbone
    vit = hasattr(backbone.net, "blocks") and hasattr(backbone.net.blocks[-1], "norm1")
    layer = backbone.net.blocks[-1].norm1 if vit and backbone.net.global_pool == "token" else backbone

    def reshape(tokens):
        places = tokens[:, 1:].transpose(1, 2)
        return places.unflatten(2, [round(places.shape[2] ** 0.5)] * 2)

    targets = [lambda output, sign=1 if call else -1: sign * output[0] for call in malignant]
    with GradCAM(ImageAlone(model, images[1:]), [layer], reshape_transform=reshape if vit else None) as cam:
        return cam(input_tensor=images[0], targets=targets)


def from_0_to_1(maps):
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    return (maps - low) / (high - low + 1e-12)


@pytest.mark.parametrize("network", ["test_resnet", "test_vit"])
@pytest.mark.parametrize(("variant", "options"), VARIANTS + BRANCHES)
def test_it_gives_what_the_grad_cam_package_gives(lively, batch, variant, options, network):
    size = 128 if options == {"scales": "half"} else 96
    model = lively(variant, network, size=size, **options).eval()
    images = batch(8, size)
    malignant = torch.arange(8) % 2 == 0
    ours = spread(grad_cam(model, as_batch(images), malignant), size).numpy()
    theirs = package_map(model, images, malignant)
    shown = ours.max((1, 2)) > 0
    assert shown.sum() >= 4
    assert ours[shown].std((1, 2)).min() > 0.01
    np.testing.assert_allclose(from_0_to_1(ours), from_0_to_1(theirs), atol=1e-5)


@pytest.mark.parametrize("variant", MODELS)
def test_every_variant_has_maps_that_depend_on_the_call(lively, batch, variant):
    model = lively(variant, size=96).eval()
    images = as_batch(batch(8, 96))
    for_malignant, for_benign = (grad_cam(model, images, torch.full((8,), call)) for call in (True, False))
    for maps in (for_malignant, for_benign):
        assert maps.shape == (8, 3, 3)
        assert torch.isin(maps.amax((1, 2)), torch.tensor([0.0, 1.0])).all()
        assert maps.amin() >= 0
    assert not (for_malignant * for_benign).any()  # a place speaks for one call alone


def test_two_branches_count_by_what_they_add_to_the_logit(lively, batch):
    model = lively("multi_scale", size=128, fusion="concat").eval()
    images, channels = as_batch(batch(8, 128)), model.backbones[0].channels
    malignant = torch.full((8,), True)
    both = grad_cam(model, images, malignant)
    model.classifier.weight.data[:, channels:] *= 1e-6
    full = grad_cam(model, images, malignant)
    model.classifier.weight.data[:, :channels] = 0
    half = grad_cam(model, images, malignant)
    assert both.shape == full.shape == half.shape == (8, 4, 4)
    assert not torch.allclose(both, full)
    assert not torch.allclose(full, half)


def test_frozen_weights_are_explained_and_nothing_stays_behind(lively, batch):
    model = lively("standard", size=96).eval()
    images, called = as_batch(batch(8, 96)), torch.full((8,), True)
    expected, logits = grad_cam(model, images, called), model(*images.values())
    model.requires_grad_(False)
    torch.testing.assert_close(grad_cam(model, images, called), expected)
    assert torch.equal(model(*images.values()), logits)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_heat_is_where_the_evidence_is(red, spotted):
    batch, places = spotted
    maps = spread(grad_cam(red, batch, torch.full((6,), True)), 32)
    for heat, place in zip(maps, places, strict=True):
        assert heat[place].mean() > 0.7
        assert heat[place].sum() > 0.4 * heat.sum()


def test_nothing_speaks_for_the_call_nothing_is_hot(red, spotted):
    batch, _ = spotted
    grey = batch | {"image": torch.full((6, 3, 32, 32), 100, dtype=torch.uint8)}
    assert not grad_cam(red, grey, torch.full((6,), True)).any()


def test_a_network_without_places_is_refused(red, spotted):
    red.backbone.net.global_pool = "token"
    with pytest.raises(ConfigError, match="explain=grad_cam knows no feature map in colours"):
        grad_cam(red, spotted[0], torch.full((6,), True))
