"""Ranges of filters' values."""

from mmbdg.errors import InputError


def check_rate(value: float, name: str) -> None:
    """See that a value is a rate, 0 to below 1.

    Raises:
        InputError: It is not.
    """
    if not 0 <= value < 1:
        raise InputError(f'synthesis: {name} must be in [0, 1), got {value}; 1 would keep nothing')


def check_bound(value: float, name: str) -> None:
    """See that a value is a bound, 0 to 1.

    Raises:
        InputError: It is not.
    """
    if not 0 <= value <= 1:
        raise InputError(f'synthesis: {name} must be in [0, 1], got {value}')
