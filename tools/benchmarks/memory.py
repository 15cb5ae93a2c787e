"""Peak memory of a computation."""

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

STATUS, CLEAR = Path('/proc/self/status'), Path('/proc/self/clear_refs')


def weight_bytes(module: nn.Module) -> int:
    """Bytes of a module's parameters and buffers."""
    return sum(tensor.numel() * tensor.element_size() for tensor in [*module.parameters(), *module.buffers()])


def cuda_peak(call: Callable[[], Any], device: torch.device) -> int:
    """Peak of the bytes that torch allocates on a CUDA device during a call, beyond those allocated before.

    Only tensors are counted, not torch's reserved memory and not the few hundred MiB of CUDA itself.
    """
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def resident_peaks(calls: Sequence[Callable[[], Any]]) -> list[int] | None:
    """Peak growth in bytes of the resident memory of this process during each call, beyond its present size.

    Use it in a new process: in an old one, a call can reuse freed memory without growth. All used pages are counted, those of tensors and
    those of libraries and the kernel; pages that are only reserved are not counted.

    The value is VmHWM of this process. ``getrusage`` is not used: ru_maxrss of a child process starts at the value of its parent.

    Returns:
        One value for each call, or None if the system does not provide it (not Linux).
    """
    before = _high_water_mark(reset=True)
    if before is None:
        return None
    peaks = []
    for call in calls:
        _high_water_mark(reset=True)
        call()
        peaks.append(max(0, _high_water_mark() - before))
    return peaks


def _high_water_mark(reset: bool = False) -> int | None:
    """Peak resident memory in bytes since the reset, or since the start of the process if the system permits no reset."""
    if reset:
        try:
            ctypes.CDLL(None).malloc_trim(0)  # returns freed memory to the system, as far as glibc can
            CLEAR.write_text('5')
        except (OSError, AttributeError):
            pass  # without a reset, the mark is an upper bound of the resident memory, and its growth a lower bound
    lines = STATUS.read_text().splitlines() if STATUS.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith('VmHWM:')), None)
