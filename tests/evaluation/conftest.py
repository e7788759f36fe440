"""Checkpoints like `trained`, and evaluations of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from melanoma.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from melanoma.config import EvalConfig, TrainConfig, compose, resolve
from melanoma.data.splits import draw_splits


@pytest.fixture
def member(trained: Path, tmp_path: Path) -> Callable[..., str]:
    """Save a run like `trained` that gives other predictions; give its directory."""

    def make(name: str, change: Callable[[Checkpoint, TrainConfig], Any] = lambda one, config: None) -> str:
        checkpoint, config = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
        weight = checkpoint.model["classifier.weight"]
        checkpoint.model["classifier.weight"] = weight.roll(sum(map(ord, name)), 1)
        change(checkpoint, config)
        (tmp_path / name / "checkpoints").mkdir(parents=True)
        (tmp_path / name / ".hydra").mkdir()
        save_checkpoint(checkpoint, tmp_path / name / "checkpoints/best.pt")
        return str(tmp_path / name)

    return make


@pytest.fixture
def other_validation() -> Callable[[Checkpoint, TrainConfig], None]:
    """Give a change that makes a checkpoint validated on other images, for `member`."""

    def change(checkpoint: Checkpoint, config: TrainConfig) -> None:
        swap = {"train": "val", "val": "train", "test": "test"}
        checkpoint.splits = {name: swap[split] for name, split in checkpoint.splits.items()}
        checkpoint.threshold = 0.8

    return change


@pytest.fixture
def fold(member: Callable[..., str], trained: Path, demo_root: Path) -> Callable[..., str]:
    """Save a run that tested on one of three folds."""
    table = pd.read_csv(trained / "splits.csv", dtype=str).merge(
        pd.read_csv(demo_root / "train.csv", dtype={"image_name": str})[["image_name", "target"]], on="image_name"
    )

    def make(number: int, name: str | None = None, **options: Any) -> str:
        def change(checkpoint: Checkpoint, config: TrainConfig) -> None:
            split = config.split
            for key, value in {"folds": 3, "fold": number, **options}.items():
                setattr(split, key, value)
            checkpoint.config["split"] |= vars(split)
            checkpoint.splits = dict(zip(table["image_name"], draw_splits(table, split), strict=True))
            checkpoint.threshold = 0.2 + 0.1 * number

        return member(name or f"sweep/{number}_standard", change)

    return make


@pytest.fixture
def scored(tmp_path: Path) -> Callable[..., tuple[dict[str, Any], pd.DataFrame, str]]:
    """Evaluate checkpoints; give metrics, predictions and the page."""
    from melanoma.evaluation.run import evaluate

    def run(*paths: str, options: tuple[str, ...] = ()) -> tuple[dict[str, Any], pd.DataFrame, str]:
        words = [f"checkpoint=[{','.join(paths)}]", "device=cpu", "bootstrap_draws=100", *options]
        folder = tmp_path / "eval"
        evaluate(resolve(compose("eval", words), EvalConfig), folder)
        predictions = pd.read_csv(folder / "predictions.csv", dtype={"image_name": str, "patient_id": str})
        return json.loads((folder / "metrics.json").read_text()), predictions, (folder / "report.html").read_text()

    return run
