import pytest

from melanoma.config import CONFIG_DIR, TrainConfig, compose, resolve
from melanoma.config.model import VARIANTS
from melanoma.errors import ConfigError
from melanoma.models import MODELS, build_model


def config(*overrides):
    own = ["data.root=/none", "model.backbone=test_resnet", "model.pretrained=false"]
    return resolve(compose("train", [*own, *overrides]), TrainConfig).model


def test_every_variant_has_its_file_and_can_be_built():
    assert set(MODELS) == set(VARIANTS)
    files = {path.stem for path in (CONFIG_DIR / "model").glob("*.yaml")} - {"base"}
    assert files == set(MODELS)
    for name in files:
        assert build_model(config(f"model={name}"), 32)


def test_unknown_variant_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"model: no choice has the name 'zzz'; known: .*standard"):
        config("model.name=zzz")
    with pytest.raises(ConfigError, match=r"did you mean standard\?"):
        config("model.name=standart")
