"""Real images without labels, each with a synthetic labelled one."""

from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mmbdg.registry import DATASETS


@DATASETS.register_module()
class JointDataset(Dataset):
    """Pairs every real image with a synthetic sample drawn at random; the length is that of the real images.

    An item is ``dict(inputs=dict(ssl=..., seg=...), data_samples=dict(ssl=..., seg=...))``; mmengine's ``default_collate`` batches it and
    :class:`~mmbdg.models.JointDataPreprocessor` takes it apart.

    Args:
        ssl: Config of the dataset of real images; its pipeline ends with ``PackInputs``.
        seg: Config of the dataset of labelled images; its pipeline ends with ``mmseg.PackSegInputs``.
    """

    def __init__(self, ssl: dict, seg: dict) -> None:
        self.ssl, self.seg = DATASETS.build(ssl), DATASETS.build(seg)

    @property
    def metainfo(self) -> dict:
        """Of the labelled images."""
        return self.seg.metainfo

    def __len__(self) -> int:
        return len(self.ssl)

    def __getitem__(self, index: int) -> dict[str, Any]:
        real, synthetic = self.ssl[index], self.seg[np.random.randint(len(self.seg))]
        return {key: dict(ssl=real[key], seg=synthetic[key]) for key in ('inputs', 'data_samples')}
