"""An ensemble of feature interpreters."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from mmbdg.compat.checkpoint import load_pretrained
from mmbdg.errors import InputError
from mmbdg.interpreter.early_gradient import with_gradient_now
from mmbdg.registry import MODELS

MOST_MEMBERS = 1024
"""Members of an ensemble (paper: 16)."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""Logits (N,C,H,W), labels (N,H,W) -> scalar."""


def check_members(number: int) -> None:
    """Raise InputError unless an ensemble can have so many members."""
    if type(number) is not int or not 1 <= number <= MOST_MEMBERS:
        raise InputError(f'num_members must be a whole number, 1 to {MOST_MEMBERS:,}, got {number!r}')


class Ensemble(BaseModule):
    """What training and labelling ask of an ensemble, whatever its members share.

    Attributes:
        num_members: M.
        num_outputs: Logits per pixel: 1 for FG/BG, else C.
    """

    num_members: int
    num_outputs: int

    def forward(self, features: Sequence[Tensor], embedding: Tensor) -> Tensor:
        """Features (N,C_i,R_i,R_i), class embedding (N,E) -> logits (M,N,num_outputs,R,R)."""
        return torch.cat(list(self.each(features, embedding)))

    @abstractmethod
    def each(self, features: Sequence[Tensor], embedding: Tensor) -> Iterator[Tensor]:
        """The logits (m,N,num_outputs,R,R) of the members, a few at a time; together those of :meth:`forward`."""

    @abstractmethod
    def forward_own(self, features: Sequence[Tensor], embedding: Tensor, *more: Tensor) -> Tensor:
        """Each member on its own part of the batch, for training.

        Features (M*N,C_i,R_i,R_i), class embedding (M*N,E) -> logits (M*N,num_outputs,R,R); member m computes rows m*N to (m+1)*N.

        Raises:
            ValueError: The batch is no multiple of M.
        """

    def keep_first(self, count: int) -> None:
        """Leave the first members only: faster, and less likely to disagree where they are wrong; one alone never does.

        Raises:
            InputError: There are fewer members, or none is left.
        """
        if not 1 <= count <= self.num_members:
            raise InputError(f'members must be 1 to {self.num_members}, the size of the ensemble, got {count}')
        self._drop_after(count)
        self.num_members = count

    @abstractmethod
    def _drop_after(self, count: int) -> None:
        """Drop the modules of all members but the first."""

    def own_losses(self, loss: Loss, labels: Tensor, features: Sequence[Tensor], embedding: Tensor, *more: Tensor) -> Tensor:
        """The loss of each member on its own part of the batch (M,), see :meth:`forward_own`; labels (M*N,H,W)."""
        logits = self.forward_own(features, embedding, *more).float()
        parts = zip(logits.chunk(self.num_members), labels.chunk(self.num_members), strict=True)
        return torch.stack([loss(*part) for part in parts])

    def check_batch(self, size: int) -> None:
        """Raise ValueError unless a batch can be shared by the members."""
        if size % self.num_members:
            raise ValueError(f'the batch of {size} cannot be shared by {self.num_members} members; make it a multiple')

    def init_weights(self) -> None:
        """Load ``init_cfg``'s checkpoint exactly, or keep each member's own random weights."""
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        self.is_init = True


@MODELS.register_module()
class InterpreterEnsemble(Ensemble):
    """``num_members`` interpreters that differ in their initial weights and in the order of their training data (paper: 16).

    Args:
        member: Config of a :class:`~mmbdg.interpreter.FeatureInterpreter`.
        num_members: M.
        members_at_once: How many members are computed as one batched module at rest. In turn (1) takes the least memory, and on CPUs the
            least time (docs/interpreters.md).
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)`` for all members in one file, or None.
            ``dict(type='mmbdg.PublishedWeights', checkpoint=[...], source='bigdatasetgan')`` takes M files of the released code.
        **features: ``feature_info``, ``embed_dim``, ``resolution`` of the generator, if ``member`` does not state them.
    """

    def __init__(
        self, member: dict, num_members: int = 16, members_at_once: int = 1, init_cfg: dict | None = None, **features: object
    ) -> None:
        super().__init__(init_cfg)
        check_members(num_members)
        self.members = ModuleList([MODELS.build({**features, **member}) for _ in range(num_members)])
        self.num_members, self.members_at_once = num_members, members_at_once
        self.num_outputs = self.members[0].num_outputs

    def each(self, features: Sequence[Tensor], embedding: Tensor) -> Iterator[Tensor]:
        if self.training or self.members_at_once == 1:
            for member in self.members:
                yield member(features, embedding)[None]
            return
        for start in range(0, self.num_members, self.members_at_once):
            yield _batched(self.members[start : start + self.members_at_once], features, embedding)

    def forward_own(self, features: Sequence[Tensor], embedding: Tensor, *more: Tensor) -> Tensor:
        return torch.cat([member(own, *rest) for member, own, rest in self._parts(features, embedding, *more)])

    def own_losses(self, loss: Loss, labels: Tensor, features: Sequence[Tensor], embedding: Tensor, *more: Tensor) -> Tensor:
        """See :meth:`Ensemble.own_losses`. One member's graph stands at a time: 16 of 512 px would take hundreds of GB together."""
        losses = []
        for member, own, (target, *rest) in self._parts(features, labels, embedding, *more):
            losses.append(with_gradient_now(loss(member(own, *rest).float(), target), list(member.parameters())))
        return torch.stack(losses)

    def _drop_after(self, count: int) -> None:
        self.members = self.members[:count]

    def _parts(self, features: Sequence[Tensor], *rest: Tensor) -> Iterable[tuple[nn.Module, list[Tensor], list[Tensor]]]:
        """Each member with its part of the features and of what goes with them."""
        self.check_batch(len(rest[0]))
        for member, *own in zip(self.members, *[x.chunk(self.num_members) for x in (*features, *rest)], strict=True):
            yield member, own[: len(features)], own[len(features) :]


def _batched(members: Sequence[nn.Module], features: Sequence[Tensor], embedding: Tensor) -> Tensor:
    """Members of one architecture as one computation: convolutions with a group for each member."""
    state, given, device = torch.func.stack_module_state(list(members)), (list(features), embedding), embedding.device.type
    if torch.is_autocast_enabled(device):  # it does nothing within vmap on CPUs: all is computed in its precision instead
        dtype = torch.get_autocast_dtype(device)
        state, given = tree_map(lambda x: x.to(dtype) if x.is_floating_point() else x, (state, given))

    def member(*state: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(members[0], state, given)

    with torch.autocast(device, enabled=False):
        return torch.vmap(member)(*state)
