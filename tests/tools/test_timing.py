"""Interleaved timing pairs, with a fake clock that the timed calls advance."""

import pytest
from benchmarks.timing import Pairs, interleaved, repeated

from mmbdg.errors import InputError


class Clock:
    """A clock that advances only when a call adds seconds."""

    def __init__(self):
        self.now, self.calls = 100.0, []

    def __call__(self):
        return self.now

    def call(self, name, *durations):
        """A function that advances the clock by the next duration. The first duration is that of the untimed call."""
        left = list(durations)

        def run():
            self.calls.append(name)
            self.now += left.pop(0)

        return run


def test_order_and_values():
    clock, pairs_done = Clock(), []
    first = clock.call('a', 50, *[2.0] * 8, 8.0, 1.0)
    second = clock.call('b', 70, *[1.0] * 5, *[0.5] * 5)
    pairs = interleaved(first, second, 10, after_pair=lambda: pairs_done.append(len(clock.calls)), clock=clock)
    assert ''.join(clock.calls) == 'ab' + 'abba' * 5
    assert pairs_done == list(range(4, 23, 2))
    assert pairs.first == [2.0] * 8 + [8.0, 1.0] and pairs.second == [1.0] * 5 + [0.5] * 5
    assert pairs.ratios == [2, 2, 2, 2, 2, 4, 4, 4, 16, 2]
    assert pairs.ratio == 2 and pairs.quartiles == (2, 4)


def test_median_of_ratios_is_not_ratio_of_medians():
    pairs = Pairs([1.0, 10.0, 100.0], [2.0, 10.0, 25.0])  # ratios 0.5, 1, 4
    assert pairs.ratio == 1 and pairs.quartiles == (0.75, 2.5)


def test_device_is_waited_for_before_each_reading():
    """The measured time includes the wait for the device."""
    clock, queue = Clock(), []

    def synchronise():
        while queue:
            clock.now += queue.pop()

    pairs = interleaved(lambda: queue.append(3.0), lambda: queue.append(1.5), 10, synchronise, clock=clock)
    assert pairs.first == [3.0] * 10 and pairs.second == [1.5] * 10


def test_repeated():
    clock = Clock()
    assert repeated(clock.call('a', 9, 1.0, 2.0, 3.0), 3, clock=clock) == [1, 2, 3]


@pytest.mark.parametrize('pairs', [9, 0, -1])
def test_too_few_pairs(pairs):
    with pytest.raises(InputError, match=f'at least 10 pairs, got {pairs}'):
        interleaved(lambda: None, lambda: None, pairs)


@pytest.mark.parametrize('seconds', [float('nan'), float('inf'), -1.0, 0.0])
def test_impossible_durations(seconds):
    clock = Clock()
    with pytest.raises(ValueError, match='the measured duration'):
        interleaved(clock.call('a', 1, *[1.0] * 10), clock.call('b', 1, *[1.0] * 4, *[seconds] * 6), clock=clock)
