"""Model wrapper for GAN training on several processes."""

from typing import Any

import torch
from mmengine.dist import all_reduce, broadcast
from torch import nn

from mmbdg.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class GANDistributed(nn.Module):
    """Averages each gradient over the processes as soon as it is computed, for any ``train_step`` of the model.

    ``MMDistributedDataParallel`` supports only one loss and one optimiser. Initial weights are broadcast from rank 0. Batch-norm statistics
    are not synchronised; those of the averaged generator are re-estimated before it is used.

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
        """Call the model's ``train_step``."""
        return self.module.train_step(*args, **kwargs)

    def val_step(self, *args: Any, **kwargs: Any) -> list:
        """Call the model's ``val_step``."""
        return self.module.val_step(*args, **kwargs)

    def test_step(self, *args: Any, **kwargs: Any) -> list:
        """Call the model's ``test_step``."""
        return self.module.test_step(*args, **kwargs)
