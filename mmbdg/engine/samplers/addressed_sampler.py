"""Sampler with an endless order that does not depend on the number of processes and can be computed for any iteration."""

from collections.abc import Iterator
from itertools import count
from typing import ClassVar

from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Dataset, Sampler

from mmbdg.addressed import generator_at
from mmbdg.datasets import Address
from mmbdg.datasets.address import Addressing, addressing
from mmbdg.errors import InputError
from mmbdg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class AddressedSampler(Sampler):
    """Counts samples n = 0, 1, 2, ... over all processes. With W processes, process r gets every n with n mod W = r.

    Let B be the total batch size. Step t uses n = t B ... (t + 1) B - 1 for any W, and a training that resumes at step t continues at t B.
    No sample repeats while the total batch size stays unchanged.

    The index given to the dataset depends on its addressing, see :class:`~mmbdg.datasets.Addressing`:

    - by count (:class:`~mmbdg.datasets.OnlineSyntheticDataset`): n;
    - by address (:class:`~mmbdg.datasets.JointDataset` of length N): an :class:`~mmbdg.datasets.Address`. n div N is the epoch, and n mod N
      is the position in the order of this epoch, a random permutation for (seed, epoch).

    Args:
        dataset: Dataset that is addressed by count or by address.
        seed: Seed of the order and of all augmentations. Default: a seed that all processes share. mmengine's Runner passes its own seed.
        by_epoch: Whether to stop after as many samples as the length of the dataset, for ``EpochBasedTrainLoop``. The next epoch continues
            there. Default False: endless, for ``IterBasedTrainLoop``.

    Raises:
        InputError: The dataset is addressed by index.
    """

    takes: ClassVar = (Addressing.COUNT, Addressing.ADDRESS)
    """Addressing of the datasets that the sampler is for."""

    def __init__(self, dataset: Dataset, seed: int | None = None, by_epoch: bool = False) -> None:
        self.addressing = addressing(dataset)
        if self.addressing not in self.takes:
            raise InputError(
                'AddressedSampler is for datasets that are addressed by count or by address, e.g. OnlineSyntheticDataset and JointDataset; '
                f'{type(dataset).__name__} is addressed by index: use DefaultSampler or InfiniteSampler'
            )
        self.dataset, self.size, self.by_epoch = dataset, len(dataset), by_epoch
        self.group = 1  # number of consecutive samples that go to the same process
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self._next = 0  # number of samples that this process has taken
        self._pass: tuple[int, list[int]] = (-1, [])  # number and order of the last pass

    def __len__(self) -> int:
        """Number of samples of this process in an epoch."""
        return -(-self.size // self.world_size)

    def __iter__(self) -> Iterator[int | Address]:
        for _ in range(len(self)) if self.by_epoch else count():
            group, place = divmod(self._next, self.group)
            self._next += 1
            yield self.item((group * self.world_size + self.rank) * self.group + place)

    def item(self, n: int) -> int | Address:
        """What the dataset is given for sample n."""
        return self.address(n) if self.addressing is Addressing.ADDRESS else n

    def address(self, n: int) -> Address:
        """Address of sample n."""
        epoch, place = divmod(n, self.size)
        if epoch != self._pass[0]:
            self._pass = epoch, generator_at('real order', self.seed, epoch).permutation(self.size).tolist()
        return Address(self.seed, epoch, self._pass[1][place], n)

    def skip(self, num_samples: int) -> None:
        """Continue after the first ``num_samples`` samples of this process; mmengine calls this when a training resumes at an iteration."""
        self._next = num_samples

    def set_epoch(self, epoch: int) -> None:
        """Continue after ``epoch`` epochs; mmengine calls this before each epoch, and once in a training that counts iterations."""
        if self.by_epoch:
            self._next = epoch * len(self)
