"""Checkpoints: plain values and tensors in one file, saved so that a kill at any moment leaves a whole one."""

import hashlib
import io
import pickle
import zipfile
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from melanoma.durable import known_digests, replace_file
from melanoma.errors import CheckpointError, ConfigError
from melanoma.schema import build

FORMAT = 1
"""Raised when a checkpoint gets a field that older code cannot do without."""


@dataclass
class Checkpoint:
    """All that evaluation needs, so that it never asks for the training CSV."""

    model: dict[str, torch.Tensor]
    config: dict[str, Any]
    sites: list[str]
    """Word of each site code, from 1."""
    sexes: list[str]
    prior: float
    """Share of positives in the training split."""
    effective_prior: float
    """Share of positives that loss and sampling make of it; what calibration has to undo."""
    pos_weight: float
    """Weight of a positive in the loss."""
    threshold: float | None
    """Chosen on the validation split; None if that holds one class only."""
    splits: dict[str, str]
    """Split of every image of the training data set."""
    split_hash: str
    epoch: int
    val_auc: float | None
    versions: dict[str, str]
    format: int = FORMAT
    thresholds: dict[str, float] | None = None
    """Further ones by name, chosen likewise."""
    calibration: dict[str, Any] | None = None
    """Turns logits into probabilities, from `melanoma.evaluation.calibration`; the thresholds are on its scale."""
    digests: dict[str, torch.Tensor] | None = None
    """Hashes of the images in the order of `splits`, from `melanoma.data.digests`; None where none were made."""
    training: dict[str, Any] | None = None
    """What a run is gone on with, from `melanoma.training.state`; None where it is only for evaluation."""


def save_checkpoint(checkpoint: Checkpoint, path: Path, previous: Path | None = None) -> None:
    """Write the checkpoint and its .sha256; the old file stays whole until the new one is.

    Args:
        checkpoint: What to save.
        path: Where.
        previous: Where the old file goes; None drops it.

    Raises:
        CheckpointError: if the disk refuses.
    """
    buffer = io.BytesIO()
    torch.save({field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}, buffer)
    try:
        replace_file(path, buffer.getbuffer(), previous)
    except OSError as error:
        path.with_suffix(".tmp").unlink(missing_ok=True)
        raise CheckpointError(
            f"{path} could not be saved: {error.strerror}; an earlier checkpoint there is intact"
        ) from error


def load_checkpoint(path: Path, schema: type[Any]) -> tuple[Checkpoint, Any]:
    """Read a checkpoint, and its config as `schema`.

    Raises:
        CheckpointError: if it is missing, damaged, holds code, or is not one of ours.
    """
    data = _read(path)
    known = known_digests(path)
    if known and hashlib.sha256(data).hexdigest() not in known:
        raise CheckpointError(f"{path} does not match its .sha256: it is damaged; use another checkpoint")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            damaged = archive.testzip()  # torch itself does not look at the checksums
        if damaged is not None:
            raise CheckpointError(f"{path} is damaged; use another checkpoint")
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path} holds objects other than plain values and was not opened") from error
    # What zipfile and torch raise on damaged bytes; none is passed over, each becomes the error that names the file.
    except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError, NotImplementedError) as error:
        raise CheckpointError(f"{path} is cut short, damaged or not a checkpoint") from error
    return _from_plain(content, path, schema)


def _from_plain(content: Any, path: Path, schema: type[Any]) -> tuple[Checkpoint, Any]:
    needed = {field.name for field in fields(Checkpoint) if field.default is MISSING}
    if not isinstance(content, dict) or not needed <= content.keys():
        raise CheckpointError(f"{path} is not a checkpoint of melanoma-train")
    if content["format"] > FORMAT:
        raise CheckpointError(f"{path} was written by a newer melanoma; upgrade this one")
    known = {field.name for field in fields(Checkpoint)}
    checkpoint = Checkpoint(**{name: value for name, value in content.items() if name in known})
    try:
        return checkpoint, build(checkpoint.config, schema)
    except ConfigError as error:
        wrote = checkpoint.versions.get("melanoma")
        raise CheckpointError(f"{path} was written by melanoma {wrote}, which reads it; here {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"checkpoint={path} cannot be read: {error.strerror}; a run keeps it in checkpoints/best.pt"
        ) from error
