"""Real images without labels, each with synthetic labelled ones."""

from typing import Any

from torch.utils.data import Dataset

from mmbdg.addressed import generator_at
from mmbdg.datasets.address import ADDRESSED_SAMPLER, Address, drawn_at
from mmbdg.datasets.online import OnlineSyntheticDataset
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class JointDataset(Dataset):
    """Pairs every real image with synthetic samples; the length is that of the real images.

    Everything drawn for an item, each augmentation and which synthetic samples are paired, is a function of (seed, epoch, index), which
    :class:`~mmbdg.engine.AddressedSampler` gives: no worker and no interruption makes a difference. Of an
    :class:`~mmbdg.datasets.OnlineSyntheticDataset` come the next ones of its endless count.

    An item is ``dict(inputs=dict(ssl=..., seg=...), data_samples=dict(ssl=..., seg=...))``; mmengine's ``default_collate`` batches it and
    :class:`~mmbdg.models.JointDataPreprocessor` takes it apart. With a ``ratio`` above 1 the parts ``seg`` are lists of that many samples.
    Without ``seg`` an item is what ``ssl`` gives.

    Args:
        ssl: Config of the dataset of real images; its pipeline ends with ``PackInputs``.
        seg: Config of the dataset of labelled images; its pipeline ends with ``mmseg.PackSegInputs``. Or of an online one. None: the real
            images alone, for the self-supervised method without the segmentation branch.
        ratio: Synthetic samples for each real image (paper: not given; 1 is ours).

    Raises:
        InputError: The ratio is not at least 1, or (on the first item) the sampler gives no addresses.
    """

    def __init__(self, ssl: dict, seg: dict | None = None, ratio: int = 1) -> None:
        if not isinstance(ratio, int) or ratio < 1:
            raise InputError(f'ratio is a whole number of synthetic samples for each real image, at least 1; got {ratio}')
        self.ssl, self.ratio = DATASETS.build(ssl), ratio
        self.seg = DATASETS.build(seg) if seg else None

    @property
    def metainfo(self) -> dict:
        """Of the labelled images, or of the real ones where there are no others."""
        return getattr(self.seg or self.ssl, 'metainfo', {})

    def __len__(self) -> int:
        return len(self.ssl)

    def __getitem__(self, address: Address) -> dict[str, Any]:
        if not isinstance(address, Address):
            raise InputError(f'a joint dataset is asked by addresses, got {address!r}: {ADDRESSED_SAMPLER}')
        seed, epoch, index, _ = address
        with drawn_at('real', seed, epoch, index):
            real = self.ssl[index]
        if self.seg is None:
            return real
        labelled = [self._labelled(number, address, place) for place, number in enumerate(self.paired(address))]
        parts = {key: [sample[key] for sample in labelled] for key in ('inputs', 'data_samples')}
        return {key: dict(ssl=real[key], seg=part if self.ratio > 1 else part[0]) for key, part in parts.items()}

    def paired(self, address: Address) -> list[int]:
        """Indices of the synthetic samples beside a real image."""
        if isinstance(self.seg, OnlineSyntheticDataset):
            return [address.count * self.ratio + place for place in range(self.ratio)]
        rng = generator_at('paired', address.seed, address.epoch, address.index)
        return rng.integers(len(self.seg), size=self.ratio).tolist()

    def _labelled(self, number: int, address: Address, place: int) -> dict[str, Any]:
        with drawn_at('labelled', address.seed, address.epoch, address.index, place):
            return self.seg[number]
