"""How many images a step's memory holds."""

import logging
from collections.abc import Callable

import torch
from torch import nn

from melanoma.compute import Compute
from melanoma.config import TrainConfig
from melanoma.distributed import Ranks
from melanoma.errors import ConfigError
from melanoma.memory import free_megabytes, is_out_of_memory, peak_megabytes
from melanoma.prediction import blank_batch
from melanoma.training.step import train_step
from melanoma.training.trainee import Trainee, make_trainee

MOST = 64
"""Larger batches make a step no faster an image, and change what is learnt."""
_SPARE = 0.85
"""The share of the free memory that is filled: allocators leave gaps, and other programs come and go."""
_TRIED = (2, 4)
"""Batches whose memory is measured: not 1, of which batch norms may have no statistics."""

_log = logging.getLogger(__name__)


def find_batch_size(config: TrainConfig, build: Callable[[], nn.Module], compute: Compute, most: int) -> int:
    """Give the largest batch, of at most `most` images, whose step fits into the memory that is free.

    A model is built and thrown away, with random numbers left as they were.

    Raises:
        ConfigError: if two images do not fit.
    """
    with torch.random.fork_rng():
        trainee = make_trainee(compute.place(build()), config, 1.0, compute, Ranks(), 1)
        found = min(most, _fitting(trainee))
        while not _fits(trainee, found):
            found = found * 3 // 4
    del trainee
    if compute.device.type == "cuda":
        torch.cuda.empty_cache()
    if found < 1:
        raise ConfigError(f"not even two images fit into the memory at {_smaller(config)}")
    _log.info("training.batch_size=auto: %d images fit into the memory", found)
    return found


def no_room(config: TrainConfig, build: Callable[[], nn.Module], compute: Compute) -> ConfigError:
    """Give the error for a step that found no memory, with the batch that would fit.

    To be called outside of the handler of PyTorch's error, whose frames hold the tensors of the step that failed.
    """
    size = config.training.batch_size
    found = find_batch_size(config, build, compute, size)
    fewer = f"training.batch_size={found} would fit" if found < size else "it fits where nothing else runs"
    return ConfigError(
        f"{compute.device.type} has too little memory for training.batch_size={size} at {_smaller(config)}; {fewer}, "
        "and training.accumulate=N gives the gradients of N such batches"
    )


def _smaller(config: TrainConfig) -> str:
    return (
        f"training.image_size={config.training.image_size}: take a smaller one, or "
        "training.activation_checkpointing=true"
    )


def _fitting(trainee: Trainee) -> int:
    """Work out how many images fit, from the memory that a few of them take."""
    peaks = []
    for count in (_TRIED[0], *_TRIED):  # the first step also makes the optimiser's state
        trainee.optimizer.zero_grad(set_to_none=True)  # else the last step's gradients count beside this one's
        try:
            peak = peak_megabytes(lambda: train_step(trainee, [_batch(trainee, count)]), trainee.compute.device)  # noqa: B023
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return max(0, count - 1)
        if peak is None:  # nobody counts on such a device
            return count
        peaks.append(peak)
    _, few, many = peaks
    each = (many - few) / (_TRIED[1] - _TRIED[0])
    return int((_SPARE * free_megabytes(trainee.compute.device) - (few - _TRIED[0] * each)) / each)


def _fits(trainee: Trainee, count: int) -> bool:
    """Try a step, where wanting memory is an error and not the end of the process, as it mostly is on a CPU."""
    if count < 1 or trainee.compute.device.type == "cpu":
        return True
    try:
        train_step(trainee, [_batch(trainee, count)])
    except torch.OutOfMemoryError:
        trainee.optimizer.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        return False
    return True


def _batch(trainee: Trainee, count: int) -> dict[str, torch.Tensor]:
    return blank_batch(trainee.image_size, count) | {
        "target": torch.arange(count).remainder(2).float(),
        "index": torch.arange(count),
    }
