"""Endless sampler whose order does not depend on the number of processes and can be computed for any iteration."""

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
    """Yields the sample numbers n = 0, 1, 2, ...; of W processes, process r takes every n with n mod W = r.

    With a total batch size of B, step t therefore sees n = t B ... (t + 1) B - 1 for any W, and a training that resumes at step t starts at
    n = t B. No sample repeats while the total batch size stays unchanged.

    A :class:`~mmbdg.datasets.JointDataset` of N real images is indexed by :class:`~mmbdg.datasets.Address`: n div N is the pass through
    the images, n mod N the position in the order of this pass, which is a permutation drawn for (seed, pass). An
    :class:`~mmbdg.datasets.OnlineSyntheticDataset` is indexed by n.

    Args:
        dataset: Joint or online dataset.
        seed: Seed of the order of the real images and of all augmentations; default: one that all processes share. mmengine's Runner
            passes its own seed.
        by_epoch: True for ``EpochBasedTrainLoop``: stop after one dataset length; the next epoch continues from there. False for
            ``IterBasedTrainLoop``: never stop.

    Raises:
        InputError: The dataset is neither of the two.
    """

    def __init__(self, dataset: OnlineSyntheticDataset | JointDataset, seed: int | None = None, by_epoch: bool = False) -> None:
        if not isinstance(dataset, JointDataset | OnlineSyntheticDataset):
            raise InputError(
                f'AddressedSampler needs a JointDataset or an OnlineSyntheticDataset, got {type(dataset).__name__}: use another sampler'
            )
        self.dataset, self.size, self.by_epoch = dataset, len(dataset), by_epoch
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self._next = 0  # number of samples this process has taken
        self._pass: tuple[int, list[int]] = (-1, [])  # current pass through the real images, and its order

    def __len__(self) -> int:
        """Number of samples of this process per epoch."""
        return -(-self.size // self.world_size)

    def __iter__(self) -> Iterator[int | Address]:
        for _ in range(len(self)) if self.by_epoch else count():
            n = self._next * self.world_size + self.rank
            self._next += 1
            yield self.address(n) if isinstance(self.dataset, JointDataset) else n

    def address(self, n: int) -> Address:
        """Address of sample n in a joint dataset."""
        epoch, place = divmod(n, self.size)
        if epoch != self._pass[0]:
            self._pass = epoch, generator_at('real order', self.seed, epoch).permutation(self.size).tolist()
        return Address(self.seed, epoch, self._pass[1][place], n)

    def skip(self, num_samples: int) -> None:
        """Skip the first ``num_samples`` samples of this process; mmengine calls this when a training resumes at an iteration."""
        self._next = num_samples

    def set_epoch(self, epoch: int) -> None:
        """Skip the first ``epoch`` epochs; mmengine calls this before each epoch, and once before an iteration-based training."""
        if self.by_epoch:
            self._next = epoch * len(self)
