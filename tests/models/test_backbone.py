import time
from dataclasses import replace
from functools import cache

import pytest
import timm  # noqa: TID251 its files are what users have
import torch
from huggingface_hub import constants as hub
from safetensors.torch import save_file

from melanoma.config import ModelConfig, TrainConfig, compose, resolve
from melanoma.errors import ConfigError
from melanoma.models.backbone import Backbone

NAMES = ["test_resnet", "test_vit", "test_convnext", "mobilenetv2_100"]


@cache
def composed() -> ModelConfig:
    return resolve(compose("train", []), TrainConfig).model


def make(name: str, size: int = 32, **changes) -> Backbone:
    return Backbone(replace(composed(), backbone=name, **changes), size)


def random(name: str, size: int = 32) -> Backbone:
    return make(name, size, pretrained=False)


def loaded(name: str, path: object) -> Backbone:
    return make(name, weights=str(path), pretrained=True)


def save(weights: dict[str, torch.Tensor], path):
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    return path


@pytest.mark.parametrize("name", [*NAMES, "vit_tiny_patch16_224"])
@pytest.mark.parametrize("size", [32, 64])
def test_pooled_features_have_the_channels_it_tells(name, size):
    net = random(name, size).eval()
    features = net(torch.zeros(2, 3, size, size, dtype=torch.uint8))
    assert net.pool(features).shape == (2, net.channels)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "tf_efficientnet_b0"])
def test_uint8_is_normalised_inside(name):
    net = random(name).eval()
    seen = []
    net.net.forward_features = seen.append
    image = torch.arange(256, dtype=torch.uint8).repeat(12).view(1, 3, 32, 32)
    net(image)
    cfg = net.net.pretrained_cfg
    means, stds = (torch.tensor(cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close(seen[0], (image / 255 - means) / stds)
    assert seen[0].dtype == torch.float32


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_mambaout"])
def test_tokens_come_row_by_row(name):
    torch.manual_seed(0)
    net = Backbone(replace(composed(), backbone=name, pretrained=False), 128, pooled=False).eval()
    image = torch.full((1, 3, 128, 128), 128.0)
    plain = net.tokens(image)
    side = int(plain.shape[1] ** 0.5)
    assert plain.shape == (1, side * side, net.channels)
    image[..., : 128 // side, -128 // side :] = 0
    changes = (net.tokens(image) - plain).norm(dim=2).view(side, side)
    assert divmod(changes.argmax().item(), side) == (0, side - 1)


def test_a_pass_in_training_copies_nothing_for_the_backward_pass(monkeypatch):
    monkeypatch.setenv("KINETO_LOG_LEVEL", "99")  # else it tells stderr of a GPU that is not there
    network = random("tf_efficientnet_b0").train()
    with torch.autograd.profiler.profile() as profile:
        network(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).sum().backward()
    counts = {event.key: event.count for event in profile.key_averages()}
    assert counts["aten::silu_backward"] == 49
    assert counts.get("aten::clone", 0) < 10


def test_normalisation_is_no_part_of_the_weights():
    assert {name for name in random("test_resnet").state_dict() if not name.startswith("net.")} == set()


def test_unknown_network_gives_near_names():
    with pytest.raises(ConfigError, match=r"model\.backbone=resnet51: timm has no such network; did you mean resnet"):
        random("resnet51")
    with pytest.raises(ConfigError, match=r"known: convnext_tiny, .*tf_efficientnet_b4"):
        random("zzzzzzzz")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_with_a_classifier_are_read_from_a_file(tmp_path, name, suffix):
    torch.manual_seed(1)
    source = timm.create_model(name, num_classes=5).state_dict()
    net = loaded(name, save(source, tmp_path / f"weights{suffix}")).net.state_dict()
    assert set(net) < set(source)
    equal = [key for key in net if net[key].shape == source[key].shape and torch.equal(net[key], source[key])]
    assert set(net) - set(equal) <= {"pos_embed"}


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_half_precision_weights_without_a_classifier_are_read(tmp_path, suffix):
    source = timm.create_model("test_resnet", num_classes=0).half().state_dict()
    net = loaded("test_resnet", save(source, tmp_path / f"weights{suffix}")).net
    assert net.conv1[0].weight.dtype == torch.float32
    assert torch.equal(net.conv1[0].weight, source["conv1.0.weight"].float())


def refusal(name: str, path: object) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(name, path)
    message = str(caught.value)
    assert message.startswith(f"model.weights={path}")
    assert "\n" not in message
    return message


def test_weights_file_that_is_missing(tmp_path):
    assert "no such file" in refusal("test_resnet", tmp_path / "none.pth")


def test_weights_file_of_a_wrong_suffix(tmp_path):
    (tmp_path / "weights.h5").write_bytes(b"x")
    assert "expected a .safetensors or .pth file" in refusal("test_resnet", tmp_path / "weights.h5")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("content", [b"", b"garbage" * 100])
def test_weights_file_of_garbage(tmp_path, suffix, content):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    assert "does not fit test_resnet" in refusal("test_resnet", path)


@pytest.mark.parametrize(
    ("name", "other"), [("test_resnet", "test_vit"), ("test_vit", "test_resnet"), ("mobilenetv2_100", "test_convnext")]
)
@pytest.mark.parametrize("classes", [0, 5, 1000])
def test_weights_of_another_network(tmp_path, name, other, classes):
    path = save(timm.create_model(other, num_classes=classes).state_dict(), tmp_path / "weights.pth")
    assert f"does not fit {name}" in refusal(name, path)


def test_weights_file_that_lacks_a_layer(tmp_path):
    weights = timm.create_model("test_resnet", num_classes=5).state_dict()
    del weights["layer1.0.conv1.weight"]
    assert "layer1.0.conv1.weight" in refusal("test_resnet", save(weights, tmp_path / "weights.pth"))


def test_a_pickle_that_runs_code_is_not_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    torch.save({"state_dict": Trap()}, tmp_path / "weights.pth")
    assert "does not fit test_resnet" in refusal("test_resnet", tmp_path / "weights.pth")
    assert not (tmp_path / "ran").exists()


def test_without_a_network_both_ways_out_are_told_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("melanoma.models.hub.answers", lambda: False)
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path))
    started = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        make("test_resnet", pretrained=True)
    assert time.monotonic() - started < 10
    message = str(caught.value)
    assert "the ImageNet weights of test_resnet could not be downloaded" in message
    assert "model.weights=FILE.safetensors" in message
    assert "model.pretrained=false" in message
    assert "\n" not in message


def test_the_network_is_not_asked_where_it_is_not_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("melanoma.models.hub.answers", lambda: pytest.fail("asked"))
    random("test_resnet")
    loaded("test_resnet", save(timm.create_model("test_resnet").state_dict(), tmp_path / "weights.pth"))
