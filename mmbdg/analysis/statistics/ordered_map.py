"""Parallel map over 0 to n - 1 with ordered results and a progress bar."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from mmbdg.errors import InputError
from mmbdg.workers import end_with_this_process

BATCH = 16  # results that a worker process returns together


class _Calls(Dataset):
    """Results as items. An InputError is returned as a value, because torch would wrap it in the traceback of the worker process."""

    def __init__(self, function: Callable[[int], Any], n: int) -> None:
        self.function, self.n = function, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        try:
            return self.function(i)
        except InputError as error:
            return error


def _as_is(results: Sequence[Any]) -> Sequence[Any]:
    return results


def ordered_map(function: Callable[[int], Any], n: int, processes: int = 1, title: str = '') -> Iterator[Any]:
    """Results of ``function(0)`` to ``function(n - 1)``, in this order. Only a few results are in memory at a time.

    Args:
        function: Function without side effects. Worker processes get it by fork where the system supports fork.
        n: Number of calls.
        processes: Number of worker processes. 1: the calling process. Default: 1.
        title: Title of the progress bar. '' shows no bar. Default: ''.

    Raises:
        InputError: ``processes`` is below 1, or the function raised InputError.
    """
    from tqdm import tqdm

    if processes < 1:
        raise InputError(f'processes must be at least 1, got {processes}')
    workers = min(processes, n) if processes > 1 else 0
    context = 'fork' if workers and 'fork' in multiprocessing.get_all_start_methods() else None
    batch = BATCH if n >= BATCH * max(1, workers) else 1
    loader = DataLoader(
        _Calls(function, n),
        batch,
        num_workers=workers,
        collate_fn=_as_is,
        multiprocessing_context=context,
        generator=torch.Generator(),  # torch draws a seed for the workers; the caller's random state must not change
    )
    end_with_this_process(loader)
    with tqdm(total=n, desc=title, disable=not title, unit='') as bar:
        for results in loader:
            for result in results:
                if isinstance(result, InputError):
                    raise result
                yield result
            bar.update(len(results))
