"""Images of several named parts in one dataset: every item is an image of one part."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, ClassVar

from mmengine.structures import BaseDataElement
from torch.utils.data import Dataset

from mmbdg.datasets.address import ADDRESSED_SAMPLER, Address, Addressing, addressing, drawn_at
from mmbdg.errors import InputError
from mmbdg.parts import named_parts
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class MixedDataset(Dataset):
    """Concatenation of named parts, e.g. real and synthetic images for one classifier or segmentor.

    .. code-block:: python

        train_dataloader = dict(
            batch_size=32,
            dataset=dict(type='mmbdg.MixedDataset', parts=dict(real=..., synthetic=...)),
            sampler=dict(type='mmbdg.SourceRatioSampler', batch_size=32, ratio=dict(real=1, synthetic=3)))

    The index of an item counts the images of all parts: first those of the first part, then those of the second one. Items are addressed:
    all augmentations are a function of (seed, epoch, index), which :class:`~mmbdg.engine.SourceRatioSampler` provides, or
    :class:`~mmbdg.engine.AddressedSampler` for one random order of all images. So items do not depend on the number of workers or
    processes or on interruptions. The random numbers of a part do not depend on the other parts.

    An item is that of the part's dataset. Its ``data_samples``, if it is an mmengine ``BaseDataElement``, gets ``source``, the name of the
    part, as meta information.

    A part may be online (:class:`~mmbdg.datasets.OnlineSyntheticDataset`): pass e through the part has the samples e L ... (e + 1) L - 1 of
    its count, where L is its length, so none repeats. Batches of images and addresses need ``collate_fn=dict(type='pseudo_collate')``, and
    a :class:`~mmbdg.models.OnlineDataPreprocessor` makes the samples. Only one part may be online, because the preprocessor has one
    generator.

    Where an item needs images of several parts at once, use :class:`~mmbdg.datasets.JointDataset`.

    Args:
        parts: Configs of datasets by the name of the part.

    Raises:
        InputError: Parts are wrong, see :mod:`mmbdg.parts`; a part has no images or has parts of its own; two parts are online, have
            different classes or ignore different labels; (on the first item) the sampler provides no addresses.
    """

    addressing: ClassVar = Addressing.ADDRESS

    def __init__(self, parts: Mapping[str, dict | None]) -> None:
        configs = named_parts('MixedDataset', None, None, parts)
        self.parts: dict[str, Dataset] = {name: DATASETS.build(config) for name, config in configs.items()}
        for name, part in self.parts.items():
            if addressing(part) is Addressing.ADDRESS:
                raise InputError(
                    f'MixedDataset: the part "{name}" is a {type(part).__name__}, which has parts of its own: name its parts here'
                )
            if not len(part):
                raise InputError(f'MixedDataset: the part "{name}" has no images: check its folders, or remove it from parts')
        online = [name for name, part in self.parts.items() if addressing(part) is Addressing.COUNT]
        if len(online) > 1:
            raise InputError(
                f'MixedDataset: the parts "{online[0]}" and "{online[1]}" are online, but the data preprocessor has one generator: '
                'keep one of them, and synthesise the other set (tools/synthesize.py)'
            )
        self._check_labels()
        self._starts = [0, *accumulate(len(part) for part in self.parts.values())]

    @property
    def metainfo(self) -> dict:
        """Meta information of the first part."""
        return getattr(next(iter(self.parts.values())), 'metainfo', {})

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, address: Address) -> dict[str, Any]:
        if not isinstance(address, Address):
            raise InputError(f'a mixed dataset is indexed by addresses, got {address!r}: {ADDRESSED_SAMPLER}, or mmbdg.SourceRatioSampler')
        seed, epoch, index, _ = address
        name, place = self.place(index)
        part = self.parts[name]
        number = epoch * len(part) + place if addressing(part) is Addressing.COUNT else place
        with drawn_at('mixed', name, seed, epoch, place):
            item = part[number]
        sample = item.get('data_samples') if isinstance(item, Mapping) else None
        if isinstance(sample, BaseDataElement):
            sample.set_metainfo(dict(source=name))
        return item

    def place(self, index: int) -> tuple[str, int]:
        """Name of the part of an item, and its index in that part."""
        if not 0 <= index < len(self):
            raise IndexError(f'a mixed dataset of {len(self)} images has no item {index}')
        number = bisect_right(self._starts, index) - 1
        return list(self.parts)[number], index - self._starts[number]

    def _check_labels(self) -> None:
        """Check that a label means the same in all parts."""
        known: dict[str, tuple[str, Any]] = {}
        for name, part in self.parts.items():
            classes = (getattr(part, 'metainfo', None) or {}).get('classes')
            ignore = getattr(getattr(part, 'space', None), 'ignore', getattr(part, 'ignore_index', None))
            for what, value in dict(classes=tuple(classes) if classes else None, ignore=ignore).items():
                if value is None:
                    continue
                first, expected = known.setdefault(what, (name, value))
                if value != expected:
                    raise InputError(_difference(what, first, expected, name, value))


def _difference(what: str, first: str, expected: Any, name: str, value: Any) -> str:
    if what == 'ignore':
        return f'MixedDataset: the part "{first}" ignores label {expected}, the part "{name}" ignores label {value}: use one label space'
    place = next((n for n, pair in enumerate(zip(expected, value, strict=False)) if pair[0] != pair[1]), min(len(expected), len(value)))
    names = [f'"{labels[place]}"' if place < len(labels) else 'no class' for labels in (expected, value)]
    return (
        f'MixedDataset: the part "{first}" has {len(expected)} classes, the part "{name}" has {len(value)}; class {place} is {names[0]} '
        f'in "{first}" and {names[1]} in "{name}": give all parts the same classes in the same order'
    )
