"""The processes of one run. torchrun starts them; each has its share of every batch, and the first one writes."""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from melanoma.errors import ConfigError, MelanomaError

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process among those of the run; every method but `first` is to be called by all of them."""

    rank: int = 0
    count: int = 1
    on_host: int = 1
    """Processes on this machine, which share its cores."""

    @property
    def first(self) -> bool:
        """Tell whether this is the process that writes."""
        return self.rank == 0

    @contextmanager
    def first_one_first(self) -> Iterator[None]:
        """Let the first process through alone, then the others, who find what it has left on disk."""
        if not self.first:
            self._wait()
        yield
        if self.first:
            self._wait()

    def share(self, value: T) -> T:
        """Give the first process's value, which can be pickled."""
        values = [value]
        if self.count > 1:
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def gather(self, value: T) -> list[T]:
        """Give every process's value, which can be pickled, by rank."""
        values: list[Any] = [value]
        if self.count > 1:
            values = [None] * self.count
            dist.all_gather_object(values, value)
        return values

    def sum(self, tensor: Tensor) -> Tensor:
        """Add up a tensor over the processes, in place."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def most(self, number: int) -> int:
        """Give the largest number that a process has."""
        if self.count == 1:
            return number
        value = torch.tensor(number)
        dist.all_reduce(value, dist.ReduceOp.MAX)
        return int(value)

    def wrap(self, model: nn.Module) -> nn.Module:
        """Make a model's gradients the mean over the processes."""
        if self.count == 1:
            return model
        on_gpu = next(model.parameters()).is_cuda
        return DistributedDataParallel(model, device_ids=[torch.cuda.current_device()] if on_gpu else None)

    def without_sum(self, network: nn.Module) -> AbstractContextManager[None]:
        """Let gradients add up in each process alone; the backward pass after that sums them over the processes."""
        held: AbstractContextManager[None] = (
            network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()
        )
        return held

    def share_buffers(self, model: nn.Module) -> None:
        """Give every process the first one's batch statistics, so that all of them validate one model."""
        if self.count > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)

    def _wait(self) -> None:
        if self.count > 1:
            self.most(0)


def join_ranks(device: str) -> Ranks:
    """Join the processes that torchrun has started, or stay alone.

    Raises:
        ConfigError: if there are more processes than GPUs to run on.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Ranks()
    local, on_host = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    cuda = device != "cpu" and torch.cuda.is_available()
    if cuda and on_host > torch.cuda.device_count():
        raise ConfigError(
            f"torchrun started {on_host} processes here, but there are {torch.cuda.device_count()} GPUs; "
            f"use --nproc-per-node={torch.cuda.device_count()}"
        )
    if cuda:
        torch.cuda.set_device(local)
    if not dist.is_initialized():
        # Counts and Python objects go by the CPU, so that they never wait for the GPU.
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
    return Ranks(dist.get_rank(), count, on_host)


@contextmanager
def another_s_end_told() -> Iterator[None]:
    """Turn the error that this process meets when another one ends in the midst of their work into one that says so.

    Raises:
        MelanomaError: in its place.
    """
    try:
        yield
    except RuntimeError as error:
        if not re.search(r"connection (closed|reset)|broken pipe", str(error), re.IGNORECASE):
            raise
        raise MelanomaError("another process of the run has ended; its own message says why") from error
