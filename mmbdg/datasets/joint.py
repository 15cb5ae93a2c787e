"""Combines several datasets: each sample of the first dataset with samples of the others."""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch.utils.data import Dataset

from mmbdg.addressed import generator_at
from mmbdg.datasets.address import ADDRESSED_SAMPLER, Address, Addressing, addressing, drawn_at
from mmbdg.errors import InputError
from mmbdg.parts import main_part, named_parts, part_of, ratios_of
from mmbdg.registry import DATASETS

UNNAMED = {'seg': ()}
"""The addresses of the random streams of a part contain its name. Those of ``seg`` do not, so that trainings that were started before
parts had names resume unchanged."""


@DATASETS.register_module()
class JointDataset(Dataset):
    """Combines each sample of the first part with samples of the other parts; the length is that of the first part.

    .. code-block:: python

        dict(type='mmbdg.JointDataset', ssl=real_images, seg=synthetic_images, ratio=2)
        dict(type='mmbdg.JointDataset', parts=dict(real=..., synthetic=..., edited=...), ratios=dict(synthetic=2))

    The choice of samples and all augmentations are a function of (seed, epoch, index), which :class:`~mmbdg.engine.AddressedSampler`
    provides. So items do not depend on the number of workers or on interruptions. For an endless part such as
    :class:`~mmbdg.datasets.OnlineSyntheticDataset` the next samples by count are used. The random numbers of a part do not depend on the
    other parts.

    An item is ``dict(inputs={name: ...}, data_samples={name: ...})``. mmengine's ``default_collate`` makes batches of items, and
    :class:`~mmbdg.models.JointDataPreprocessor` passes each part to its preprocessor. A part with a ratio k above 1 has a list of k samples
    instead of one sample. With a single part, an item is the item of that part's dataset.

    Args:
        ssl: Config of the real images for self-supervision; the pipeline ends with ``PackInputs``. The same as ``parts=dict(ssl=...)``.
        seg: Config of the labelled images, with a pipeline that ends with ``mmseg.PackSegInputs``, or of an online dataset. None: no such
            part. The same as ``parts=dict(seg=...)``.
        ratio: Number of samples of every other part for each sample of the first, at least 1; default 1 (the paper gives none).
        parts: Configs of datasets by the name of the part. The first part comes first; ``ssl`` and ``seg``, if given, precede these.
        ratios: Ratios by the name of the part, in place of ``ratio``; at least 1, and 1 for the first part.

    Raises:
        InputError: Parts or ratios are wrong, see :mod:`mmbdg.parts`; the first part is endless, or a part is a joint dataset itself; (on
            the first item) the sampler provides no addresses.
    """

    addressing: ClassVar = Addressing.ADDRESS

    def __init__(
        self,
        ssl: dict | None = None,
        seg: dict | None = None,
        ratio: int = 1,
        parts: Mapping[str, dict | None] | None = None,
        ratios: Mapping[str, int] | None = None,
    ) -> None:
        configs = named_parts('JointDataset', ssl, seg, parts)
        self.ratios = ratios_of(configs, ratio, ratios)
        self.parts: dict[str, Dataset] = {name: DATASETS.build(config) for name, config in configs.items()}
        self.first = next(iter(self.parts))
        for name, part in self.parts.items():
            if addressing(part) is Addressing.ADDRESS:
                raise InputError(
                    f'the part "{name}" is a {type(part).__name__}, which combines parts itself: give all parts to one JointDataset'
                )
        if addressing(self.parts[self.first]) is Addressing.COUNT:
            kind = type(self.parts[self.first]).__name__
            raise InputError(f'the first part "{self.first}" defines the length, and {kind} is endless: put another part first')

    @property
    def ssl(self) -> Dataset | None:
        """The part "ssl"; None if there is no such part."""
        return part_of(self, 'ssl')

    @property
    def seg(self) -> Dataset | None:
        """The part "seg"; None if there is no such part."""
        return part_of(self, 'seg')

    @property
    def metainfo(self) -> dict:
        """Meta information of the part ``seg``, or of the first part if there is no ``seg``."""
        return getattr(self.parts[main_part(self.parts)], 'metainfo', {})

    def __len__(self) -> int:
        return len(self.parts[self.first])

    def __getitem__(self, address: Address) -> dict[str, Any]:
        if not isinstance(address, Address):
            raise InputError(f'a joint dataset is indexed by addresses, got {address!r}: {ADDRESSED_SAMPLER}')
        seed, epoch, index, _ = address
        with drawn_at('real', seed, epoch, index):
            first = self.parts[self.first][index]
        if len(self.parts) == 1:
            return first
        samples = {name: [first] if name == self.first else self._samples(name, address) for name in self.parts}
        return {
            key: {name: [one[key] for one in some] if self.ratios[name] > 1 else some[0][key] for name, some in samples.items()}
            for key in ('inputs', 'data_samples')
        }

    def paired(self, address: Address, name: str = 'seg') -> list[int]:
        """Indices of the samples of a part that belong to an item."""
        part, ratio = self.parts[name], self.ratios[name]
        if addressing(part) is Addressing.COUNT:
            return [address.count * ratio + place for place in range(ratio)]
        rng = generator_at('paired', *_stream(name), address.seed, address.epoch, address.index)
        return rng.integers(len(part), size=ratio).tolist()

    def _samples(self, name: str, address: Address) -> list[dict[str, Any]]:
        samples = []
        for place, number in enumerate(self.paired(address, name)):
            with drawn_at('labelled', *_stream(name), address.seed, address.epoch, address.index, place):
                samples.append(self.parts[name][number])
        return samples


def _stream(name: str) -> tuple[str, ...]:
    """Entries that the addresses of the random streams of a part contain."""
    return UNNAMED.get(name, (name,))
