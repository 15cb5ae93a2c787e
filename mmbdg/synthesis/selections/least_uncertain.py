"""The samples whose masks the ensemble is most certain of."""

import numpy as np

from mmbdg.registry import SELECTIONS
from mmbdg.synthesis.selections.base import RankedSelection, Samples


@SELECTIONS.register_module()
class LeastUncertain(RankedSelection):
    """Keeps the samples with the lowest uncertainty: the ensemble's Jensen-Shannon divergence in nats, as the manifest has it.

    This is the filter of BigDatasetGAN, section 3.2, over a whole class; the synthesis itself applies it within each block.

    Args:
        fraction, scope: See :class:`~mmbdg.synthesis.selections.RankedSelection`.
    """

    def scores(self, samples: Samples) -> np.ndarray:
        return samples.values('uncertainty')
