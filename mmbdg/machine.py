"""Description of the machine on which a measurement was made, and the choice of its device."""

import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch

from mmbdg.errors import InputError
from mmbdg.version import __version__


def usable_device(name: str) -> torch.device:
    """Device with the given name, such as 'cpu' or 'cuda:0'.

    Raises:
        InputError: The name is neither the CPU nor a CUDA device of this machine.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ('cpu', 'cuda'):
        raise InputError(f'--device takes cpu, cuda or cuda:0, cuda:1, ...; got {name!r}')
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f'there is no device {name}: torch {torch.__version__} sees {torch.cuda.device_count()} CUDA devices')
    return device


def synchroniser(device: torch.device) -> Callable[[], None]:
    """Function that waits until the device has finished all submitted work; on the CPU it does nothing."""
    return (lambda: torch.cuda.synchronize(device)) if device.type == 'cuda' else (lambda: None)


def describe_machine(device: torch.device) -> dict:
    """Versions, processor, number of cores and threads, device, and the current time in UTC."""
    return dict(
        date=datetime.now(UTC).isoformat(timespec='seconds'),
        mmbdg=__version__,
        torch=torch.__version__,
        python=platform.python_version(),
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count(),
        threads=torch.get_num_threads(),
        device=torch.cuda.get_device_name(device) if device.type == 'cuda' else 'cpu',
    )


def load_average() -> list[float] | None:
    """Mean number of running or waiting processes over 1, 5 and 15 minutes; None if the system does not report it."""
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except (OSError, AttributeError):
        return None


def _cpu_model() -> str:
    path = Path('/proc/cpuinfo')
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')), platform.processor())
