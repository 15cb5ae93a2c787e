"""Reads several files of tools/test.py whose figures are compared with each other."""

import os
from collections.abc import Sequence

from mmbdg.errors import InputError
from mmbdg.leaderboard.result_files import METRIC, Measured, read_result


def read_compared(files: Sequence[str | os.PathLike]) -> list[tuple[str, Measured]]:
    """Read files of tools/test.py; all must be of one test set, and each of another checkpoint.

    Returns:
        Name and content of each file.

    Raises:
        InputError: See :func:`mmbdg.leaderboard.result_files.read_result`; or an mIoU is not from 0 to 100, the files are of different
            tasks or test sets, or a checkpoint comes twice.
    """
    results = [(str(file), read_result(file)) for file in files]
    first_file, first = results[0]
    checkpoints: dict[str, str] = {}
    for file, result in results:
        if not 0 <= result.metrics[METRIC] <= 100:  # also NaN
            raise InputError(f'{file}: its {METRIC} is {str(result.metrics[METRIC])[:20]}, not 0 to 100 percent')
        if result.test_set.labels != first.test_set.labels:
            raise InputError(f'{file} and {first_file} are of different tasks: their labels differ')
        if result.test_set != first.test_set:
            raise InputError(f'{file} and {first_file} are of different test sets: measure all on the same one')
        if result.checkpoint_sha256 in checkpoints:
            other = checkpoints[result.checkpoint_sha256]
            raise InputError(f'{file} and {other} are results of the same checkpoint: give one of them')
        checkpoints[result.checkpoint_sha256] = file
    return results


def seed_of(file: str, result: Measured) -> int:
    """Seed of the training of a result.

    Raises:
        InputError: The result does not say it.
    """
    if result.seed is None:
        raise InputError(f'{file} does not say the seed of its training')
    return result.seed
