"""Two finished runs, and figures made up where no model is needed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from melanoma.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from melanoma.compare.measure import Measured
from melanoma.compare.paired import compare_pairs
from melanoma.compare.results import Results
from melanoma.config import TrainConfig
from melanoma.evaluation.intervals import bootstrap_aucs, percentile_interval
from melanoma.evaluation.metrics import classification_metrics


@pytest.fixture(scope="session")
def other(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run like `trained`, from another seed."""
    return _changed(trained, tmp_path_factory.mktemp("runs") / "other", lambda one: one.config.update(seed=7))


@pytest.fixture
def changed(trained: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copy `trained` with a change to its checkpoint."""
    return lambda name, change: _changed(trained, tmp_path / name, change)


def _changed(run: Path, copy: Path, change: Callable[[Checkpoint], Any]) -> Path:
    shutil.copytree(run, copy)
    checkpoint, _ = load_checkpoint(run / "checkpoints/best.pt", TrainConfig)
    # Other predictions than those of `run`, whatever its weights.
    checkpoint.model["classifier.weight"] = checkpoint.model["classifier.weight"].flip(1)
    change(checkpoint)
    save_checkpoint(checkpoint, copy / "checkpoints/best.pt")
    return copy


@pytest.fixture
def results() -> Callable[..., Results]:
    """Make results of runs from their names, strengths and a target."""

    def make(
        strengths: dict[str, float], target: list[int] | None = None, baseline: str | None = None, **figures: Any
    ) -> Results:
        rng = np.random.default_rng(0)
        labels = np.array(rng.integers(0, 2, 80) if target is None else target)
        patient = np.arange(len(labels)) // 2
        noise = rng.normal(0, 1, len(labels))
        scores = {
            name: 1 / (1 + np.exp(-(strength * labels + noise + rng.normal(0, 0.5, len(labels)))))
            for name, strength in strengths.items()
        }
        draws = bootstrap_aucs(labels, list(scores.values()), patient, 100, 0)
        runs = []
        for place, (name, score) in enumerate(scores.items()):
            interval = None if draws is None else percentile_interval(draws[place])
            low, high = interval or (None, None)
            measured = classification_metrics(labels, score, 0.5) | {"auc_ci_low": low, "auc_ci_high": high}
            runs.append(_measured(name, place, labels, score, patient, measured | figures))
        pairs = compare_pairs(
            labels,
            scores,
            {run.label: run.auc for run in runs},
            None if draws is None else dict(zip(scores, draws, strict=True)),
            baseline,
        )
        return Results(runs, pairs, baseline, 100)

    return make


def _measured(name: str, place: int, target: Any, score: Any, patient: Any, figures: Any) -> Measured:
    cost = {
        "split": "test",
        "n_patients": len(set(patient)),
        "epochs": 3,
        "epoch_seconds": 4.0 + place,
        "inference_ms_per_image": 1.0 + place,
        "inference_ms_per_image_batch_16": 0.5,
        "inference_peak_megabytes_batch_16": None,
        "parameters": 1000 * (place + 1),
        "model_megabytes": 0.004 * (place + 1),
    }
    predictions = pd.DataFrame(
        {
            "image_name": [f"i{row}" for row in range(len(target))],
            "patient_id": [f"p{row}" for row in patient],
            "target": target,
            "probability": score,
        }
    )
    history = pd.DataFrame({"epoch": [1, 2, 3], "val/auc": [0.6, np.nan, 0.7], "val/loss": [0.9, 0.8, 0.7]})
    return Measured(name, name.split()[0], cost | figures, {"Directory": f"runs/{place}"}, predictions, history)
