"""What whoever uses an exported network has to know of it, as plain values."""

from typing import Any

from melanoma.checkpoint import Checkpoint
from melanoma.config import TrainConfig

FORMAT = 1
"""Raised when a value comes to mean something else."""


def facts_of(checkpoint: Checkpoint, trained: TrainConfig) -> dict[str, Any]:
    """Say how an image is made ready, what the codes stand for, and what the probability means.

    Nothing of the training images, nor of the folders that they lay in.
    """
    return {
        "format": FORMAT,
        "model": trained.model.name,
        "backbone": trained.model.backbone,
        "image_size": trained.training.image_size,
        "fit": trained.training.fit,
        "channels": "RGB",
        "sites": checkpoint.sites,
        "sexes": checkpoint.sexes,
        "threshold": checkpoint.threshold,
        "thresholds": checkpoint.thresholds,
        "calibration": checkpoint.calibration,
        "prior": checkpoint.prior,
        "effective_prior": checkpoint.effective_prior,
        "versions": checkpoint.versions,
    }
