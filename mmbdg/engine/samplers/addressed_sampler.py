"""The order of a training's samples: endless, the same for any number of processes, and known at any iteration."""

from collections.abc import Iterator
from itertools import count

from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmbdg.addressed import generator_at
from mmbdg.datasets import Address, JointDataset, OnlineSyntheticDataset
from mmbdg.errors import InputError
from mmbdg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class AddressedSampler(Sampler):
    """Counts n = 0, 1, 2, ... over all processes; of W of them process r takes every n with n mod W = r.

    Step t of a training with B samples in all therefore sees n = t B ... (t + 1) B - 1 whatever W is, and a training that resumes at step t
    goes on at t B. No n comes twice as long as B stays what it was when the training began.

    A :class:`~mmbdg.datasets.JointDataset` of N real images is asked by :class:`~mmbdg.datasets.Address`: n div N is the pass through
    them, n mod N the place in this pass's order, a permutation drawn for (seed, pass). An :class:`~mmbdg.datasets.OnlineSyntheticDataset`
    is asked by n.

    Args:
        dataset: One of the two.
        seed: Of the order of the real images and of all augmentations; mmengine's Runner gives its own.
        by_epoch: Stop after as many samples as the dataset's length, for ``EpochBasedTrainLoop``; the next epoch goes on from there.
            Otherwise it never stops, for ``IterBasedTrainLoop``.

    Raises:
        InputError: The dataset is none of the two.
    """

    def __init__(self, dataset: OnlineSyntheticDataset | JointDataset, seed: int | None = None, by_epoch: bool = False) -> None:
        if not isinstance(dataset, JointDataset | OnlineSyntheticDataset):
            raise InputError(
                f'AddressedSampler counts the samples of a JointDataset or an OnlineSyntheticDataset, {type(dataset).__name__} is none'
            )
        self.dataset, self.size, self.by_epoch = dataset, len(dataset), by_epoch
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self._next = 0  # of this process: it has taken so many
        self._pass: tuple[int, list[int]] = (-1, [])  # the last one through the real images, and its order

    def __len__(self) -> int:
        """Samples of this process in an epoch."""
        return -(-self.size // self.world_size)

    def __iter__(self) -> Iterator[int | Address]:
        for _ in range(len(self)) if self.by_epoch else count():
            n = self._next * self.world_size + self.rank
            self._next += 1
            yield self.address(n) if isinstance(self.dataset, JointDataset) else n

    def address(self, n: int) -> Address:
        """Sample n of a joint dataset."""
        epoch, place = divmod(n, self.size)
        if epoch != self._pass[0]:
            self._pass = epoch, generator_at('real order', self.seed, epoch).permutation(self.size).tolist()
        return Address(self.seed, epoch, self._pass[1][place], n)

    def skip(self, num_samples: int) -> None:
        """Go on after the first so many samples of this process; what mmengine calls where a training resumes at an iteration."""
        self._next = num_samples

    def set_epoch(self, epoch: int) -> None:
        """Go on after the first so many epochs; what mmengine calls before each epoch, and before a training that counts none."""
        if self.by_epoch:
            self._next = epoch * len(self)
