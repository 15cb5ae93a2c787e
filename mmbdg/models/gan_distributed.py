"""A GAN on several processes."""

from typing import Any

import torch
from mmengine.dist import all_reduce, broadcast
from torch import nn

from mmbdg.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class GANDistributed(nn.Module):
    """Averages gradients over the processes as they arise, whatever the model's own ``train_step`` does with them.

    ``MMDistributedDataParallel`` assumes one loss and one optimiser. Weights start as rank 0's. Batch-norm statistics stay each process's
    own; those of the averaged generator are re-estimated before it is used.

    Args:
        module: A :class:`~mmbdg.models.ConditionalGAN`.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        for tensor in module.state_dict().values():
            broadcast(tensor)
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(lambda p: all_reduce(p.grad, op='mean'))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def train_step(self, *args: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
        """The model's."""
        return self.module.train_step(*args, **kwargs)

    def val_step(self, *args: Any, **kwargs: Any) -> list:
        """The model's."""
        return self.module.val_step(*args, **kwargs)

    def test_step(self, *args: Any, **kwargs: Any) -> list:
        """The model's."""
        return self.module.test_step(*args, **kwargs)
