"""Drawings by matplotlib whose texts come from files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmbdg.files import write_atomically

LONGEST = 40
"""Most characters of a text in a drawing."""


@contextmanager
def drawing(path: Path, width: float, height: float) -> Iterator[Any]:
    """Context that yields an empty matplotlib ``Figure`` and writes it to a PNG file in the end.

    Dollar signs are characters in it: a name in a file is no formula.

    Args:
        path: PNG file to write.
        width: Width in inches; an inch has 100 pixels.
        height: Height in inches.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({'text.parse_math': False, 'text.usetex': False}):
        figure = Figure(figsize=(width, height), layout='constrained', dpi=100)
        yield figure
        write_atomically(path, lambda part: FigureCanvasAgg(figure).print_png(str(part)))


def shown(text: str) -> str:
    """A text in one line of at most :data:`LONGEST` printable characters."""
    line = ''.join(sign for sign in ' '.join(text[: 10 * LONGEST].split()) if sign.isprintable())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + '…'
