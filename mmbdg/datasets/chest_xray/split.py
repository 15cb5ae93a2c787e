"""Split of the cases into training and test, and the labelled fractions of the training part.

The paper gives only the sizes: 735 and 316 images, and 1, 5, 10 and 50 % of the 735. Our split is computed from the case ids: the sorted
ids of each set are shuffled with a seed that depends on the set's name, and each set gets its proportional share of the 735. The same four
sets therefore always give the same split, and the split of one set depends only on its number of cases.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from mmbdg.datasets.label_fraction import labelled_subset, stratified_order

TRAIN, TEST = 735, 316  # paper, section 5.3
SPLIT_SEED = 0  # ours
FRACTIONS = (0.01, 0.05, 0.1, 0.5, 1.0)  # paper, Table 5: 7, 37, 74, 368 and 735 images


def set_of(case_id: str) -> str:
    """Name of the set that a case belongs to."""
    return case_id.split('_')[0]


def split(case_ids: Sequence[str]) -> dict[str, list[str]]:
    """Sorted case ids for "train" and "test": 735 and 316 of 1,051, and the same proportion of any other number."""
    ids = np.array(sorted(case_ids))
    train = int(Fraction(TRAIN, TRAIN + TEST) * len(ids) + Fraction(1, 2))
    order = stratified_order(np.array([set_of(i) for i in ids]), 'chest X-ray split', SPLIT_SEED)
    return dict(train=sorted(ids[order[:train]].tolist()), test=sorted(ids[order[train:]].tolist()))


def labelled_part(train_ids: Sequence[str], fraction: float, seed: int) -> list[str]:
    """Sorted ids of the cases whose labels are used; with the same seed, a smaller fraction is contained in a larger one."""
    ids = np.array(sorted(train_ids))
    return ids[labelled_subset(np.array([set_of(i) for i in ids]), fraction, seed)].tolist()
