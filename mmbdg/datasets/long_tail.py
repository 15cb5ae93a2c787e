"""Class sizes that fall exponentially: long-tailed versions of balanced datasets."""

from mmbdg.errors import InputError


def long_tail(most: int, classes: int, imbalance: float) -> list[int]:
    """Number of images of each class, from ``most`` for the first class down to ``most / imbalance`` for the last one.

    Class k of K has the integer part of ``most * imbalance ** (-k / (K - 1))`` images, as in CIFAR-LT (Cui et al., Class-Balanced Loss,
    CVPR 2019), but at least one.

    Args:
        most: Images of the first class, at least 1.
        classes: Number of classes, at least 2.
        imbalance: Ratio of the largest to the smallest class, at least 1.

    Raises:
        InputError: A value is out of its range.
    """
    if most < 1 or classes < 2 or not 1 <= imbalance <= most:
        raise InputError(
            'a long tail needs at least 1 image in the largest class, 2 classes, and an imbalance from 1 to the size of the largest '
            f'class; got {most}, {classes} and {imbalance}'
        )
    # rounded first: 1000 * 100 ** -0.5 is 99.99999999999999 in binary floating point
    return [max(1, int(round(most * imbalance ** (-k / (classes - 1)), 9))) for k in range(classes)]
