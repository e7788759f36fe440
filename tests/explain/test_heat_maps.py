import pytest
import torch

from melanoma.config.evaluation import EvalConfig
from melanoma.errors import ConfigError
from melanoma.explain.heat_maps import DIRECTED, METHODS, cells_of, maps_of, require_method, spread


def test_the_config_knows_every_method():
    assert EvalConfig.__dataclass_fields__["explain"].metadata["choices"] == tuple(METHODS)
    assert set(DIRECTED) < set(METHODS)


def test_only_attention_asks_for_a_variant():
    require_method("grad_cam", "standard")
    with pytest.raises(ConfigError, match="explain=attention needs"):
        require_method("attention", "multi_scale")


@pytest.mark.parametrize("method", METHODS)
def test_maps_are_as_large_as_the_images_and_each_is_its_own(lively, batch, cpu, method):
    model = lively("self_attention", size=96)
    images = dict(zip(("image", "site", "sex", "age"), batch(8, 96), strict=True))
    called = torch.arange(8) % 2 == 0
    maps = maps_of(method, model, images, cpu, called)
    assert maps.shape == (8, 96, 96)
    assert maps.min() >= 0
    assert maps.max() <= 1
    torch.testing.assert_close(METHODS[method](model, images, called), cells_of(method, model, images, cpu, called))


def test_spreading_keeps_the_mean():
    cells = torch.rand(2, 3, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(spread(cells, 96).mean((1, 2)), cells.mean((1, 2)), atol=1e-5, rtol=0)
