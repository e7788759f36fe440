import json
import re

import pytest
import torch

from melanoma.errors import CheckpointError
from melanoma.export.bundle import load_bundle
from melanoma.models import MODELS


@pytest.fixture
def folder(lively_checkpoint, exported):
    return exported(lively_checkpoint(), "format=bundle")


@pytest.mark.parametrize("variant", MODELS)
def test_it_gives_the_checkpoint_s_logits_to_the_last_bit(lively_checkpoint, opened, exported, variant):
    path = lively_checkpoint(variant)
    bundle = load_bundle(exported(path, "format=bundle"))
    image = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    batch = image, torch.tensor([0, 1, 6]), torch.tensor([2, 0, 1]), torch.tensor([30.0, torch.nan, 80])
    with torch.no_grad():
        expected = opened(path)[1](*batch)
        assert torch.equal(bundle.model(*batch), expected)
    assert expected.unique().numel() == 3


def test_it_holds_what_is_known_of_the_checkpoint(lively_checkpoint, exported, opened):
    calibration = {"method": "platt", "slope": 2.0, "intercept": -1.0, "logits": [], "probabilities": []}
    path = lively_checkpoint(calibration=calibration, thresholds={"sensitivity_at_95": 0.1}, threshold=None)
    bundle, checkpoint = load_bundle(exported(path, "format=bundle")), opened(path)[0]
    for name in ("sites", "sexes", "threshold", "thresholds", "calibration", "versions", "prior"):
        assert bundle.facts[name] == getattr(checkpoint, name)
    assert (bundle.facts["format"], bundle.facts["image_size"], bundle.facts["fit"]) == (1, 64, "squash")
    assert bundle.calibration.slope == 2.0


def test_it_names_no_image_patient_or_folder(folder, demo_root):
    text = (folder / "model.json").read_text()
    assert "ISIC_" not in text
    assert str(demo_root) not in text
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("model.safetensors", lambda data: data[:-1] + b"?", "is not the file that model.json was written with"),
        ("model.safetensors", None, "model.safetensors cannot be read"),
        ("model.json", None, "model.json cannot be read"),
        ("model.json", lambda data: data[:50], "is no JSON"),
        ("model.json", lambda data: b"[1]", "is not one that melanoma-export wrote"),
        ("model.json", lambda data: data.replace(b'"format": 1', b'"format": 2'), "a newer melanoma"),
        (
            "model.json",
            lambda data: data.replace(b"test_resnet", b"test_convnext"),
            "does not fit this melanoma or tim",
        ),
        ("model.json", lambda data: data.replace(b'"name": "standard"', b'"name": "other"'), "does not fit this"),
    ],
)
def test_a_damaged_one_is_refused(folder, name, change, message):
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    if change:
        (folder / name).write_bytes(change(data))
        assert (folder / name).read_bytes() != data
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load_bundle(folder)


def test_its_values_are_plain_json(folder):
    def refuse(word):
        raise AssertionError(word)

    assert (
        json.loads((folder / "model.json").read_text(), parse_constant=refuse)["config"]["model"]["pretrained"] is False
    )
