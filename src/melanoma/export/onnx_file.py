"""A network as one ONNX file, and whether onnxruntime gives what PyTorch gives."""

import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import onnxscript  # noqa: F401 torch writes ONNX with it
import torch
from torch import Tensor, nn

from melanoma.vocabulary import SEXES, SITES

INPUTS, OUTPUT = ("image", "site", "sex", "age"), "probability"
BATCH_SIZES = (1, 3)
"""On which the two are compared; the network is traced on another."""

Batch = tuple[Tensor, Tensor, Tensor, Tensor]

for _name in ("onnxscript", "onnx_ir"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # they tell of every node


def write_onnx(network: nn.Module, image_size: int, facts: dict[str, Any], path: Path) -> None:
    """Write a network that takes a batch, of any size, with each fact as JSON in the file's metadata."""
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings(), torch.no_grad():
        # All inputs share the batch's size, and torch says so of each.
        warnings.filterwarnings("ignore", "# The axis name: batch will not be used", UserWarning)
        program: Any = torch.onnx.export(
            network,
            _draw(2, image_size, known=True, seed=0),
            dynamo=True,
            dynamic_shapes=({0: batch},) * len(INPUTS),
            input_names=INPUTS,
            output_names=[OUTPUT],
            verbose=False,
        )
    program.model.metadata_props.update({name: json.dumps(value) for name, value in facts.items()})
    program.save(path)
    onnx.checker.check_model(str(path), full_check=True)


def largest_difference(path: Path, network: nn.Module, image_size: int, seed: int) -> float:
    """Compare the file in onnxruntime with the network, on drawn images with known and unknown metadata.

    Returns:
        The largest difference of a probability; NaN where one of the two gives none.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    differences = []
    for batch in _batches(image_size, seed):
        (found,) = session.run([OUTPUT], {name: value.numpy() for name, value in zip(INPUTS, batch, strict=True)})
        with torch.inference_mode():
            expected = network(*batch).numpy()
        if found.shape != expected.shape:
            return np.nan
        differences.append(np.abs(found - expected).max())
    return float(np.max(differences))


def _batches(image_size: int, seed: int) -> Iterator[Batch]:
    for count in BATCH_SIZES:
        for known in (True, False):
            yield _draw(count, image_size, known=known, seed=seed + count)


def _draw(count: int, image_size: int, *, known: bool, seed: int) -> Batch:
    """Draw images of noise and of coloured squares, in turns, and metadata."""
    generator = torch.Generator().manual_seed(seed)

    def integers(low: int, high: int, *shape: int, dtype: torch.dtype = torch.int64) -> Tensor:
        return torch.randint(low, high, shape, dtype=dtype, generator=generator)

    noise = integers(0, 256, count, 3, image_size, image_size, dtype=torch.uint8)
    squares = nn.functional.interpolate(integers(0, 256, count, 3, 4, 4, dtype=torch.uint8), size=noise.shape[2:])
    image = torch.where((torch.arange(count) % 2 == 0)[:, None, None, None], squares, noise)
    if not known:
        nothing = torch.zeros(count, dtype=torch.int64)
        return image, nothing, nothing, torch.full((count,), torch.nan)
    site, sex = integers(1, len(SITES) + 1, count), integers(1, len(SEXES) + 1, count)
    return image, site, sex, integers(10, 90, count).float()
