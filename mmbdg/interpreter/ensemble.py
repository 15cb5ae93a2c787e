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
"""Largest number of members (paper: 16)."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""Logits (N,C,H,W), labels (N,H,W) -> scalar."""


def check_members(number: int) -> None:
    """Raise InputError unless ``number`` is a valid number of members."""
    if type(number) is not int or not 1 <= number <= MOST_MEMBERS:
        raise InputError(f'num_members must be a whole number, 1 to {MOST_MEMBERS:,}, got {number!r}')


class Ensemble(BaseModule):
    """Base class of ensembles: the interface that training and labelling use.

    Attributes:
        num_members: Number M of members.
        num_outputs: Number of logits per pixel: 1 for FG/BG, else C.
    """

    num_members: int
    num_outputs: int

    def forward(self, features: Sequence[Tensor], embedding: Tensor) -> Tensor:
        """Features (N,C_i,R_i,R_i), class embedding (N,E) -> logits (M,N,num_outputs,R,R)."""
        return torch.cat(list(self.each(features, embedding)))

    @abstractmethod
    def each(self, features: Sequence[Tensor], embedding: Tensor) -> Iterator[Tensor]:
        """Yield the logits (m,N,num_outputs,R,R) of a few members at a time. Concatenated, they equal :meth:`forward`."""

    @abstractmethod
    def forward_own(self, features: Sequence[Tensor], embedding: Tensor, *more: Tensor) -> Tensor:
        """Compute each member on its own part of the batch, for training.

        Features (M*N,C_i,R_i,R_i), class embedding (M*N,E) -> logits (M*N,num_outputs,R,R); member m computes rows m*N to (m+1)*N.

        Raises:
            ValueError: The batch size is not a multiple of M.
        """

    def keep_first(self, count: int) -> None:
        """Keep the first ``count`` members only.

        Fewer members are faster, but they disagree less often where they are wrong. A single member has no disagreement.

        Raises:
            InputError: ``count`` is smaller than 1 or larger than the number of members.
        """
        if not 1 <= count <= self.num_members:
            raise InputError(f'members must be 1 to {self.num_members}, the size of the ensemble, got {count}')
        self._drop_after(count)
        self.num_members = count

    @abstractmethod
    def _drop_after(self, count: int) -> None:
        """Drop the modules of all members after the first ``count``."""

    def own_losses(self, loss: Loss, labels: Tensor, features: Sequence[Tensor], embedding: Tensor, *more: Tensor) -> Tensor:
        """The loss of each member on its own part of the batch (M,), see :meth:`forward_own`; labels (M*N,H,W)."""
        logits = self.forward_own(features, embedding, *more).float()
        parts = zip(logits.chunk(self.num_members), labels.chunk(self.num_members), strict=True)
        return torch.stack([loss(*part) for part in parts])

    def check_batch(self, size: int) -> None:
        """Raise ValueError unless the members can share a batch of this size equally."""
        if size % self.num_members:
            raise ValueError(f'the batch of {size} cannot be shared by {self.num_members} members; use a multiple of {self.num_members}')

    def init_weights(self) -> None:
        """Load the checkpoint of ``init_cfg`` strictly. Without ``init_cfg`` each member keeps its random weights."""
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        self.is_init = True


@MODELS.register_module()
class InterpreterEnsemble(Ensemble):
    """``num_members`` interpreters that differ in their initial weights and in the order of their training data (paper: 16).

    Args:
        member: Config of a :class:`~mmbdg.interpreter.FeatureInterpreter`.
        num_members: Number M of members, 1 to 1024. Default: 16.
        members_at_once: Number of members that are computed as one batched module in eval mode. 1 takes the least memory,
            and on CPUs the least time (docs/interpreters.md). Default: 1.
        init_cfg: Checkpoint with all members in one file, ``dict(type='Pretrained', checkpoint=..., prefix=...)``;
            M files of the released code, ``dict(type='mmbdg.PublishedWeights', checkpoint=[...],
            source='bigdatasetgan')``; or None for random weights. Default: None.
        **features: ``feature_info``, ``embed_dim`` and ``resolution`` of the generator, where ``member`` does not set them.
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
        """See :meth:`Ensemble.own_losses`.

        The graph of only one member exists at a time. The graphs of 16 members at 512 px would take hundreds of GB.
        """
        losses = []
        for member, own, (target, *rest) in self._parts(features, labels, embedding, *more):
            losses.append(with_gradient_now(loss(member(own, *rest).float(), target), list(member.parameters())))
        return torch.stack(losses)

    def _drop_after(self, count: int) -> None:
        self.members = self.members[:count]

    def _parts(self, features: Sequence[Tensor], *rest: Tensor) -> Iterable[tuple[nn.Module, list[Tensor], list[Tensor]]]:
        """Yield each member with its part of the features and of the other batch tensors."""
        self.check_batch(len(rest[0]))
        for member, *own in zip(self.members, *[x.chunk(self.num_members) for x in (*features, *rest)], strict=True):
            yield member, own[: len(features)], own[len(features) :]


def _batched(members: Sequence[nn.Module], features: Sequence[Tensor], embedding: Tensor) -> Tensor:
    """Compute members of the same architecture as one module: grouped convolutions with one group per member."""
    state, given, device = torch.func.stack_module_state(list(members)), (list(features), embedding), embedding.device.type
    if torch.is_autocast_enabled(device):  # autocast has no effect within vmap on CPUs, so cast everything to its dtype
        dtype = torch.get_autocast_dtype(device)
        state, given = tree_map(lambda x: x.to(dtype) if x.is_floating_point() else x, (state, given))

    def member(*state: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(members[0], state, given)

    with torch.autocast(device, enabled=False):
        return torch.vmap(member)(*state)
