"""An ensemble of feature interpreters."""

from collections.abc import Iterable, Sequence

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor

from mmbdg.compat.checkpoint import load_pretrained
from mmbdg.registry import MODELS


@MODELS.register_module()
class InterpreterEnsemble(BaseModule):
    """``num_members`` interpreters that differ in their initial weights and in the order of their training data (paper: 16).

    Args:
        member: Config of a :class:`~mmbdg.interpreter.feature_interpreter.FeatureInterpreter`.
        num_members: M.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)`` for all members in one file, or None.
        **features: ``feature_info``, ``embed_dim``, ``resolution`` of the generator, if ``member`` does not state them.
    """

    def __init__(self, member: dict, num_members: int = 16, init_cfg: dict | None = None, **features) -> None:
        super().__init__(init_cfg)
        self.members = ModuleList([MODELS.build({**features, **member}) for _ in range(num_members)])

    @property
    def num_outputs(self) -> int:
        """Logits per pixel: 1 for FG/BG, else C."""
        return self.members[0].num_outputs

    def forward(self, features: Sequence[Tensor], embedding: Tensor) -> Tensor:
        """Features (N,C_i,R_i,R_i), class embedding (N,E) -> logits (M,N,num_outputs,R,R)."""
        return torch.stack([member(features, embedding) for member in self.members])

    def forward_own(self, features: Sequence[Tensor], embedding: Tensor) -> Tensor:
        """Each member on its own part of the batch, for training.

        Features (M*N,C_i,R_i,R_i), class embedding (M*N,E) -> logits (M*N,num_outputs,R,R); member m computes rows m*N to (m+1)*N.

        Raises:
            ValueError: The batch is no multiple of M.
        """
        if len(embedding) % len(self.members):
            raise ValueError(f'the batch of {len(embedding)} cannot be shared by {len(self.members)} members; make it a multiple')
        parts: Iterable = zip(self.members, *[f.chunk(len(self.members)) for f in (*features, embedding)], strict=True)
        return torch.cat([member(own, own_embedding) for member, *own, own_embedding in parts])

    def init_weights(self) -> None:
        """Load ``init_cfg``'s checkpoint exactly, or keep each member's own random weights."""
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        self.is_init = True
