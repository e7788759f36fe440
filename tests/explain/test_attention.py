import pytest
import torch

from melanoma.errors import ConfigError
from melanoma.explain.attention import READABLE, attention, require_attention


def test_two_variants_have_maps():
    assert READABLE == ["self_attention", "cross_attention"]
    for name in READABLE:
        require_attention(name)


def test_a_variant_without_maps_is_told_which_have_them():
    with pytest.raises(ConfigError, match="model=self_attention or cross_attention; this one is standard: use"):
        require_attention("standard")


@pytest.mark.parametrize("variant", READABLE)
def test_the_most_attended_cell_is_1(lively, batch, variant):
    image, site, sex, age = batch(8, 96)
    site[0] = 1  # of every image something is known
    images = {"image": image, "site": site, "sex": sex, "age": age}
    maps = attention(lively(variant, size=96).eval(), images, torch.full((8,), True))
    assert maps.shape == (8, 3, 3)
    torch.testing.assert_close(maps.amax((1, 2)), torch.ones(8))
    assert maps.amin() > 0
    assert maps.std() > 0.01


def test_nothing_known_nothing_asks(lively, batch):
    image, site, sex, age = batch(8, 96)
    images = {"image": image, "site": site * 0, "sex": sex * 0, "age": age * torch.nan}
    assert not attention(lively("cross_attention", size=96).eval(), images, torch.full((8,), True)).any()
