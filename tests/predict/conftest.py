"""Predictions of tiny images, by checkpoints like `trained`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from melanoma.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from melanoma.config import PredictConfig, TrainConfig, compose, resolve


@pytest.fixture
def changed(trained: Path, tmp_path: Path) -> Callable[..., Path]:
    """Save the trained checkpoint again, with a change."""

    def make(name: str, change: Callable[[Checkpoint], Any]) -> Path:
        checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
        change(checkpoint)
        save_checkpoint(checkpoint, tmp_path / name)
        return tmp_path / name

    return make


@pytest.fixture
def predicted(trained: Path, demo_root: Path, tmp_path: Path) -> Callable[..., pd.DataFrame]:
    """Predict the demo's images, or others, into tmp_path/predict; give predictions.csv."""
    from melanoma.predict.run import predict

    def run(*overrides: str, checkpoint: object = trained, images: object = demo_root / "jpeg") -> pd.DataFrame:
        words = [f"checkpoint={checkpoint}", f"images={images}", "device=cpu", f"cache={tmp_path}/cache", *overrides]
        predict(resolve(compose("predict", words), PredictConfig), tmp_path / "predict")
        return read(tmp_path / "predict/predictions.csv")

    return run


def read(path: Path) -> pd.DataFrame:
    """Read a table with numbers as the text that they were written as."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@pytest.fixture
def table() -> Callable[[Path], pd.DataFrame]:
    """Read a table with numbers as the text that they were written as."""
    return read
