"""The order of samples in a training: endless, independent of the number of processes, and known at any iteration."""

from collections.abc import Iterator
from itertools import count

from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Dataset, Sampler

from mmbdg.addressed import generator_at
from mmbdg.datasets import Address
from mmbdg.datasets.address import Addressing, addressing
from mmbdg.errors import InputError
from mmbdg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class AddressedSampler(Sampler):
    """Counts n = 0, 1, 2, ... over all processes; of W processes, process r takes every n with n mod W = r.

    Let B be the total batch size. Step t sees n = t B ... (t + 1) B - 1 for any W, and a training that resumes at step t continues at t B.
    No sample repeats while the total batch size stays unchanged.

    How the dataset is asked depends on its addressing, see :class:`~mmbdg.datasets.Addressing`. By count
    (:class:`~mmbdg.datasets.OnlineSyntheticDataset`): by n. By address (:class:`~mmbdg.datasets.JointDataset`, of length N): by
    :class:`~mmbdg.datasets.Address`, where n div N is the pass and n mod N the place in the order of this pass, a permutation that is
    drawn for (seed, pass).

    Args:
        dataset: A dataset that is addressed by count or by address.
        seed: Seed of the order and of all augmentations; default: one that all processes share. mmengine's Runner provides its own.
        by_epoch: Whether to stop after as many samples as the dataset's length, for ``EpochBasedTrainLoop``; the next epoch continues
            there. Default False: it never stops, for ``IterBasedTrainLoop``.

    Raises:
        InputError: The dataset is addressed by index.
    """

    def __init__(self, dataset: Dataset, seed: int | None = None, by_epoch: bool = False) -> None:
        self.addressing = addressing(dataset)
        if self.addressing is Addressing.INDEX:
            raise InputError(
                f'AddressedSampler is for datasets that are addressed by count or by address, as OnlineSyntheticDataset and JointDataset; '
                f'{type(dataset).__name__} is addressed by index: take DefaultSampler or InfiniteSampler'
            )
        self.dataset, self.size, self.by_epoch = dataset, len(dataset), by_epoch
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self._next = 0  # number of samples that this process has taken
        self._pass: tuple[int, list[int]] = (-1, [])  # number and order of the last pass

    def __len__(self) -> int:
        """Number of samples of this process in an epoch."""
        return -(-self.size // self.world_size)

    def __iter__(self) -> Iterator[int | Address]:
        for _ in range(len(self)) if self.by_epoch else count():
            n = self._next * self.world_size + self.rank
            self._next += 1
            yield self.address(n) if self.addressing is Addressing.ADDRESS else n

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
