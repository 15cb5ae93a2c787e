"""Whole numbers of samples in proportion to weights, with an exact total."""

from collections.abc import Sequence
from fractions import Fraction

from mmbdg.errors import InputError


def apportion(total: int, weights: Sequence[float], minimum: int = 0) -> list[int]:
    """Divide a total into whole numbers in proportion to weights, by the method of the largest remainder.

    A class whose share is below the minimum gets the minimum; the others share the rest in proportion. The fractions are exact, so that
    the numbers do not depend on the order of additions. Of equal remainders, the first one counts as larger. If all weights are 0, the
    shares are equal.

    Args:
        total: Sum of the numbers.
        weights: Weights of the classes, at least 0.
        minimum: Smallest number of a class. Default: 0.

    Returns:
        A number for each weight.

    Raises:
        InputError: The total is smaller than the minima together.
    """
    if total < minimum * len(weights):
        raise InputError(
            f'a total of {total:,} is too small for {len(weights)} classes with at least {minimum:,} samples each: give at least '
            f'{minimum * len(weights):,}, or lower the minimum'
        )
    exact, lifted = [Fraction(weight) for weight in weights], set()
    while True:
        others = [i for i in range(len(weights)) if i not in lifted]
        rest, whole = total - minimum * len(lifted), sum(exact[i] for i in others)
        shares = {i: rest * exact[i] / whole if whole else Fraction(rest, len(others)) for i in others}
        if not (below := {i for i, share in shares.items() if share < minimum}):
            break
        lifted |= below
    numbers = [int(shares[i]) if i in shares else minimum for i in range(len(weights))]
    left = total - sum(numbers)
    for i in sorted(shares, key=lambda i: (numbers[i] - shares[i], i))[:left]:
        numbers[i] += 1
    return numbers
