"""What the options of the variants change, and which of them a network may refuse."""

from itertools import pairwise

import pytest
import torch

from melanoma.errors import ConfigError
from melanoma.models import MODELS, build_model
from melanoma.models.backbone import Backbone
from melanoma.training.optim import make_optimizer, parameter_groups

OPTIONS = [
    *(("standard", {"metadata": fields}) for fields in (["sex"], ["age"], ["site"], ["sex", "age", "site"])),
    *(("multi_scale", {"scales": scales}) for scales in ("full", "half")),
    *(
        ("multi_scale", {"shared_weights": shared, "fusion": fusion})
        for shared in (True, False)
        for fusion in ("concat", "gated")
    ),
    *((attention, {"depth": 3, "heads": 4}) for attention in ("self_attention", "cross_attention")),
]

every_variant = pytest.mark.parametrize("variant", MODELS)


def named(variant_and_changes):
    variant, changes = variant_and_changes
    return "-".join([variant, *(f"{key}={value}" for key, value in changes.items())])


def backbones(model):
    return [module for module in model.modules() if isinstance(module, Backbone)]


@pytest.mark.parametrize(("variant", "changes"), OPTIONS, ids=map(named, OPTIONS))
@pytest.mark.parametrize("network", ["test_resnet", "test_vit"])
def test_every_option_keeps_the_contract(lively, batch, variant, network, changes):
    model = lively(variant, network, **changes).eval()
    logits = model(*batch())
    assert logits.shape == (8,)
    assert logits.unique().numel() == 8
    assert torch.equal(logits, model(*batch()))
    logits.square().sum().backward()
    dead = [name for name, value in model.named_parameters() if value.grad is None or value.grad.abs().max() < 1e-5]
    assert dead == []


@every_variant
@pytest.mark.parametrize("network", ["test_resnet", "levit_128s"])
def test_a_frozen_backbone_stays_as_it_is(model_config, training_config, batch, variant, network):
    model = build_model(model_config(variant, network, freeze_backbone=True), 64).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = make_optimizer(model, training_config(lr=0.1))
    model(*batch()).sum().backward()
    optimizer.step()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert "classifier.weight" in changed
    assert [name for name in changed if name.startswith("backbone")] == []


@pytest.mark.parametrize("variant", ["standard", "multi_scale"])
def test_drop_path_leaves_out_blocks_in_training_alone(lively, batch, variant):
    model = lively(variant, "test_vit", drop_path=0.5)
    assert not torch.equal(model.train()(*batch()), model(*batch()))
    assert torch.equal(model.eval()(*batch()), model(*batch()))
    assert torch.equal(model(*batch()), lively(variant, "test_vit").eval()(*batch()))


@pytest.mark.parametrize(("stride", "side"), [(None, 2), (32, 2), (16, 4), (8, 8)])
def test_output_stride_gives_a_finer_map(lively, batch, stride, side):
    model = lively("self_attention", output_stride=stride).eval()
    assert model.attention_map(batch()[0]).shape == (8, side, side)


@every_variant
@pytest.mark.parametrize("network", ["test_resnet", "test_vit"])
@pytest.mark.parametrize("frozen", [False, True])
def test_layer_decay_slows_the_early_layers(model_config, training_config, variant, network, frozen):
    apart = {"shared_weights": False} if variant == "multi_scale" else {}
    model = build_model(model_config(variant, network, freeze_backbone=frozen, **apart), 64)
    groups = parameter_groups(model, training_config(lr=1.0, layer_decay=0.5))
    grouped = [parameter for group in groups for parameter in group["params"]]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert len(grouped) == len(trained)
    assert set(grouped) == set(trained)
    rate = {parameter: group["lr"] for group in groups for parameter in group["params"]}
    for backbone in backbones(model):
        rates = [rate.pop(parameter) for parameter in backbone.parameters() if parameter in rate]
        assert all(early <= late for early, late in pairwise(rates))
        assert frozen or (len(set(rates)) > 3 and rates[-1] == 1)
    assert set(rate.values()) == {1.0}


@every_variant
def test_weights_are_loaded_into_every_branch(model_config, tmp_path, variant):
    source = backbones(build_model(model_config("standard"), 64))[0].net.state_dict()
    torch.save(source, tmp_path / "weights.pth")
    given = {"pretrained": True, "weights": str(tmp_path / "weights.pth")}
    found = backbones(build_model(model_config(variant, **given), 64))
    assert len(found) == (2 if variant == "multi_scale" else 1)
    for backbone in found:
        assert backbone.net.state_dict().keys() == source.keys()
        assert all(torch.equal(value, source[name]) for name, value in backbone.net.state_dict().items())


@pytest.mark.parametrize("variant", ["self_attention", "cross_attention"])
@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("volo_d1_224", "gives no square feature map; take another network"),
        ("efficientvit_b0", "gives no feature map; use model=standard, or another network"),
    ],
)
def test_attention_needs_a_feature_map(model_config, batch, variant, network, reason):
    with pytest.raises(ConfigError, match=rf"model\.backbone={network} .*{reason}"):
        build_model(model_config(variant, network), 64)(*batch(2))


@pytest.mark.parametrize(
    ("variant", "network", "changes", "way_out"),
    [
        ("standard", "test_vit", {"output_stride": 16}, "model.output_stride=null"),
        ("standard", "vgg11", {"drop_path": 0.1}, "model.drop_path=0"),
    ],
)
@pytest.mark.parametrize("pretrained", [False, True])
def test_an_option_that_a_network_refuses_tells_the_way_out(
    model_config, tmp_path, variant, network, changes, way_out, pretrained
):
    if pretrained:
        torch.save({}, tmp_path / "weights.pth")
        changes = changes | {"pretrained": True, "weights": str(tmp_path / "weights.pth")}
    with pytest.raises(ConfigError, match=rf"^model\.backbone={network} cannot be built: .*{way_out}"):
        build_model(model_config(variant, network, **changes), 64)


def test_a_network_of_fixed_size_can_read_both_scales(model_config, batch):
    model = build_model(model_config("multi_scale", "mixer_s16_224"), 64)
    assert model(*batch(2)).tolist() == [0.0] * 2
