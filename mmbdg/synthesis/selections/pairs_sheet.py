"""Self-contained HTML page of dropped samples, each beside the image that it is similar to."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np

from mmbdg.synthesis.selections.base import Pair, Samples

SHOWN = 200
"""Largest number of pairs on a page."""
SIDE = 160
"""Height of the pictures on the page in pixels."""


def pairs_sheet(title: str, samples: Samples, pairs: Sequence[Pair]) -> str:
    """Make the page.

    Args:
        title: Title of the page.
        samples: Input samples of the step.
        pairs: Pairs of the step. The page states their number and shows the :data:`SHOWN` least similar ones, which matter for the choice
            of a threshold.
    """
    shown = sorted(pairs, key=lambda pair: pair.similarity)[:SHOWN]
    figures = ''.join(
        f'<figure>{_picture(samples.image(pair.sample))}{_picture(pair.image())}'
        f'<figcaption>{escape(samples.title(pair.sample))} (dropped) and {escape(pair.other)}: {pair.similarity:.4f}</figcaption></figure>'
        for pair in shown
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<style>body{font-family:sans-serif}main{display:flex;flex-wrap:wrap;gap:16px}figure{margin:0;width:340px}'
        'figcaption{font-size:12px;overflow-wrap:anywhere}img{image-rendering:pixelated;margin-right:4px}</style>'
        f'<h1>{escape(title)}</h1><p>{len(pairs):,} samples were dropped; the {len(shown):,} least similar pairs are shown.</p>'
        f'<main>{figures}</main></html>\n'
    )


def _picture(image: np.ndarray) -> str:
    from PIL import Image

    picture, buffer = Image.fromarray(image), io.BytesIO()
    picture.thumbnail((SIDE, SIDE))
    picture.save(buffer, format='PNG')
    return f'<img height="{SIDE}" alt="" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
