import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from melanoma.explain.heat_maps import cells_of
from melanoma.explain.randomisation import LEVELS, measure_dependence, randomised, rank_correlation


def generator():
    return torch.Generator().manual_seed(0)


def changed(model, share):
    random = randomised(model, share, generator())
    pairs = zip(model.named_parameters(), random.parameters(), strict=True)
    return {name for (name, old), new in pairs if not torch.equal(old, new)}


def test_weights_are_drawn_from_the_end(lively):
    model = lively("standard", "test_vit")
    names = [name for name, _ in model.named_parameters()]
    assert changed(model, 0.0) == {"classifier.weight"}  # one bias alone cannot be shuffled
    half = changed(model, 0.5)
    assert {"classifier.weight", "backbone.net.norm.weight"} < half
    assert "backbone.net.patch_embed.proj.weight" not in half
    assert changed(model, 1.0) == set(names) - {"classifier.bias"}


def test_signals_keep_their_size_and_the_model_its_weights(lively):
    model = lively("standard")
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    random = randomised(model, 1.0, generator())
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    for old, new in zip(model.parameters(), random.parameters(), strict=True):
        if old.numel() > 1000:
            assert new.square().mean().sqrt().item() == pytest.approx(old.square().mean().sqrt().item(), rel=0.1)


def test_weights_that_branches_share_stay_shared(lively):
    random = randomised(lively("multi_scale", size=64), 1.0, generator())
    first, second = (dict(backbone.net.named_parameters()) for backbone in random.backbones)
    shared = [name for name in first if first[name] is second[name]]
    assert "conv1.weight" in shared or len(shared) > 3


def test_the_correlation_is_spearmans():
    one, other = np.random.default_rng(0).normal(size=(2, 8, 8)).astype(np.float32).round(1)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel()).statistic)
    assert rank_correlation(one, one**3) == pytest.approx(1)
    assert rank_correlation(one, np.zeros_like(one)) is None


def test_a_map_of_what_was_learnt_changes(red, spotted, cpu):
    batch, called = spotted[0], torch.full((6,), True)
    cells = cells_of("grad_cam", red, batch, cpu, called)
    found = measure_dependence("grad_cam", red, batch, cells, called, cpu, draws=20, generator=generator())
    assert list(found) == list(LEVELS)
    assert all(np.mean(values) < 0.5 for values in found.values())


def test_an_even_map_has_nothing_to_compare(red, spotted, cpu):
    called = torch.full((6,), True)
    found = measure_dependence(
        "grad_cam", red, spotted[0], torch.ones(6, 4, 4), called, cpu, draws=1, generator=generator()
    )
    assert found == {level: [None] * 6 for level in LEVELS}


def test_a_map_that_no_weight_bears_on_does_not(red, spotted, cpu):
    batch, called = spotted[0], torch.full((6,), True)
    for name, weight in [*red.classifier.named_parameters()]:
        delattr(red.classifier, name)
        red.classifier.register_buffer(name, weight.data)
    cells = cells_of("grad_cam", red, batch, cpu, called)
    found = measure_dependence("grad_cam", red, batch, cells, called, cpu, draws=1, generator=generator())
    assert found["head"] == pytest.approx([1] * 6)
