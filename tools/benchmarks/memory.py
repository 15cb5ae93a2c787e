"""How much memory a computation needs at its peak."""

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
    """Bytes that torch holds on a CUDA device at the peak of a call, beyond those it held before.

    Tensors only: torch's reserve and CUDA's own few hundred MiB are not in it.
    """
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def resident_peaks(calls: Sequence[Callable[[], Any]]) -> list[int] | None:
    """Bytes by which the resident memory of this process grows at most beyond what it is now, after each call in turn.

    For a fresh process, where little freed memory lies about that a call could use without growing. It counts everything, tensors as
    well as what libraries and the kernel keep for them; pages that are touched, not those that are merely reserved.

    It reads this process's VmHWM and not ``getrusage``: ru_maxrss of a child starts at what its parent had when it started it.

    Returns:
        One figure for each call, or None where the system does not tell (it is not Linux).
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
    """The most bytes that were resident, since the reset if the system permits one, else since the process started."""
    if reset:
        try:
            ctypes.CDLL(None).malloc_trim(0)  # freed memory goes back to the system, as far as glibc can
            CLEAR.write_text('5')
        except (OSError, AttributeError):
            pass  # the mark stays a bound from above of what is resident, and its growth one from below
    lines = STATUS.read_text().splitlines() if STATUS.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith('VmHWM:')), None)
