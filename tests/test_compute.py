import pytest
import torch

from melanoma.compute import choose_compute, choose_workers
from melanoma.errors import ConfigError


def test_auto_on_a_cpu_is_full_precision():
    compute = choose_compute("cpu", "auto", True)
    assert (compute.device.type, compute.dtype) == ("cpu", torch.float32)
    assert not compute.scaler().is_enabled()


@pytest.mark.parametrize(("native", "dtype"), [((8, 0), torch.bfloat16), ((7, 5), torch.float16)])
def test_auto_on_cuda_takes_bf16_where_it_is_native(monkeypatch, native, dtype):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: native)
    assert choose_compute("auto", "auto", True).dtype == dtype


def test_fp16_needs_a_gpu():
    with pytest.raises(ConfigError, match="bf16"):
        choose_compute("cpu", "fp16", True)


def test_autocast_runs_in_the_chosen_type():
    with choose_compute("cpu", "bf16", True).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with choose_compute("cpu", "fp32", True).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.parametrize("channels_last", [True, False])
def test_model_and_images_share_a_memory_format(channels_last):
    compute = choose_compute("cpu", "fp32", channels_last)
    weight = compute.place(torch.nn.Conv2d(3, 8, 3)).weight
    image = compute.move({"image": torch.zeros(2, 8, 8, 3).permute(0, 3, 1, 2)})["image"]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert weight.is_contiguous(memory_format=layout)
    assert image.is_contiguous(memory_format=layout)


def test_workers():
    assert choose_workers(3, torch.device("cpu")) == 3
    assert choose_workers(None, torch.device("cpu")) == 0
    assert choose_workers(None, torch.device("cuda")) >= 1
