"""The count of online samples: endless, the same for any number of processes, and known at any iteration."""

from collections.abc import Iterator
from itertools import count

from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmbdg.datasets import JointDataset, OnlineSyntheticDataset
from mmbdg.datasets.online import is_online
from mmbdg.errors import InputError
from mmbdg.registry import DATA_SAMPLERS
from mmbdg.synthesis.latents import generator_at


@DATA_SAMPLERS.register_module()
class OnlineSampler(Sampler):
    """Counts n = 0, 1, 2, ... over all processes; of W of them process r takes every n with n mod W = r.

    Step t of a training with B samples in all therefore sees n = t B ... (t + 1) B - 1 whatever W is, and a training that resumes at step t
    goes on at t B. No n comes twice as long as B stays what it was when the training began.

    With a :class:`~mmbdg.datasets.JointDataset` each n comes with a real image: all of them once, in an order drawn anew for each pass.

    Args:
        dataset: An :class:`~mmbdg.datasets.OnlineSyntheticDataset`, or a :class:`~mmbdg.datasets.JointDataset` with one.
        seed: Of the order of the real images; mmengine's Runner gives its own.
        by_epoch: Stop after as many samples as the dataset's length, for ``EpochBasedTrainLoop``; the next epoch goes on from there.
            Otherwise it never stops, for ``IterBasedTrainLoop``.

    Raises:
        InputError: The dataset is none of the two.
    """

    def __init__(self, dataset: OnlineSyntheticDataset | JointDataset, seed: int | None = None, by_epoch: bool = False) -> None:
        if not is_online(dataset):
            raise InputError(f'OnlineSampler counts the samples of an online dataset, {type(dataset).__name__} is none')
        self.dataset, self.size, self.by_epoch = dataset, len(dataset), by_epoch
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self._next = 0  # of this process: it has taken so many
        self._pass: tuple[int, list[int]] = (-1, [])  # the last one through the real images, and its order

    def __len__(self) -> int:
        """Samples of this process in an epoch."""
        return -(-self.size // self.world_size)

    def __iter__(self) -> Iterator[int | tuple[int, int]]:
        for _ in range(len(self)) if self.by_epoch else count():
            n = self._next * self.world_size + self.rank
            self._next += 1
            yield self._item(n)

    def _item(self, n: int) -> int | tuple[int, int]:
        if not isinstance(self.dataset, JointDataset):
            return n
        past, place = divmod(n, self.size)
        if past != self._pass[0]:
            self._pass = past, generator_at('real order', self.seed, past).permutation(self.size).tolist()
        return self._pass[1][place], n

    def skip(self, num_samples: int) -> None:
        """Go on after the first so many samples of this process; what mmengine calls where a training resumes at an iteration."""
        self._next = num_samples

    def set_epoch(self, epoch: int) -> None:
        """Go on after the first so many epochs; what mmengine calls before each epoch, and before a training that counts none."""
        if self.by_epoch:
            self._next = epoch * len(self)
