"""Masks as plain PNG files with the names of their images; in class folders or in one folder."""

from pathlib import PurePosixPath

import numpy as np

from mmbdg.annotation.drawn import Drawn, Findings, Problem
from mmbdg.annotation.file_tree import FileTree
from mmbdg.annotation.mask_values import FOREGROUND, IGNORE, read_mask, read_values
from mmbdg.errors import InputError

DOUBTFUL = (
    f'the grey value {IGNORE} beside {FOREGROUND} was read as foreground; if it marks ignored pixels, as in an imported set, '
    f'import again with --ignore-value {IGNORE}'
)


def read_plain_masks(tree: FileTree, ignore_value: int | None = None) -> Findings:
    """Yield one finding for each PNG file.

    Args:
        tree: PNG files.
        ignore_value: Grey value of ignored pixels; None: no pixel is ignored.
    """
    for name in tree.ending_in('.png'):
        pure, where = PurePosixPath(name), tree.where(name)
        try:
            data = tree.read(name)
            mask = read_mask(data, ignore_value)
            yield Drawn(pure.stem, where, mask, pure.parent.name, DOUBTFUL if ignore_value is None and _has_three_values(data) else '')
        except InputError as error:
            yield Problem(where, str(error), pure.stem)


def _has_three_values(data: bytes) -> bool:
    values = read_values(data)
    return bool((values == IGNORE).any()) and set(np.unique(values).tolist()) <= {0, IGNORE, FOREGROUND}
