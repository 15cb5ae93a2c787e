"""End the worker processes of a data loader when their parent process ends, even if it is killed."""

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
    """Let the kernel send this process a signal when its parent ends, because a killed parent cannot do so itself. Linux only.

    Args:
        parent: Process id of the parent; if the parent has already ended, this process ends now.
        number: Number of the signal; default SIGKILL.
    """
    if not sys.platform.startswith('linux'):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before the call
        os.kill(os.getpid(), number)


def end_with_this_process(loader: DataLoader) -> DataLoader:
    """Make the workers that a data loader will start end together with this process.

    torch's workers check for their parent only while they wait for work, not while they load or send data.

    Returns:
        The given data loader.
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
    """Exception hook that ignores lost connections: torch's sending thread raises them when the receiving process is interrupted."""

    def report(kind: type[BaseException], *more: Any) -> None:
        if not issubclass(kind, ConnectionError | EOFError):
            hook(kind, *more)

    return report
