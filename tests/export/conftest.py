"""Checkpoints whose networks are small, and in which every weight matters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from melanoma.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from melanoma.config import TrainConfig, compose, resolve
from melanoma.models import build_model


@pytest.fixture
def lively_checkpoint(trained: Path, tmp_path: Path) -> Callable[..., Path]:
    """Save a checkpoint of a variant with drawn weights, and further values."""

    def make(variant: str = "standard", backbone: str = "test_resnet", *options: str, **values: Any) -> Path:
        words = [f"model={variant}", f"model.backbone={backbone}", "model.pretrained=false", "training.image_size=64"]
        config = resolve(compose("train", [*words, "device=cpu", *options]), TrainConfig)
        model = drawn(build_model(config.model, 64))
        checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
        plain = checkpoint.config | {"model": vars(config.model)}
        plain["training"] = plain["training"] | {"image_size": 64}
        for name, value in {"model": model.state_dict(), "config": plain, **values}.items():
            setattr(checkpoint, name, value)
        save_checkpoint(checkpoint, tmp_path / f"{variant}.pt")
        return tmp_path / f"{variant}.pt"

    return make


def drawn(model: torch.nn.Module) -> torch.nn.Module:
    """Draw all weights, and have batch norms know what comes of them, so that images differ in their logits."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0.0, parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3)
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.momentum = 1.0
    model.train()(torch.randint(0, 256, (8, 3, 64, 64)).byte(), torch.arange(8) % 7, torch.arange(8) % 3, torch.rand(8))
    return model


@pytest.fixture
def opened() -> Callable[[Path], tuple[Checkpoint, torch.nn.Module]]:
    """Open a checkpoint and build its network."""
    from melanoma.trained import rebuild

    def run(path: Path) -> tuple[Checkpoint, torch.nn.Module]:
        checkpoint, trained = load_checkpoint(path, TrainConfig)
        return checkpoint, rebuild(checkpoint, trained, str(path)).eval()

    return run


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., Path]:
    """Export a checkpoint; give the folder."""
    from melanoma.config import ExportConfig
    from melanoma.export.run import export

    def run(checkpoint: Path, *overrides: str) -> Path:
        export(resolve(compose("export", [f"checkpoint={checkpoint}", *overrides]), ExportConfig), tmp_path / "out")
        return tmp_path / "out"

    return run
