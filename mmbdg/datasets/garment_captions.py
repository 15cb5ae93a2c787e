"""Captions of garment photos: several forms, with the attributes that the image shows.

A caption depends only on the image, its class and an address.
"""

from typing import NamedTuple

import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.annotation.foreground import fashion_foreground

NOUNS = (
    ('t-shirt', 'tee'),
    ('trouser', 'pants'),
    ('pullover', 'sweater', 'jumper'),
    ('dress', 'gown', 'jumper'),
    ('coat', 'jacket'),
    ('sandal', 'shoe'),
    ('shirt', 'blouse'),
    ('sneaker', 'trainer', 'shoe'),
    ('bag', 'handbag', 'purse'),
    ('ankle boot', 'boot', 'shoe'),
)
"""Names of each class, the class's own name first. "jumper" has two senses: a pullover in British, a dress in American English."""
KINDS = ('clothing', 'clothing', 'clothing', 'clothing', 'clothing', 'footwear', 'clothing', 'footwear', 'accessory', 'footwear')
"""Kind of each class."""
FORMS = (
    '{}',
    'a {}',
    'a photo of a {}',
    'a picture of a {}',
    'a product photo of a {}',
    'a grey photo of a {}',
    'a photo of one {} on black',
    'this is a {}',
)
"""Forms of a caption; the ``{}`` is the garment with its attributes."""
SLEEVED = (0, 2, 4, 6)
"""Classes whose sleeves the rule can classify: T-shirt, pullover, coat, shirt. A dress is often wide at the bottom without sleeves."""
BRIGHT, DARK = 170, 120
"""Minimum mean grey of the foreground of a bright garment, and maximum of a dark one; between them no tone is stated."""
LONG, SHORT = 1.0, 0.72
"""Minimum ratio of widths of long sleeves, and maximum of short ones, see :func:`attributes`."""
SAYS_TONE, SAYS_SLEEVES, SAYS_SENSE = 0.5, 0.5, 0.2
"""Probabilities that a caption states an attribute that the image shows, and the sense of the noun."""


class Caption(NamedTuple):
    """A caption.

    Attributes:
        text: Its text.
        stated: Stated attributes by name, a subset of :func:`attributes`.
    """

    text: str
    stated: dict[str, str]


def attributes(image: np.ndarray, label: int) -> dict[str, str | None]:
    """Compute the attributes that a photo of a garment shows.

    Sleeves: the mask's mean width between 65 and 85 % of the garment's height, divided by its largest width between 15 and 40 %. Long
    sleeves hang beside the body; short ones make the garment wide at the top only.

    Args:
        image: Image on black, uint8 (H,W) or (H,W,3).
        label: Class, 0 to 9.

    Returns:
        ``tone`` "bright", "dark" or None, and ``sleeves`` "long", "short" or None; None if the rule cannot decide.
    """
    mask, found = fashion_foreground(image), dict[str, str | None](tone=None, sleeves=None)
    rows = np.flatnonzero(mask.any(1))
    if not len(rows):
        return found
    grey = float(image[mask].mean())
    found['tone'] = 'bright' if grey >= BRIGHT else 'dark' if grey <= DARK else None
    if label in SLEEVED and len(rows) >= 10:
        widths, height = mask[rows[0] : rows[-1] + 1].sum(1), int(rows[-1] + 1 - rows[0])
        ratio = widths[int(0.65 * height) : int(0.85 * height)].mean() / widths[int(0.15 * height) : int(0.4 * height)].max()
        found['sleeves'] = 'long' if ratio >= LONG else 'short' if ratio <= SHORT else None
    return found


def caption(label: int, shown: dict[str, str | None], *address: int | str) -> Caption:
    """Write a caption of a photo of a garment.

    Args:
        label: Class, 0 to 9.
        shown: :func:`attributes` of the image.
        *address: Address of the random choices (form, noun, which attributes are stated), such as (seed, image, number of the caption).
    """
    rng = generator_at('caption', *address)
    nouns = NOUNS[label]
    noun = nouns[0] if rng.random() < 0.5 else nouns[rng.integers(1, len(nouns))]
    form = FORMS[rng.integers(len(FORMS))]
    says_tone, says_sleeves, says_sense, sleeve_form, sense_form = rng.random(5)
    text = noun
    if says_sense < SAYS_SENSE:
        text = f'{noun} ({KINDS[label] if noun == nouns[0] or sense_form < 0.5 else nouns[0]})'
    said = dict(tone=says_tone < SAYS_TONE, sleeves=says_sleeves < SAYS_SLEEVES)
    stated = {name: value for name, value in shown.items() if value and said[name]}
    if 'sleeves' in stated:
        text = f'{stated["sleeves"]} sleeved {text}' if sleeve_form < 0.5 else f'{text} with {stated["sleeves"]} sleeves'
    if 'tone' in stated:
        text = f'{stated["tone"]} {text}'
    before, _, after = form.partition('{}')
    if text[0] == 'a' and before.endswith('a '):  # a T-shirt, an ankle boot
        before = f'{before[:-1]}n '
    return Caption(f'{before}{text}{after}', stated)


def words() -> list[str]:
    """All words of the captions, in alphabetical order."""
    parts = [*FORMS, *KINDS, *(noun for nouns in NOUNS for noun in nouns), 'bright dark long short sleeves sleeved with an']
    cleaned = ' '.join(parts).replace('{}', ' ').replace('-', ' ')
    return sorted(set(cleaned.split()))
