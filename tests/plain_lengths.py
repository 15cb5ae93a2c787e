"""Run lengths counted in numpy."""

import numpy as np


def plain_lengths(mask):
    """Lengths of the runs of a mask, column by column, beginning with 0."""
    flat = np.concatenate([[False], mask.ravel(order='F')])
    return np.diff(np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]), [mask.size]])).tolist()
