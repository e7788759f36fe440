"""Model and loader -> a table of predictions; training and evaluation share it, so their numbers agree."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from melanoma.compute import Compute, choose_workers
from melanoma.config import TrainConfig
from melanoma.data.dataset import Batch
from melanoma.data.loader import Loader, make_loader
from melanoma.data.readers import Reader
from melanoma.distributed import Ranks
from melanoma.errors import DataError, DivergedError
from melanoma.memory import peak_megabytes

COLUMNS = (
    "image_name",
    "patient_id",
    "sex",
    "age_approx",
    "anatom_site_general_challenge",
    "target",
    "logit",
    "probability",
)
"""The columns of every predictions*.csv, in order."""


def open_loader(
    table: pd.DataFrame, reader: Reader, config: TrainConfig, compute: Compute, workers: int | None
) -> Loader:
    """Read the table's images in order, unaltered, as `compute` takes them best; `workers` None lets it choose."""
    return make_loader(
        table,
        reader,
        config,
        learn=False,
        workers=choose_workers(workers, compute.device),
        pin_memory=compute.device.type == "cuda",
    )


def predict(
    model: nn.Module,
    loader: Loader,
    compute: Compute,
    description: str,
    ranks: Ranks = Ranks(),  # noqa: B008 frozen
    after_batch: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Score every readable image of the loader's table, in the table's order.

    Each process scores its own share, and all get the whole; an image counts once. `after_batch` is called in a
    process that is alone, as several may have unequal numbers of batches.

    Raises:
        DataError: if no image could be read.
        DivergedError: if a logit is not finite.
    """
    indices, logits = [torch.zeros(0, dtype=torch.int64)], [torch.zeros(0, device=compute.device)]
    for batch, scores in score_batches(model, loader, compute, description, ranks):
        indices.append(batch["index"])
        logits.append(scores)
        if ranks.count == 1:
            after_batch()
    shares = ranks.gather((torch.cat(indices).numpy(), torch.cat(logits).cpu().double().numpy()))
    return _table(loader.table, *(np.concatenate(parts) for parts in zip(*shares, strict=True)))


def score_batches(
    model: nn.Module,
    loader: Loader,
    compute: Compute,
    description: str,
    ranks: Ranks = Ranks(),  # noqa: B008 frozen
) -> Iterator[tuple[Batch, torch.Tensor]]:
    """Yield each batch as it was loaded, with its logits (B,) on the device; nothing of it is kept."""
    model.eval()
    with tqdm(
        total=len(loader.table),
        desc=description,
        unit=" images",
        leave=False,
        disable=None if ranks.first else True,
    ) as bar:
        for batch in loader.epoch():
            # Around the forward pass alone: around the yield, it would hold for whoever takes the batch.
            with torch.inference_mode():
                logits = forward(model, compute.move(batch), compute)
            yield batch, logits
            bar.update(len(batch["index"]) * ranks.count)


def _table(table: pd.DataFrame, rows: NDArray[np.int64], logits: NDArray[np.float64]) -> pd.DataFrame:
    if not len(rows):
        raise DataError("none of the images to predict could be read")
    require_finite(logits)
    order = np.argsort(rows)
    scored = table.iloc[rows[order]].assign(logit=logits[order])
    scored["probability"] = to_probability(scored["logit"].to_numpy())
    return scored[list(COLUMNS)]


def require_finite(logits: NDArray[np.float64]) -> None:
    """Raise DivergedError if a logit is not finite."""
    if not np.isfinite(logits).all():
        raise DivergedError("the model gives logits that are not finite; train again with a lower training.lr")


def to_probability(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits into probabilities."""
    return np.asarray(np.exp(-np.logaddexp(0, -logit)))  # 1 / (1 + exp(-logit)) overflows far out


def forward(model: nn.Module, batch: Batch, compute: Compute) -> torch.Tensor:
    """Give the logits (B,) in float32 of a batch that is on the device."""
    with compute.autocast():
        logits: torch.Tensor = model(batch["image"], batch["site"], batch["sex"], batch["age"])
    return logits.float()


def inference_milliseconds(
    model: nn.Module, image_size: int, compute: Compute, batch_size: int = 1, repeats: int = 20
) -> float:
    """Measure the median time an image in a batch, after a warm-up, without reading it from disk."""
    model.eval()
    batch = compute.move(blank_batch(image_size, batch_size))
    times = []
    with torch.inference_mode():
        for _ in range(repeats + 3):
            started = time.perf_counter()
            forward(model, batch, compute).cpu()  # the copy waits for the device
            times.append(time.perf_counter() - started)
    return float(np.median(times[3:]) * 1000 / batch_size)


def inference_megabytes(model: nn.Module, image_size: int, compute: Compute, batch_size: int) -> float | None:
    """Measure the peak memory of weights, one batch and its forward pass, in units of 10^6 bytes.

    None where `peak_megabytes` knows none.
    """
    model.eval()
    with torch.inference_mode():
        added = peak_megabytes(
            lambda: forward(model, compute.move(blank_batch(image_size, batch_size)), compute), compute.device
        )
    return None if added is None else added + model_megabytes(model)


def blank_batch(image_size: int, batch_size: int) -> Batch:
    """Make black images of which nothing is known, laid out as the loader's are."""
    unknown = torch.zeros(batch_size, dtype=torch.int64)
    return {
        "image": torch.zeros(batch_size, image_size, image_size, 3, dtype=torch.uint8).permute(0, 3, 1, 2),
        "site": unknown,
        "sex": unknown,
        "age": torch.full((batch_size,), torch.nan),
    }


def model_megabytes(model: nn.Module) -> float:
    """Give the size of weights and buffers in units of 10^6 bytes."""
    tensors = [*model.parameters(), *model.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6
