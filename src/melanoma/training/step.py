"""One optimiser step, in two halves: what is launched on the device, and what waits for it."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from melanoma.data.dataset import Batch
from melanoma.prediction import blank_batch, forward
from melanoma.training.trainee import Trainee

Launched = tuple[Tensor, int]
"""The mean loss, still on the device, and the images of all processes."""


def train_step(trainee: Trainee, window: Sequence[Batch]) -> tuple[float | None, int]:
    """Take one step on a window of batches, whose gradients are those of a single large batch.

    Returns:
        The mean loss, or None where the step was skipped; and the images, of all processes.
    """
    return finish(trainee, launch(trainee, window))


def launch(trainee: Trainee, window: Sequence[Batch]) -> Launched:
    """Start forward and backward pass."""
    ranks = trainee.ranks
    trainee.optimizer.zero_grad(set_to_none=True)
    trainee.buffers_before.keep()
    images = int(ranks.sum(torch.tensor(sum(len(batch["index"]) for batch in window))))
    # Every process has to take part in the sum of gradients, also one whose images are all unreadable.
    batches = window or ([_nothing(trainee)] if ranks.count > 1 else [])
    mean = torch.zeros((), device=trainee.compute.device)
    for at, batch in enumerate(batches, 1):
        # DistributedDataParallel gives the mean over processes; times their number, it is the sum.
        share = len(batch["index"]) * ranks.count / max(images, 1)
        if at < len(batches):
            with ranks.without_sum(trainee.network):
                mean += _backward(trainee, batch, share)
        else:
            mean += _backward(trainee, batch, share)
    return ranks.sum(mean) / ranks.count, images


def finish(trainee: Trainee, launched: Launched) -> tuple[float | None, int]:
    """Wait for the device, then change the weights, unless loss or gradient is not finite.

    A step that is skipped leaves batch statistics as they were, too.
    """
    mean, images = launched
    if images == 0:
        trainee.buffers_before.restore()  # of a batch that stood in for nothing
        return 0.0, 0
    trainee.scaler.unscale_(trainee.optimizer)
    parameters = [parameter for parameter in trainee.model.parameters() if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in parameters])  # type: ignore[misc]
    loss, length = torch.stack([mean, norm]).tolist()
    finite = math.isfinite(loss) and math.isfinite(length)
    if not finite:
        trainee.buffers_before.restore()
    else:
        if trainee.clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(parameters, trainee.clip_norm, norm)
        trainee.scaler.step(trainee.optimizer)
    trainee.scaler.update()
    return loss if finite else None, images


def _backward(trainee: Trainee, batch: Batch, share: float) -> Tensor:
    moved = trainee.compute.move(batch)
    loss: Tensor = trainee.loss(forward(trainee.network, moved, trainee.compute), moved["target"]) * share
    if trainee.activation_checkpointing:
        trainee.buffers_after.keep()
    torch.autograd.backward(trainee.scaler.scale(loss))
    if trainee.activation_checkpointing:
        # The backward pass computes activations anew, and with them moves batch statistics a second time.
        trainee.buffers_after.restore()
    return loss.detach()


def _nothing(trainee: Trainee) -> Batch:
    """Make a batch that counts for 0 images."""
    none = torch.zeros(0, dtype=torch.int64)
    return blank_batch(trainee.image_size, 1) | {"target": torch.zeros(1), "index": none}
