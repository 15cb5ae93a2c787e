"""How many times as fast one thing is as another, on a machine whose speed changes while it measures."""

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
    """Seconds of two callables, run in turn; entry i of both belongs to pair i."""

    first: list[float]
    second: list[float]

    @property
    def ratios(self) -> list[float]:
        """first / second of each pair: how many times as fast the second was."""
        return [a / b for a, b in zip(self.first, self.second, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios. A slow spell of the machine hits both of a pair, and the few pairs it hits unevenly count little."""
        return median(self.ratios)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between which the middle half of the ratios lies."""
        first, _, third = quantiles(self.ratios, n=4, method='inclusive')
        return first, third


def check_pairs(pairs: int) -> None:
    """Raise InputError unless there are enough pairs for a median to mean something."""
    if pairs < MIN_PAIRS:
        raise InputError(f'a ratio is the median over at least {MIN_PAIRS} pairs, got {pairs}')


def interleaved(
    first: Callable[[], Any],
    second: Callable[[], Any],
    pairs: int = MIN_PAIRS,
    synchronise: Callable[[], None] = lambda: None,
    after_pair: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Pairs:
    """Run two callables in turn; which of them goes first alternates from pair to pair. Both run once before, untimed.

    What a callable returns is dropped at once, within its time.

    Args:
        first, second: What is compared.
        pairs: How many times each is timed.
        synchronise: Waits until the device has done what it was given; see :func:`mmbdg.machine.synchroniser`.
        after_pair: Called after each pair, for a progress bar.
        clock: Seconds from any start.

    Raises:
        InputError: There are fewer than ten pairs.
        ValueError: The clock gave a duration that is not a positive number.
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
    """Seconds of one callable, run ``times`` times after once untimed. For a rate only: two of these make no ratio.

    Raises:
        ValueError: As :func:`interleaved`.
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
        raise ValueError(f'the clock says that a call took {seconds} seconds')
    return seconds
