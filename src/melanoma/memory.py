"""How much memory a computation needs."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import torch


def peak_megabytes(function: Callable[[], object], device: torch.device) -> float | None:
    """Run `function`; give the peak of the tensor bytes that it adds to those alive before, in units of 10^6 bytes.

    What the function makes and leaves behind counts; weights made before it do not. None on a device that is
    neither a CPU nor CUDA, where nobody counts.
    """
    if device.type == "cuda":
        return _cuda_bytes(function, device) / 1e6
    return _cpu_bytes(function) / 1e6 if device.type == "cpu" else None


def _cuda_bytes(function: Callable[[], object], device: torch.device) -> int:
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    function()
    return torch.cuda.max_memory_allocated(device) - before


def _cpu_bytes(function: Callable[[], object]) -> int:
    """Add up what the profiler saw come and go; unlike a process's own peak, this starts anew at every call."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # it tells stderr of every stage, and of a GPU that is not there
    with torch.autograd.profiler.profile(profile_memory=True) as profile:
        function()
    if profile.kineto_results is None:
        raise RuntimeError("the profiler kept no events")
    events = [event for event in profile.kineto_results.events() if event.name() == "[memory]"]
    alive = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        peak = max(peak, alive)
    return peak


def free_megabytes(device: torch.device) -> float:
    """Give the memory that may still be taken, in units of 10^6 bytes; on a CPU that of machine and container."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return (free + unused) / 1e6
    return min(_free_bytes()) / 1e6


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether PyTorch found no memory, on a GPU or by the CPU's allocator."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def _free_bytes() -> Iterator[int]:
    """Yield what the machine has left, file caches included, and what its container has, if that has a limit."""
    known = Path("/proc/meminfo")
    if known.is_file():
        yield 1024 * next(
            int(line.split()[1]) for line in known.read_text().splitlines() if line.startswith("MemAvailable")
        )
    else:
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    limit, used = (Path("/sys/fs/cgroup", name) for name in ("memory.max", "memory.current"))
    if limit.is_file() and (most := limit.read_text().strip()).isdigit():
        yield int(most) - int(used.read_text())
