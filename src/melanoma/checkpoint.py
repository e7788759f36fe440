"""Checkpoints: plain values and tensors in one file, saved so that a kill at any moment leaves a whole one."""

import hashlib
import io
import os
import pickle
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

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
    temperature: float | None
    """Divides the logits once calibration has been fitted."""
    splits: dict[str, str]
    """Split of every image of the training data set."""
    split_hash: str
    epoch: int
    val_auc: float | None
    versions: dict[str, str]
    format: int = FORMAT


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write the checkpoint and its .sha256; the old file stays whole until the new one is.

    Raises:
        CheckpointError: if the disk refuses.
    """
    buffer = io.BytesIO()
    torch.save({field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}, buffer)
    data = buffer.getvalue()
    digest, old = hashlib.sha256(data).hexdigest(), _known_digests(path)
    try:
        _replace(path.with_suffix(".tmp"), path, data, _digest_file(path), [digest, *old])
        _write(_digest_file(path), _digest_lines([digest], path))
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
    known = _known_digests(path)
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
    except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError, NotImplementedError) as error:
        raise CheckpointError(f"{path} is cut short, damaged or not a checkpoint") from error
    return _from_plain(content, path, schema)


def _from_plain(content: Any, path: Path, schema: type[Any]) -> tuple[Checkpoint, Any]:
    names = {field.name for field in fields(Checkpoint)}
    if not isinstance(content, dict) or not names <= content.keys():
        raise CheckpointError(f"{path} is not a checkpoint of melanoma-train")
    if content["format"] > FORMAT:
        raise CheckpointError(f"{path} was written by a newer melanoma; upgrade with pip install -U melanoma")
    checkpoint = Checkpoint(**{name: content[name] for name in names})
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


def _replace(temporary: Path, path: Path, data: bytes, digest_file: Path, digests: list[str]) -> None:
    _write(temporary, data)
    # Both the old and the new file are good until the swap is done.
    _write(digest_file, _digest_lines(digests, path))
    os.replace(temporary, path)
    _sync_folder(path.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _digest_lines(digests: list[str], path: Path) -> bytes:
    return "".join(f"{digest}  {path.name}\n" for digest in digests).encode()


def _known_digests(path: Path) -> list[str]:
    file = _digest_file(path)
    return [line.split()[0] for line in file.read_text().splitlines() if line] if file.is_file() else []
