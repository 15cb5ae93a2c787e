"""A selection step that keeps the samples with the lowest uncertainty."""

import numpy as np

from mmbdg.registry import SELECTIONS
from mmbdg.synthesis.selections.base import RankedSelection, Samples


@SELECTIONS.register_module()
class LeastUncertain(RankedSelection):
    """Keeps the samples with the lowest ``uncertainty`` in the manifest: the Jensen-Shannon divergence of the ensemble in nats.

    This is the filter of BigDatasetGAN, section 3.2, applied to whole classes. The synthesis applies it within each block.

    Args:
        fraction, scope: See :class:`~mmbdg.synthesis.selections.RankedSelection`.
    """

    def scores(self, samples: Samples) -> np.ndarray:
        return samples.values('uncertainty')
