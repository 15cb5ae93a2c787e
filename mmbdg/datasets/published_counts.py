"""Numbers of images of the published sets with masks, to find incomplete copies."""

from mmbdg.errors import InputError

ABOUT = {'biggan512': (4500, 5499, '5k'), 'real-random': (7500, 8499, '8k')}
"""Smallest and largest number of pairs of the released sets of BigDatasetGAN, whose sizes the paper rounds to thousands (Table 1)."""
EXACT = {('biggan512', 'dog'): 657, ('biggan512', 'bird'): 366}
"""Numbers of pairs in a label space, by name of the set and of the space (BigDatasetGAN, section 5.2)."""
IMAGENET_S = {
    50: {'validation': 752, 'train-semi': 500},
    300: {'validation': 4097, 'train-semi': 3000},
    919: {'validation': 12419, 'train-semi': 9190},
}
"""Numbers of images with masks of ImageNet-S, by number of classes and split (arXiv:2106.03149)."""


def check_counts(root: str, name: str, found: int, space: str, within: int, classes: int | None) -> None:
    """Check the number of pairs of a published set.

    Args:
        root: Folder of the set, for messages.
        name: Name of the set or of the split.
        found: Number of pairs of the set.
        space: Name of the label space.
        within: Number of pairs in the label space.
        classes: Number of classes of ImageNet-S; None for the sets of BigDatasetGAN.

    Raises:
        InputError: The set has another number of pairs, or no published number.
    """
    advice = 'Complete the copy, or set counts=None for a set of your own'
    if classes is not None:
        if classes not in IMAGENET_S:
            raise InputError(f'{root}/{name} has {classes} class folders, ImageNet-S has 50, 300 or 919. {advice}')
        expected = IMAGENET_S[classes].get(name)
        if found != expected:
            raise InputError(f'{root}/{name} has {found:,} pairs, ImageNet-S of {classes} classes has {expected}. {advice}')
        return
    if name not in ABOUT:
        raise InputError(f'there are no published counts of "{name}", only of {", ".join(ABOUT)} and of ImageNet-S: set counts=None')
    least, most, words = ABOUT[name]
    if not least <= found <= most:
        raise InputError(f'{root} has {found:,} pairs of {name}, the published set has {words} ({least:,} to {most:,}). {advice}')
    expected = EXACT.get((name, space))
    if expected not in (None, within):
        raise InputError(f'{root} has {within:,} pairs of {name} in the label space "{space}", the published set has {expected}. {advice}')
