"""Which cases are trained on and which are tested on, and which labels are bought first.

The paper gives the sizes (735 and 316 images, and 1, 5, 10 and 50 % of the 735) and no list. Ours is a rule over the case ids: the ids of
each set, sorted, are drawn at an address that names the set, and the sets share the 735 in proportion. So whoever has the same four sets
has the same split, and the split of one set depends on nothing but its own number of cases.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from mmbdg.datasets.label_fraction import labelled_subset, stratified_order

TRAIN, TEST = 735, 316  # paper, section 5.3
SPLIT_SEED = 0  # ours
FRACTIONS = (0.01, 0.05, 0.1, 0.5, 1.0)  # paper, Table 5: 7, 37, 74, 368 and 735 images


def set_of(case_id: str) -> str:
    """The set a case comes from."""
    return case_id.split('_')[0]


def split(case_ids: Sequence[str]) -> dict[str, list[str]]:
    """Sorted ids for "train" and "test": 735 and 316 of 1,051, and of another number the same part."""
    ids = np.array(sorted(case_ids))
    train = int(Fraction(TRAIN, TRAIN + TEST) * len(ids) + Fraction(1, 2))
    order = stratified_order(np.array([set_of(i) for i in ids]), 'chest X-ray split', SPLIT_SEED)
    return dict(train=sorted(ids[order[:train]].tolist()), test=sorted(ids[order[train:]].tolist()))


def labelled_part(train_ids: Sequence[str], fraction: float, seed: int) -> list[str]:
    """The ids whose labels are used, sorted; a smaller fraction is contained in a larger one of the same seed."""
    ids = np.array(sorted(train_ids))
    return ids[labelled_subset(np.array([set_of(i) for i in ids]), fraction, seed)].tolist()
