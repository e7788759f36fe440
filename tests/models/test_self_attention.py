import pytest
import torch

from melanoma.models import build_model

SIZES = pytest.mark.parametrize(
    ("network", "size", "side"), [("test_resnet", 64, 2), ("test_resnet", 96, 3), ("test_vit", 64, 4)]
)


@SIZES
@pytest.mark.parametrize("autocast", [False, True])
def test_the_map_shares_out_1_for_each_image(lively, batch, network, size, side, autocast):
    model = lively("self_attention", network, size=size).eval()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        shares = model.attention_map(batch(8, size)[0])
    assert shares.shape == (8, side, side)
    assert (shares >= 0).all()
    torch.testing.assert_close(shares.sum((1, 2)), torch.ones(8))
    assert shares.std() > 1e-3


def test_a_network_of_any_size_gives_a_map_of_any_size(lively, batch):
    model = lively("self_attention", size=64).eval()
    assert model.attention_map(batch(2, 128)[0]).shape == (2, 4, 4)


@SIZES
def test_the_logit_is_the_mean_over_cells_that_the_map_weighs(lively, batch, network, size, side):
    model = lively("self_attention", network, size=size).eval()
    image, *metadata = batch(8, size)
    each = model.classifier(model.backbone.tokens(image)).squeeze(2)
    torch.testing.assert_close((model.attention_map(image).flatten(1) * each).sum(1), model(image, *metadata))


def test_cells_start_with_equal_shares(model_config, batch):
    shares = build_model(model_config("self_attention"), 64).attention_map(batch()[0])
    torch.testing.assert_close(shares, torch.full((8, 2, 2), 0.25))


def test_metadata_are_ignored(lively, batch):
    model = lively("self_attention").eval()
    image, site, sex, age = batch()
    assert torch.equal(model(image, site.flip(0), sex.flip(0), age.flip(0)), model(image, site, sex, age))
