"""Sampler that gives each member of an ensemble its own order of the annotated data."""

from collections.abc import Iterator, Sized
from itertools import islice

from mmengine.dataset import InfiniteSampler

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class EnsembleSampler(InfiniteSampler):
    """Endless sampler in which each ensemble member passes through the whole dataset in its own random order.

    A batch holds the next ``per_member`` samples of member 0, then those of member 1, and so on, as ``Ensemble.forward_own`` expects. With
    several processes each member's samples are split among them. A member's order depends only on the seed, the member and the pass.

    Args:
        dataset: Annotated dataset; needs ``class_ids`` if ``folds`` > 0.
        num_members: Number M of members. The data loader's ``batch_size`` must be M x ``per_member``.
        per_member: Samples per member in the batch of one process.
        folds: Number of folds, 0 or at least 2; member m does not see fold m mod ``folds``, and folds are balanced over the classes.
            Default 0: every member sees all samples.
        seed: Seed of the orders; None: one that all processes share.

    Raises:
        InputError: ``folds`` is 1, or a member would see no sample.
    """

    def __init__(self, dataset: Sized, num_members: int, per_member: int, folds: int = 0, seed: int | None = None) -> None:
        if folds == 1:
            raise InputError('EnsembleSampler.folds=1 would leave no samples: use 0 (no folds) or at least 2')
        self.num_members, self.per_member, self.folds = num_members, per_member, folds
        super().__init__(dataset, shuffle=True, seed=seed)
        self.fold_of = _folds(dataset.class_ids, folds) if folds else [0] * len(dataset)
        for member in range(num_members):
            if not self._seen_by(member):
                raise InputError(
                    f'with {folds} folds member {member} sees none of the {len(dataset)} samples: lower train_dataloader.sampler.folds'
                )

    def _seen_by(self, member: int) -> list[int]:
        return [i for i, fold in enumerate(self.fold_of) if not self.folds or fold != member % self.folds]

    def _order(self, member: int) -> Iterator[int]:
        seen, once_more = self._seen_by(member), 0
        while True:
            order = generator_at('ensemble order', self.seed, member, once_more).permutation(len(seen))
            yield from (seen[i] for i in order.tolist())
            once_more += 1

    def _indices_of_rank(self) -> Iterator[int]:
        orders = [islice(self._order(member), self.rank, None, self.world_size) for member in range(self.num_members)]
        while True:
            for order in orders:
                yield from islice(order, self.per_member)


def _folds(class_ids: list[int], folds: int) -> list[int]:
    """Fold of each sample; the samples of a class are assigned to the folds in turn, so that each fold holds every class."""
    seen: dict[int, int] = {}
    dealt = []
    for class_id in class_ids:
        seen[class_id] = seen.get(class_id, -1) + 1
        dealt.append(seen[class_id] % folds)
    return dealt
