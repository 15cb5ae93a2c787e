"""Sampler with a fixed ratio of the sources, e.g. real and synthetic images, in each batch of each process."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import gcd
from typing import Any, ClassVar

from torch.utils.data import Dataset

from mmbdg.addressed import generator_at
from mmbdg.datasets import Address, JointDataset, MixedDataset
from mmbdg.datasets.address import Addressing
from mmbdg.engine.samplers.addressed_sampler import AddressedSampler
from mmbdg.errors import InputError, nearest
from mmbdg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class SourceRatioSampler(AddressedSampler):
    """:class:`AddressedSampler` in which each batch of each process has the same ratio of the parts of the dataset.

    .. code-block:: python

        dict(type='mmbdg.SourceRatioSampler', batch_size=32, ratio=dict(real=1, synthetic=3))               # epochs of the real images
        dict(type='mmbdg.SourceRatioSampler', batch_size=32, ratio=dict(real=1, synthetic=3), epoch=1000)   # epochs of 1,000 steps

    Let the ratio in lowest terms be r_1 : r_2 : ..., and R the sum of its terms. Samples come in groups of R: r_1 of the first part, then
    r_2 of the second one, and so on. With W processes, process r gets every group g with g mod W = r. Let B be the total batch size,
    ``batch_size`` x W. Step t uses the groups t B / R ... (t + 1) B / R - 1 for any W, so the samples of a step depend only on the seed
    and B.

    An epoch has S steps:

    - ``epoch='real'``: each image of the part ``real`` is used once. If the number of its images is not a multiple of those in a step,
      the last step also contains some of them a second time, with new augmentations, so that each batch is complete;
    - ``epoch=1000``: S is 1000.

    A pass through a part is a random order of all its images, a permutation for (seed, part, pass). The part that defines the epochs
    begins a new pass at the start of each epoch. The passes of all other parts continue across epochs: each of their images is used n
    times before one is used n + 1 times. The sampler counts passes as epochs in an :class:`~mmbdg.datasets.Address`, so that no image gets
    the same augmentations twice.

    The dataset is a :class:`~mmbdg.datasets.MixedDataset`, a ``ConcatDataset`` (of torch, mmengine or a package on top of it), or a
    :class:`~mmbdg.datasets.JointDataset` whose first part is a ``ConcatDataset``. A ``ConcatDataset`` has no addresses: its order is the
    same for any number of processes, but its augmentations are those of the data loader's workers.

    Args:
        dataset: Dataset of several parts.
        batch_size: Batch size of the data loader, per process; a multiple of R.
        ratio: Number of samples by the name of the part, whole numbers of at least 1, for all parts of the dataset.
        epoch: Name of the part whose images make an epoch, or number of steps S of an epoch. Default: the first part in ``ratio``.
        names: Names of the datasets in a ``ConcatDataset``, in their order. Default: the dataset has named parts.
        seed: Seed of the order and of all augmentations. Default: a seed that all processes share. mmengine's Runner passes its own seed.
        by_epoch: Whether to stop at the end of an epoch, for ``EpochBasedTrainLoop``. The next epoch continues there. Default False:
            endless, for ``IterBasedTrainLoop``. The samples are the same.

    Raises:
        InputError: The dataset has no parts, or a part is empty; ``names`` are missing, too many or not unique; ``ratio`` has an unknown
            part, lacks a part, or is no whole number; ``batch_size`` is no multiple of R; ``epoch`` is neither a part nor a number.
    """

    takes: ClassVar = (Addressing.INDEX, Addressing.ADDRESS)

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        ratio: Mapping[str, int],
        epoch: str | int | None = None,
        names: Sequence[str] | None = None,
        seed: int | None = None,
        by_epoch: bool = False,
    ) -> None:
        self.lengths = _lengths(dataset, names)
        self.ratio = _lowest(ratio, self.lengths)
        super().__init__(dataset, seed, by_epoch)
        self.group = sum(self.ratio.values())
        self.batch_size, total = batch_size, batch_size * self.world_size
        if batch_size < 1 or batch_size % self.group:
            shown = ' : '.join(map(str, self.ratio.values()))
            raise InputError(
                f'SourceRatioSampler: the ratio {" : ".join(self.ratio)} = {shown} needs {self.group} samples, but the batch of a process '
                f'has {batch_size} ({total} for {self.world_size} processes): set batch_size, here and in the data loader, to a multiple '
                f'of {self.group}. Every process must have the ratio; with a fixed total, use fewer processes'
            )
        self.counted = next(iter(self.ratio)) if epoch is None else epoch
        self.steps = self._steps(total)
        self._offsets = dict(zip(self.lengths, accumulate(self.lengths.values(), initial=0), strict=False))
        self._slots = [(name, place) for name, count in self.ratio.items() for place in range(count)]
        self._orders: dict[str, tuple[int, list[int]]] = {}  # number and order of the last pass of each part

    def __len__(self) -> int:
        """Number of samples of this process in an epoch: S x ``batch_size``."""
        return self.steps * self.batch_size

    def item(self, n: int) -> int | Address:
        address = self.address(n)
        return address if self.addressing is Addressing.ADDRESS else address.index

    def address(self, n: int) -> Address:
        """Address of sample n. Its index counts the images of all parts, and its epoch is the pass through the part."""
        group, slot = divmod(n, self.group)
        name, place = self._slots[slot]
        number, index = self._place(name, group * self.ratio[name] + place)
        if self._orders.get(name, (-1,))[0] != number:
            order = generator_at('source order', self.seed, name, number).permutation(self.lengths[name])
            self._orders[name] = number, order.tolist()
        return Address(self.seed, number, self._offsets[name] + self._orders[name][1][index], n)

    def _place(self, name: str, number: int) -> tuple[int, int]:
        """Pass through a part, and place in its order, of the part's sample with a number, which counts over all epochs."""
        size = self.lengths[name]
        if name != self.counted:
            return divmod(number, size)
        used = self.steps * self.batch_size * self.world_size // self.group * self.ratio[name]  # in an epoch; at least ``size``
        epoch, place = divmod(number, used)
        more, place = divmod(place, size)
        return epoch * -(-used // size) + more, place

    def _steps(self, total: int) -> int:
        counted = self.counted
        if isinstance(counted, str):
            if counted not in self.ratio:
                raise InputError(
                    f'SourceRatioSampler: epoch="{counted}" is no part{nearest(counted, self.ratio)}; give one of '
                    f'{", ".join(self.ratio)}, or a number of steps'
                )
            return -(-self.lengths[counted] // (total // self.group * self.ratio[counted]))
        if not isinstance(counted, int) or isinstance(counted, bool) or counted < 1:
            raise InputError(f'SourceRatioSampler: epoch is the name of a part, or a number of steps of at least 1; got {counted!r}')
        return counted


def _lengths(dataset: Any, names: Sequence[str] | None) -> dict[str, int]:
    """Number of images of each part, by its name, in the order of the dataset."""
    if isinstance(dataset, JointDataset):
        dataset = dataset.parts[dataset.first]
    if isinstance(dataset, MixedDataset):
        if names is not None:
            raise InputError('SourceRatioSampler: the parts of a MixedDataset have names: remove names from the sampler')
        return {name: len(part) for name, part in dataset.parts.items()}
    parts = getattr(dataset, 'datasets', None)
    if parts is None:
        raise InputError(
            f'SourceRatioSampler needs a dataset of several parts, and {type(dataset).__name__} is none: set train_dataloader.dataset to '
            "dict(type='mmbdg.MixedDataset', parts=dict(real=..., synthetic=...))"
        )
    if names is None or isinstance(names, str) or len(names) != len(parts):
        given = 'none are given' if names is None else f'got {names!r}'
        raise InputError(f'SourceRatioSampler.names is a list of the names of the {len(parts)} datasets of the ConcatDataset; {given}')
    if twice := sorted({name for name in names if list(names).count(name) > 1}):
        raise InputError(
            f'SourceRatioSampler.names has "{twice[0]}" twice: give each dataset its own name, or put datasets of one source into a '
            'ConcatDataset of their own'
        )
    lengths = {name: len(part) for name, part in zip(names, parts, strict=True)}
    if empty := [name for name, length in lengths.items() if not length]:
        raise InputError(f'SourceRatioSampler: the part "{empty[0]}" has no images: check its folders, or remove it')
    return lengths


def _lowest(ratio: Mapping[str, int], names: Mapping[str, int]) -> dict[str, int]:
    """Ratio in lowest terms, in the order of ``ratio``."""
    for name, count in dict(ratio).items():
        if name not in names:
            raise InputError(
                f'SourceRatioSampler: ratio.{name}: the dataset has no part "{name}", only {", ".join(names)}{nearest(str(name), names)}'
            )
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise InputError(f'SourceRatioSampler: ratio.{name} is a whole number of samples, at least 1; got {count!r}')
    if lacking := [name for name in names if name not in ratio]:
        raise InputError(f'SourceRatioSampler: ratio has no number for the part "{lacking[0]}": add it, or remove the part')
    divisor = gcd(*ratio.values())
    return {name: count // divisor for name, count in ratio.items()}
