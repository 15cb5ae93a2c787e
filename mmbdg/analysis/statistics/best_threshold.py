"""The best mask that a threshold on a grey level or a colour gives: a baseline that no learned mask should lose to."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

LEVELS = 256


class Threshold(NamedTuple):
    """A rule and what it reaches.

    Attributes:
        channel: "grey", "red", "green", "blue", or "saturation" (largest minus smallest of the three).
        level: Grey level, 0 to 255.
        above: Whether the foreground is above the level; else it is not above it.
        miou: Mean of the IoUs of foreground and background over all pixels together, 0 to 1.
        foreground: IoU of the foreground, 0 to 1.
    """

    channel: str
    level: int
    above: bool
    miou: float
    foreground: float


def best_threshold(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> Threshold:
    """Find the rule with the largest mIoU on these images themselves, so it is an upper bound of such rules.

    Args:
        pairs: Images uint8 (H,W,3) RGB with their masks (H,W): 0 is background, everything else foreground.

    Raises:
        ValueError: There are no pixels.
    """
    counts: dict[str, np.ndarray] = {}  # number of pixels, int64 (2, 256): background and foreground, by level
    for image, mask in pairs:
        for name, values in _channels(image).items():
            found = np.bincount(values.ravel().astype(np.int64) + LEVELS * (mask.ravel() != 0), minlength=2 * LEVELS)
            counts[name] = counts.get(name, 0) + found.reshape(2, LEVELS)
    if not counts:
        raise ValueError('there are no images')
    rules = [rule for name, found in counts.items() for rule in _rules(name, found)]
    return max(rules, key=lambda rule: rule.miou)


def _channels(image: np.ndarray) -> dict[str, np.ndarray]:
    grey = np.rint(image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    colours = dict(zip(('red', 'green', 'blue'), np.moveaxis(image, 2, 0), strict=True))
    return dict(grey=grey, **colours, saturation=image.max(axis=2) - image.min(axis=2))


def _rules(name: str, counts: np.ndarray) -> list[Threshold]:
    background, foreground = np.cumsum(counts, axis=1)  # pixels up to each level
    all_background, all_foreground = background[-1], foreground[-1]
    rules = []
    for level in range(LEVELS):
        below = background[level], foreground[level]
        for above in (False, True):
            wrong, hit = (all_background - below[0], all_foreground - below[1]) if above else below
            of_foreground = hit / max(all_foreground + wrong, 1)
            of_background = (all_background - wrong) / max(all_background + all_foreground - hit, 1)
            rules.append(Threshold(name, level, above, float((of_foreground + of_background) / 2), float(of_foreground)))
    return rules
