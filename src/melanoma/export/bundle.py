"""A checkpoint as safetensors and JSON: the weights without Python, and all else that is known as text."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from melanoma.checkpoint import Checkpoint
from melanoma.config.model import VARIANTS
from melanoma.durable import replace_bytes, replace_text
from melanoma.errors import CheckpointError, ConfigError
from melanoma.evaluation.calibration import Calibration, from_plain
from melanoma.export.facts import FORMAT
from melanoma.models import build_model
from melanoma.schema import build

WEIGHTS, FACTS = "model.safetensors", "model.json"


@dataclass(frozen=True)
class Bundle:
    """A network that gives logits, in evaluation mode, with what is known of it."""

    model: nn.Module
    calibration: Calibration | None
    """Turns its logits into probabilities; None: they are the sigmoid's."""
    facts: dict[str, Any]
    """As in model.json."""


def write_bundle(checkpoint: Checkpoint, facts: dict[str, Any], folder: Path) -> None:
    """Write both files; the JSON last, as it knows the digest of the weights."""
    # Weights that two layers share are written twice, as safetensors has no links.
    tensors = {name: value.contiguous().clone() for name, value in checkpoint.model.items()}
    data = safetensors.torch.save(tensors)
    replace_bytes(folder / WEIGHTS, data)
    # Of the config, what the network is built and was trained with; the rest names folders.
    model = checkpoint.config["model"] | {"pretrained": False, "weights": None}
    config = {"model": model, "training": checkpoint.config["training"]}
    whole = facts | {"config": config, "sha256": sha256(data).hexdigest()}
    replace_text(folder / FACTS, json.dumps(whole, indent=2, allow_nan=False) + "\n")


def load_bundle(folder: Path) -> Bundle:
    """Build the network again; it gives the logits of the checkpoint, to the last bit.

    Raises:
        CheckpointError: if a file is missing, damaged or of a newer melanoma.
    """
    facts = _facts(folder / FACTS)
    try:
        data = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise CheckpointError(f"{folder / WEIGHTS} cannot be read: {error.strerror}") from error
    if sha256(data).hexdigest() != facts["sha256"]:
        raise CheckpointError(f"{folder / WEIGHTS} is not the file that {FACTS} was written with; export it again")
    try:
        values = facts["config"]["model"]
        model = build_model(build(values, VARIANTS[values["name"]]), facts["image_size"])
        model.load_state_dict(safetensors.torch.load(data))
    except (KeyError, ConfigError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{folder} does not fit this melanoma or timm: {' '.join(str(error).split())}") from error
    return Bundle(model.eval(), from_plain(facts["calibration"]), facts)


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is no JSON: {error}") from error
    if not isinstance(facts, dict) or not {"format", "sha256", "config", "image_size", "calibration"} <= facts.keys():
        raise CheckpointError(f"{path} is not one that melanoma-export wrote")
    if facts["format"] > FORMAT:
        raise CheckpointError(f"{path} was written by a newer melanoma; upgrade this one")
    return facts
