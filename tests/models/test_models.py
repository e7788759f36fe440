import pytest

from melanoma.config import CONFIG_DIR, TrainConfig, compose, resolve
from melanoma.errors import ConfigError
from melanoma.models import MODELS, build_model


def config(*overrides):
    own = ["data.root=/none", "model.backbone=test_resnet", "model.pretrained=false"]
    return resolve(compose("train", [*own, *overrides]), TrainConfig).model


def test_every_variant_has_its_file_and_can_be_built():
    files = {path.stem for path in (CONFIG_DIR / "model").glob("*.yaml")}
    assert files == set(MODELS)
    for name in files:
        assert build_model(config(f"model={name}"), 32).backbone.channels > 0


def test_unknown_variant_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"model\.name=zzz: no such model; known: .*standard"):
        build_model(config("model.name=zzz"), 32)
    with pytest.raises(ConfigError, match=r"did you mean standard\?"):
        build_model(config("model.name=standart"), 32)
