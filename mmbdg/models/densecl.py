"""DenseCL that does not keep the logits of all negatives in memory."""

import torch
from mmpretrain.models.heads import ContrastiveHead
from mmpretrain.models.selfsup import DenseCL as PlainDenseCL
from mmpretrain.models.utils import batch_shuffle_ddp, batch_unshuffle_ddp
from torch import Tensor
from torch.nn import functional as F

from mmbdg.errors import InputError
from mmbdg.models.contrastive_loss import contrastive_loss
from mmbdg.models.float32_losses import float32_losses
from mmbdg.registry import MODELS


@MODELS.register_module()
class DenseCL(PlainDenseCL):
    """``mmpretrain.DenseCL`` with the same losses and gradients, but its contrastive losses use :func:`contrastive_loss`.

    At 224 px and batch size 32 the dense branch has 1,568 queries against a queue of 65,536 keys: 411 MB of logits, of which mmpretrain
    holds several copies. Source: DenseCL, arXiv:2011.09157, equations 1 and 2; ``loss_lambda`` is the lambda of equation 3.

    Raises:
        InputError: The head is not a ``ContrastiveHead`` with plain cross-entropy.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        loss = getattr(self.head, 'loss_module', None)
        plain = type(loss).__name__ == 'CrossEntropyLoss' and not loss.use_sigmoid and not loss.use_soft and loss.class_weight is None
        plain = plain and loss.reduction == 'mean'
        if type(self.head) is not ContrastiveHead or not plain:
            raise InputError(
                'mmbdg.DenseCL needs head=dict(type="ContrastiveHead", loss=dict(type="CrossEntropyLoss")); else use mmpretrain.DenseCL'
            )

    def loss(self, inputs: list[Tensor], data_samples: list, **kwargs) -> dict[str, Tensor]:
        """Two views float (N,3,H,W) -> ``loss_single`` and ``loss_dense``, weighted by 1 - lambda and lambda."""
        with float32_losses(self):
            return self._losses(inputs)

    def _losses(self, inputs: list[Tensor]) -> dict[str, Tensor]:
        query_map, single, grid, _ = self.embed(self.backbone, self.neck, inputs[0])
        with torch.no_grad():
            self.encoder_k.update_parameters(torch.nn.Sequential(self.backbone, self.neck))
            shuffled, order = batch_shuffle_ddp(inputs[1])
            keys = self.embed(*self.encoder_k.module, shuffled)
            key_map, key, key_grid, key_mean = (batch_unshuffle_ddp(x, order) for x in keys)
            best = torch.einsum('ncq,nck->nqk', query_map, key_map).argmax(2)  # (N,S^2): for each query cell the most similar key cell
            positives = key_grid.gather(2, best[:, None].expand_as(grid))
        losses = dict(
            loss_single=(1 - self.loss_lambda) * self._contrast(single, key, self.queue),
            loss_dense=self.loss_lambda * self._contrast(_rows(grid), _rows(positives), self.queue2),
        )
        self._dequeue_and_enqueue(key)
        self._dequeue_and_enqueue2(key_mean)
        return losses

    @staticmethod
    def embed(backbone: torch.nn.Module, neck: torch.nn.Module, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Images (N,3,H,W) -> map (N,C,S^2), single (N,D), grid (N,D,S^2) and its mean (N,D), all L2-normalised along C or D."""
        features = backbone(images)
        single, grid, mean = neck(features)
        return tuple(F.normalize(x, dim=1) for x in (features[0].flatten(2), single, grid, mean))

    def _contrast(self, queries: Tensor, positives: Tensor, queue: Tensor) -> Tensor:
        weight = self.head.loss_module.loss_weight
        return weight * contrastive_loss(queries, positives, queue, self.head.temperature)


def _rows(grid: Tensor) -> Tensor:
    """(N,D,S^2) -> (N S^2,D)."""
    return grid.transpose(1, 2).flatten(0, 1)
