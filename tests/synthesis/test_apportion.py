import pytest

from mmbdg.errors import InputError
from mmbdg.synthesis.apportion import apportion


@pytest.mark.parametrize(
    ('total', 'weights', 'minimum', 'expected'),
    [
        (10, [1, 1, 1], 0, [4, 3, 3]),  # remainders are equal: the first one counts as larger
        (10, [0.5, 0.25, 0.25], 0, [5, 3, 2]),  # 5, 2.5, 2.5
        (7, [3, 2, 2], 0, [3, 2, 2]),
        (100, [0.6, 0.3, 0.1], 0, [60, 30, 10]),
        (10, [97, 2, 1], 2, [6, 2, 2]),  # 9.7, 0.2, 0.1: two classes get the minimum, the first one the rest
        (12, [10, 3, 1], 2, [8, 2, 2]),  # 8.57, 2.57, 0.86: the third gets 2; of the other 10, 7.69 and 2.31
        (20, [12, 3, 1], 4, [12, 4, 4]),  # 15, 3.75, 1.25: the last two get 4
        (20, [14, 5, 1], 5, [10, 5, 5]),  # 14, 5, 1: the third gets 5; then the second has 15 * 5/19 = 3.9, and gets 5 too
        (6, [1, 0, 0], 2, [2, 2, 2]),
        (5, [0, 0], 0, [3, 2]),
        (5, [0, 1], 0, [0, 5]),
    ],
)
def test_by_hand(total, weights, minimum, expected):
    assert apportion(total, weights, minimum) == expected


def test_of_any_weights():
    """The total is exact; without a minimum, a number differs from the exact share by less than 1."""
    for case in range(200):
        weights = [((case * 7919 + i * 104729) % 1000) / 997 for i in range(1 + case % 12)]
        total, minimum = case * 3 + 24, case % 3
        numbers = apportion(total, weights, minimum)
        assert sum(numbers) == total and min(numbers) >= minimum
        if not minimum and sum(weights):
            assert all(abs(n - total * w / sum(weights)) < 1 for n, w in zip(numbers, weights, strict=True))


def test_too_small():
    with pytest.raises(InputError, match='a total of 5 is too small for 3 classes with at least 2 samples each: give at least 6'):
        apportion(5, [1, 2, 3], 2)
