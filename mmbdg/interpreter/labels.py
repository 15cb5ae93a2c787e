"""Loss, probabilities and entropy of logits, for FG/BG (one logit) and for C classes."""

import torch
from torch import Tensor
from torch.nn import functional as F


def segmentation_loss(logits: Tensor, labels: Tensor, ignore: int = 255) -> Tensor:
    """Mean cross-entropy over the pixels that are not ignored.

    Args:
        logits: Logits, float (N,C,H,W). With C = 1 the logit of the foreground.
        labels: Label ids, int64 (N,H,W). With C = 1 every id above 0 is foreground.
        ignore: Label id of ignored pixels. Default: 255.

    Returns:
        Scalar loss. 0 if every pixel is ignored.
    """
    valid = labels != ignore
    if logits.shape[1] == 1:
        loss = F.binary_cross_entropy_with_logits(logits[:, 0], (labels > 0).to(logits.dtype), reduction='none')
    else:
        loss = F.cross_entropy(logits, torch.where(valid, labels, 0), reduction='none')
    return (loss * valid).sum() / valid.sum().clamp(min=1)


def probabilities(logits: Tensor) -> Tensor:
    """Logits (...,C,H,W) -> probabilities of the same shape. C = 1 gives two channels (background, foreground)."""
    if logits.shape[-3] == 1:
        return torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=-3)
    return logits.softmax(dim=-3)


def entropy(p: Tensor) -> Tensor:
    """Probabilities (...,C,H,W) -> entropy in nats (...,H,W), with 0 log 0 = 0."""
    return torch.special.entr(p).sum(dim=-3)
