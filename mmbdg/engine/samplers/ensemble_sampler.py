"""The order in which the members of an ensemble see the annotated data."""

from collections.abc import Iterator, Sized
from itertools import islice

from mmengine.dataset import InfiniteSampler

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class EnsembleSampler(InfiniteSampler):
    """Each member goes through the whole set in an order of its own, again and again.

    A batch is the next ``per_member`` samples of member 0, those of member 1, and so on: what ``Ensemble.forward_own`` takes. With several
    processes each member's samples are dealt among them. A member's order depends on the seed, the member and the pass only.

    Args:
        dataset: With ``class_ids`` if there are folds.
        num_members: M. The data loader's ``batch_size`` is M x ``per_member``.
        per_member: Samples of a member in a process's batch.
        folds: Member m does not see fold m mod ``folds`` of the samples, dealt class by class; 0: every member sees all.
        seed: Of the orders; None: one that all processes share.

    Raises:
        InputError: There is one fold only, or a fold is everything a member would see.
    """

    def __init__(self, dataset: Sized, num_members: int, per_member: int, folds: int = 0, seed: int | None = None) -> None:
        if folds == 1:
            raise InputError('EnsembleSampler.folds=1 would leave nothing: 0 for none, else at least 2')
        self.num_members, self.per_member, self.folds = num_members, per_member, folds
        super().__init__(dataset, shuffle=True, seed=seed)
        self.fold_of = _folds(dataset.class_ids, folds) if folds else [0] * len(dataset)
        for member in range(num_members):
            if not self._seen_by(member):
                raise InputError(f'with {folds} folds member {member} sees none of the {len(dataset)} samples')

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
    """The fold of each sample: within a class they take turns, so that each fold holds every class."""
    seen: dict[int, int] = {}
    dealt = []
    for class_id in class_ids:
        seen[class_id] = seen.get(class_id, -1) + 1
        dealt.append(seen[class_id] % folds)
    return dealt
