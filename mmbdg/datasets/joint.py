"""Real images without labels, each with a synthetic labelled one."""

from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mmbdg.datasets.online import ONLINE_SAMPLER, OnlineSyntheticDataset
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class JointDataset(Dataset):
    """Pairs every real image with a synthetic sample; the length is that of the real images.

    Which sample that is: one drawn at random; of an :class:`~mmbdg.datasets.OnlineSyntheticDataset` the next of its endless count, which
    :class:`~mmbdg.engine.OnlineSampler` gives along with the real image.

    An item is ``dict(inputs=dict(ssl=..., seg=...), data_samples=dict(ssl=..., seg=...))``; mmengine's ``default_collate`` batches it and
    :class:`~mmbdg.models.JointDataPreprocessor` takes it apart.

    Args:
        ssl: Config of the dataset of real images; its pipeline ends with ``PackInputs``.
        seg: Config of the dataset of labelled images; its pipeline ends with ``mmseg.PackSegInputs``. Or of an online one.

    Raises:
        InputError: (on the first item) the labelled images are online ones, and the sampler does not count them.
    """

    def __init__(self, ssl: dict, seg: dict) -> None:
        self.ssl, self.seg = DATASETS.build(ssl), DATASETS.build(seg)

    @property
    def metainfo(self) -> dict:
        """Of the labelled images."""
        return self.seg.metainfo

    def __len__(self) -> int:
        return len(self.ssl)

    def __getitem__(self, index: int | tuple[int, int]) -> dict[str, Any]:
        index, labelled = index if isinstance(index, tuple) else (index, self._any_labelled())
        real, synthetic = self.ssl[index], self.seg[labelled]
        return {key: dict(ssl=real[key], seg=synthetic[key]) for key in ('inputs', 'data_samples')}

    def _any_labelled(self) -> int:
        if isinstance(self.seg, OnlineSyntheticDataset):
            raise InputError(f'online samples are counted by a sampler of their own: {ONLINE_SAMPLER}')
        return np.random.randint(len(self.seg))
