"""A checkpoint -> model.onnx, model.safetensors and model.json, in reading order."""

import os
from pathlib import Path
from types import ModuleType
from typing import Any

from melanoma.checkpoint import load_checkpoint
from melanoma.config import ExportConfig, TrainConfig
from melanoma.errors import CheckpointError, ConfigError
from melanoma.evaluation.calibration import from_plain
from melanoma.evaluation.run_folders import find_checkpoints
from melanoma.export.bundle import write_bundle
from melanoma.export.facts import facts_of
from melanoma.export.network import Calibrated
from melanoma.trained import rebuild

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def export(config: ExportConfig, run_dir: Path) -> None:
    """Write what `format` names into `run_dir`.

    Raises:
        MelanomaError: of the kind that says what the user can mend; CheckpointError also if onnxruntime gives other
            probabilities than PyTorch.
    """
    onnx_file = None if config.format == "bundle" else _onnx_file()
    path, *others = find_checkpoints([config.checkpoint])
    if others:
        raise ConfigError(f"checkpoint={config.checkpoint} holds {len(others) + 1} checkpoints; name one of them")
    checkpoint, trained = load_checkpoint(path, TrainConfig)
    network = Calibrated(rebuild(checkpoint, trained, str(path)), from_plain(checkpoint.calibration)).eval()
    facts = facts_of(checkpoint, trained)
    run_dir.mkdir(parents=True, exist_ok=True)
    if onnx_file is not None:
        _write_onnx(onnx_file, network, facts, config, run_dir / "model.onnx")
    if config.format != "onnx":
        write_bundle(checkpoint, facts, run_dir)
        print(f"bundle {run_dir}")


def _write_onnx(
    onnx_file: ModuleType, network: Calibrated, facts: dict[str, Any], config: ExportConfig, path: Path
) -> None:
    """Write the file, which has its name only once its probabilities are PyTorch's."""
    partial, size = path.with_name(path.name + ".partial"), facts["image_size"]
    onnx_file.write_onnx(network, size, facts, partial)
    difference = onnx_file.largest_difference(partial, network, size, config.seed)
    found = f"largest difference of a probability between onnxruntime and PyTorch: {difference:.2g}"
    if not difference <= config.tolerance:  # nor NaN
        raise CheckpointError(f"{found}, above tolerance={config.tolerance:g}; {partial} is not to be used")
    os.replace(partial, path)
    print(f"{found} (tolerance {config.tolerance:g})")
    print(f"onnx {path}")


def _onnx_file() -> ModuleType:
    try:
        from melanoma.export import onnx_file
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        raise ConfigError(
            f"format=onnx needs {', '.join(PACKAGES)}: pip install {' '.join(PACKAGES)}; format=bundle needs none"
        ) from error
    return onnx_file
