"""Where and how precisely tensors are computed: device, autocast type, memory format."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from melanoma.cores import cores
from melanoma.errors import ConfigError

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Compute:
    """One choice for a whole run, so that training and evaluation cannot differ."""

    device: torch.device
    dtype: torch.dtype
    channels_last: bool

    def autocast(self) -> AbstractContextManager[None]:
        """Run the forward pass in `dtype`; does nothing for fp32."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def scaler(self) -> torch.amp.GradScaler:
        """Scale gradients where fp16 would lose the small ones; does nothing otherwise."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

    def place(self, model: nn.Module) -> nn.Module:
        """Move a model to the device, in the memory format that its convolutions like."""
        model = model.to(self.device)
        return model.to(memory_format=torch.channels_last) if self.channels_last else model

    def move(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Move a batch to the device without waiting for it."""
        moved = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
        if not self.channels_last:
            moved["image"] = moved["image"].contiguous()
        return moved


def choose_compute(device: str, precision: str, channels_last: bool, tf32: bool = True) -> Compute:
    """Turn the config's words into a device and a type.

    On a GPU, also let fp32 products be rounded to TF32 if asked for. cuDNN is not told to try which of its ways is
    quickest (`torch.backends.cudnn.benchmark`): that takes up to 25 s for each shape of batch at 1024 px, and its own
    choice was as quick (docs/benchmarks.md).

    Raises:
        ConfigError: if CUDA is asked for and not there, or fp16 on a CPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device=cuda, but PyTorch finds no CUDA device; use device=auto or device=cpu")
    chosen = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
    if chosen.type == "cpu" and precision == "fp16":
        raise ConfigError("training.precision=fp16 needs a CUDA device; use auto, fp32 or bf16 on a CPU")
    if precision == "auto":
        precision = _native_precision() if chosen.type == "cuda" else "fp32"
    if chosen.type == "cuda":
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
    return Compute(chosen, _DTYPES[precision], channels_last)


def choose_workers(asked: int | None, device: torch.device, sharing: int = 1) -> int:
    """Take the asked number of loader processes, or one that suits the device and this process's share of the cores."""
    if asked is not None:
        return asked
    # On a CPU the network itself takes the cores; a second process only makes its threads wait for each other.
    return min(max(1, cores() // sharing), 16) if device.type == "cuda" else 0


def _native_precision() -> str:
    # Emulated bf16 (before Ampere) is slower than fp32.
    return "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp16"
