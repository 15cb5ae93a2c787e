"""Time ratios of two callables, robust against changes of the machine's speed during the measurement."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from mmbdg.errors import InputError

MIN_PAIRS = 10


@dataclass(frozen=True)
class Pairs:
    """Seconds of two callables that ran alternately; entry i of both lists belongs to pair i."""

    first: list[float]
    second: list[float]

    @property
    def ratios(self) -> list[float]:
        """Time of the first divided by time of the second, for each pair: how many times as fast the second was."""
        return [a / b for a, b in zip(self.first, self.second, strict=True)]

    @property
    def ratio(self) -> float:
        """Median of the ratios. Slow phases of the machine mostly slow both calls of a pair, and the median ignores the other pairs."""
        return median(self.ratios)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Lower and upper quartile of the ratios."""
        first, _, third = quantiles(self.ratios, n=4, method='inclusive')
        return first, third


def check_pairs(pairs: int) -> None:
    """Check that there are enough pairs for a median.

    Raises:
        InputError: There are fewer than :data:`MIN_PAIRS`.
    """
    if pairs < MIN_PAIRS:
        raise InputError(f'a ratio needs at least {MIN_PAIRS} pairs, got {pairs}; increase --pairs')


def interleaved(
    first: Callable[[], Any],
    second: Callable[[], Any],
    pairs: int = MIN_PAIRS,
    synchronise: Callable[[], None] = lambda: None,
    after_pair: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Pairs:
    """Time two callables in interleaved pairs. The order alternates from pair to pair. Both run once before, untimed.

    The result of a call is dropped immediately; this is part of its time.

    Args:
        first: First callable.
        second: Second callable.
        pairs: Number of pairs, at least 10; default 10.
        synchronise: Function that waits until the device is idle, see :func:`mmbdg.machine.synchroniser`; default: no wait.
        after_pair: Function called after each pair, for a progress bar.
        clock: Function that returns the time in seconds; default ``time.perf_counter``.

    Raises:
        InputError: There are fewer than ten pairs.
        ValueError: A measured duration is not a positive number.
    """
    check_pairs(pairs)
    for call in (first, second):
        call()
    calls, taken = (first, second), ([], [])
    for pair in range(pairs):
        for i in (0, 1) if pair % 2 == 0 else (1, 0):
            taken[i].append(_seconds(calls[i], synchronise, clock))
        after_pair()
    return Pairs(*taken)


def repeated(
    call: Callable[[], Any],
    times: int,
    synchronise: Callable[[], None] = lambda: None,
    after_call: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Time one callable ``times`` times, in seconds, after one untimed call.

    Use it for rates only. For a ratio of two callables use :func:`interleaved`.

    Raises:
        ValueError: A measured duration is not a positive number.
    """
    call()
    taken = []
    for _ in range(times):
        taken.append(_seconds(call, synchronise, clock))
        after_call()
    return taken


def _seconds(call: Callable[[], Any], synchronise: Callable[[], None], clock: Callable[[], float]) -> float:
    synchronise()
    start = clock()
    call()
    synchronise()
    seconds = clock() - start
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f'the measured duration of a call is {seconds} seconds; it must be positive and finite')
    return seconds
