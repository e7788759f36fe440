"""One run: what it reaches on the test patients, and what it costs."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from melanoma.config import CompareConfig, ScoringConfig
from melanoma.errors import DataError
from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.scoring import Opened, Scored, classify, own_threshold, score
from melanoma.prediction import inference_megabytes, inference_milliseconds, model_megabytes

BATCH = 16
"""Images at once where time and memory of a batch are measured."""


@dataclass(frozen=True)
class Measured:
    """One run's figures under the keys of compare.json, and what the pictures need."""

    label: str
    model: str
    """Its model.name."""
    figures: Metrics
    facts: dict[str, str]
    """Where the figures come from."""
    predictions: pd.DataFrame
    """Of the test split, in the table's order."""
    history: pd.DataFrame | None
    """history.csv; None where the run has none."""

    @property
    def auc(self) -> float | None:
        """Give the AUC, None where the test images are of one class."""
        auc = self.figures["auc"]
        return auc if isinstance(auc, float) else None


def scoring_config(config: CompareConfig, checkpoint: Path) -> ScoringConfig:
    """Ask for a checkpoint's test split as `melanoma-eval` would."""
    return ScoringConfig(
        checkpoint=[str(checkpoint)],
        ensemble="logits",
        tta="none",
        crops=1,
        crop_scale=1.0,
        calibrate=None,
        split="test",
        device=config.device,
        data=config.data,
        reader=None,
        cache=config.cache,
        workers=config.workers,
    )


def measure(opened: Opened, config: ScoringConfig, directory: Path, label: str) -> Measured:
    """Score the test split and time the model; its AUC has no interval yet, which takes all runs' draws.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    scored = score(opened, config)
    history = _history(directory / "history.csv")
    figures = (
        classify(scored.predictions, opened.split, own_threshold(opened)) | _learning(history) | _cost(scored, opened)
    )
    model = opened.trained.model.name
    return Measured(label, model, figures, _facts(opened, directory), scored.predictions, history)


def _cost(scored: Scored, opened: Opened) -> Metrics:
    model, size, compute = scored.model, opened.own.training.image_size, opened.compute
    return {
        "inference_ms_per_image": inference_milliseconds(model, size, compute),
        f"inference_ms_per_image_batch_{BATCH}": inference_milliseconds(model, size, compute, BATCH, repeats=10),
        f"inference_peak_megabytes_batch_{BATCH}": inference_megabytes(model, size, compute, BATCH),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "model_megabytes": model_megabytes(model),
    }


def _learning(history: pd.DataFrame | None) -> Metrics:
    if history is None:
        return {"epochs": None, "epoch_seconds": None}
    return {"epochs": len(history), "epoch_seconds": float(history["epoch_seconds"].median())}


def _history(path: Path) -> pd.DataFrame | None:
    """Read history.csv; raise DataError for one that is not ours."""
    if not path.is_file():
        return None
    try:
        history = pd.read_csv(path)
        columns = history[["epoch", "epoch_seconds", "val/auc", "val/loss"]].astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} is not a history that melanoma-train wrote; remove it to compare without it"
        ) from error
    if columns[["epoch", "epoch_seconds"]].isna().any(axis=None) or columns.empty:
        raise DataError(f"{path} lacks epochs or their seconds; remove it to compare without it")
    return columns


def _facts(opened: Opened, directory: Path) -> dict[str, str]:
    checkpoint, trained, compute = opened.checkpoint, opened.trained, opened.compute
    return {
        # The folders above say whose machine it was.
        "Directory": str(Path(*directory.parts[-2:])),
        "Model": f"{trained.model.name} on {trained.model.backbone}",
        "Image size": f"{trained.training.image_size} px, {trained.training.fit}",
        "Best epoch": str(checkpoint.epoch),
        "Trained on": " and ".join([trained.data.name, *trained.data.extra]),
        "Training device": _device(directory / "environment.json"),
        "Measured in": f"{compute.device.type}, {str(compute.dtype).removeprefix('torch.')}",
    }


def _device(environment: Path) -> str:
    try:
        return str(json.loads(environment.read_text(encoding="utf-8"))["device"])
    except (OSError, ValueError, KeyError, TypeError):
        return "not known"
