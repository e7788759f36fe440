import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from melanoma.errors import CheckpointError
from melanoma.evaluation.calibration import Calibration
from melanoma.export.network import Calibrated
from melanoma.export.onnx_file import INPUTS, OUTPUT, largest_difference, write_onnx
from melanoma.models import MODELS


def inputs(count, size=64):
    rng = np.random.default_rng(count)
    return {
        "image": rng.integers(0, 256, (count, 3, size, size), dtype=np.uint8),
        "site": np.arange(count) % 7,
        "sex": np.arange(count) % 3,
        "age": np.where(np.arange(count) % 2, np.nan, 55).astype(np.float32),
    }


def run(path, batch):
    return onnxruntime.InferenceSession(str(path)).run(None, batch)[0]


@pytest.mark.parametrize(
    ("variant", "network"),
    [
        ("standard", "test_resnet"),
        pytest.param("standard", "test_vit", marks=pytest.mark.slow),
        *(pytest.param(variant, network, marks=pytest.mark.slow)
          for variant in MODELS if variant != "standard" for network in ("test_efficientnet", "test_vit")),
    ],
)  # fmt: skip
def test_every_variant_gives_pytorch_s_probabilities_for_any_batch(
    lively_checkpoint, opened, exported, variant, network, capsys
):
    options = ["model.metadata=[sex,age,site]"] if variant == "standard" else []
    path = lively_checkpoint(variant, network, *options)
    file = exported(path, "format=onnx", "tolerance=1e-5") / "model.onnx"
    assert "(tolerance 1e-05)" in capsys.readouterr().out
    for count in (1, 5, 7):
        batch = inputs(count)
        with torch.no_grad():
            logit = opened(path)[1](*(torch.from_numpy(value) for value in batch.values()))
        assert np.allclose(run(file, batch), torch.sigmoid(logit).numpy(), atol=1e-5)
        assert count == 1 or np.ptp(run(file, batch)) > 1e-3


def test_inputs_output_and_facts(lively_checkpoint, exported):
    session = onnxruntime.InferenceSession(
        str(exported(lively_checkpoint(threshold=0.3), "format=onnx") / "model.onnx")
    )
    assert [(one.name, one.type, one.shape[1:]) for one in session.get_inputs()] == [
        ("image", "tensor(uint8)", [3, 64, 64]),
        ("site", "tensor(int64)", []),
        ("sex", "tensor(int64)", []),
        ("age", "tensor(float)", []),
    ]
    assert len({one.shape[0] for one in session.get_inputs()}) == 1
    (output,) = session.get_outputs()
    assert (output.name, output.type, len(output.shape)) == (OUTPUT, "tensor(float)", 1)
    facts = {name: json.loads(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}
    assert (facts["image_size"], facts["fit"], facts["threshold"]) == (64, "squash", 0.3)
    assert facts["sites"][0] == "head/neck"


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration("platt", slope=2.0, intercept=-1.0),
        Calibration("isotonic", logits=[-1.0, 0.0, 0.1, 2.0], probabilities=[0.05, 0.2, 0.3, 0.9]),
    ],
    ids=lambda calibration: calibration.method,
)
def test_the_calibration_is_inside(lively_checkpoint, opened, exported, calibration):
    path = lively_checkpoint(calibration=calibration.to_plain())
    batch = inputs(7)
    with torch.no_grad():
        logit = opened(path)[1](*(torch.from_numpy(value) for value in batch.values()))
    expected = calibration.probability(logit.double().numpy())
    assert np.allclose(run(exported(path, "format=onnx") / "model.onnx", batch), expected, atol=1e-5)


class Mean(torch.nn.Module):
    """The image's mean, which takes no weights."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def forward(self, image, site, sex, age):
        return image.float().mean((1, 2, 3)) / 255 * self.factor + 0 * (site + sex + age.nan_to_num())


def test_another_network_s_file_is_told_from_its_own(tmp_path):
    network, path = Calibrated(Mean(), None).eval(), tmp_path / "a.onnx"
    write_onnx(network, 16, {}, path)
    assert largest_difference(path, network, 16, seed=0) < 1e-6
    assert largest_difference(path, Calibrated(Mean(1.1), None), 16, seed=0) > 1e-3
    assert np.isnan(largest_difference(path, Calibrated(Mean(np.nan), None), 16, seed=0))


@pytest.mark.parametrize("found", [2e-4, np.nan])
def test_a_difference_above_the_tolerance_leaves_no_file(lively_checkpoint, exported, tmp_path, monkeypatch, found):
    monkeypatch.setattr("melanoma.export.onnx_file.largest_difference", lambda *_: found)
    with pytest.raises(CheckpointError, match=r"above tolerance=0\.0001; .*model\.onnx\.partial is not to be used"):
        exported(lively_checkpoint(), "format=onnx")
    assert not (tmp_path / "out/model.onnx").exists()


def test_the_file_is_whole_in_itself(tmp_path):
    write_onnx(Calibrated(Mean(), None).eval(), 16, {"a": [1, None]}, tmp_path / "a.onnx")
    model = onnx.load(tmp_path / "a.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    assert {one.key: one.value for one in model.metadata_props}["a"] == "[1, null]"
    assert tuple(one.name for one in model.graph.input) == INPUTS
