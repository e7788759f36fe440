"""A checkpoint -> its network, on the device that is to use it."""

from dataclasses import replace

import torch
from torch import nn

from melanoma.checkpoint import Checkpoint
from melanoma.compute import Compute, choose_compute
from melanoma.config import TrainConfig
from melanoma.errors import CheckpointError
from melanoma.models import build_model
from melanoma.models.views import Views, view_count


def rebuild(checkpoint: Checkpoint, trained: TrainConfig, path: str) -> nn.Module:
    """Build the network that the checkpoint's own config describes, with its weights; nothing is fetched.

    Raises:
        CheckpointError: if the weights, which lie in `path`, do not fit.
    """
    model = build_model(replace(trained.model, pretrained=False, weights=None), trained.training.image_size)
    try:
        model.load_state_dict(checkpoint.model)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path} holds weights that do not fit its own model {trained.model.name} on "
            f"{trained.model.backbone}; use the timm version that wrote it, {checkpoint.versions.get('timm')}"
        ) from error
    return model


def place(
    checkpoint: Checkpoint, trained: TrainConfig, path: str, compute: Compute, tta: str = "none", crops: int = 1
) -> nn.Module:
    """Rebuild the network where it is to compute, averaging over the views of an image that are asked for.

    Raises:
        CheckpointError: if the weights, which lie in `path`, do not fit.
    """
    model = rebuild(checkpoint, trained, path)
    if view_count(tta, crops) > 1:
        model = Views(model, tta, crops, trained.training.image_size)
    return compute.place(model)


def compute_like(trained: TrainConfig, device: str) -> Compute:
    """Compute as in training, on `device`: auto, cpu or cuda.

    Raises:
        ConfigError: if there is no such device.
    """
    precision = trained.training.precision
    if precision == "fp16" and (device == "cpu" or not torch.cuda.is_available()):
        precision = "auto"  # a CPU has no fp16 kernels
    return choose_compute(device, precision, trained.training.channels_last, trained.training.tf32)
