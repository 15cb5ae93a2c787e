"""Range checks of the arguments of filters."""

from mmbdg.errors import InputError


def check_rate(value: float, name: str) -> None:
    """Check that a rate is at least 0 and below 1.

    Raises:
        InputError: The value is out of this range.
    """
    if not 0 <= value < 1:
        raise InputError(f'synthesis: {name} must be in [0, 1), got {value}; 1 would keep no sample')


def check_bound(value: float, name: str) -> None:
    """Check that a bound is in [0, 1].

    Raises:
        InputError: The value is out of this range.
    """
    if not 0 <= value <= 1:
        raise InputError(f'synthesis: {name} must be in [0, 1], got {value}')
