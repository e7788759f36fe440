"""How much memory a computation needs."""

import os
from collections.abc import Callable

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
