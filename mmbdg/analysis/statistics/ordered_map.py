"""A function of 0 ... n - 1, in several processes, with a bar."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from mmbdg.errors import InputError
from mmbdg.workers import end_with_this_process

BATCH = 16  # results that travel together


class _Calls(Dataset):
    """Results as items. What is wrong with the input travels as a value, for torch would wrap it in the worker's traceback."""

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
    """Results of ``function(0) ... function(n - 1)``, in this order; few are held at a time.

    Args:
        function: A pure one; it is forked into the processes, where the system can fork.
        n: Number of calls.
        processes: 1 calls it here.
        title: Of a bar with rate and time left; '' shows none.

    Raises:
        InputError: Less than one process, or what the function raises.
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
        generator=torch.Generator(),  # torch draws a seed for the workers; not from the caller's stream
    )
    end_with_this_process(loader)
    with tqdm(total=n, desc=title, disable=not title, unit='') as bar:
        for results in loader:
            for result in results:
                if isinstance(result, InputError):
                    raise result
                yield result
            bar.update(len(results))
