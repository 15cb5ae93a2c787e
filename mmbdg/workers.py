"""Worker processes of a data loader that end when the process that started them does, however that ends."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from torch.utils.data import DataLoader

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when its parent has gone, which a killed parent cannot do itself. Linux only.

    Args:
        parent: Process id of the parent; if it has gone already, this process ends now.
        number: The signal.
    """
    if not sys.platform.startswith('linux'):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # gone before the call
        os.kill(os.getpid(), number)


def end_with_this_process(loader: DataLoader) -> DataLoader:
    """Let the workers that a data loader will start end when this process does.

    torch's own look whether their parent lives only while they wait for work, not while they read or hand over.

    Returns:
        The data loader.
    """
    if loader.num_workers:
        loader.worker_init_fn = partial(_begin, os.getpid(), loader.worker_init_fn)
    return loader


def _begin(parent: int, begin: Callable[[int], None] | None, number: int) -> None:
    die_with_parent(parent)
    sys.excepthook = _without_lost_connections(sys.excepthook)
    if begin is not None:
        begin(number)


def _without_lost_connections(hook: Callable[..., None]) -> Callable[..., None]:
    """What a thread that hands tensors over reports when the process that wants them was interrupted is no fault of this one."""

    def report(kind: type[BaseException], *more: Any) -> None:
        if not issubclass(kind, ConnectionError | EOFError):
            hook(kind, *more)

    return report
