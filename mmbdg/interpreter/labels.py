"""From logits to a loss and to probabilities. FG/BG (one logit) and C classes take the same path."""

import torch
from torch import Tensor
from torch.nn import functional as F


def segmentation_loss(logits: Tensor, labels: Tensor, ignore: int = 255) -> Tensor:
    """Mean cross-entropy over the pixels that are not ignored.

    Args:
        logits: float (N,C,H,W); with C = 1 the logit of the foreground.
        labels: int64 (N,H,W); with C = 1 every id but 0 is foreground.
        ignore: Label of pixels that do not count.

    Returns:
        Scalar; 0 if every pixel is ignored.
    """
    valid = labels != ignore
    if logits.shape[1] == 1:
        loss = F.binary_cross_entropy_with_logits(logits[:, 0], (labels > 0).to(logits.dtype), reduction='none')
    else:
        loss = F.cross_entropy(logits, torch.where(valid, labels, 0), reduction='none')
    return (loss * valid).sum() / valid.sum().clamp(min=1)


def probabilities(logits: Tensor) -> Tensor:
    """Logits (...,C,H,W) -> probabilities of the same shape; C = 1 becomes 2 (background, foreground)."""
    if logits.shape[-3] == 1:
        return torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=-3)
    return logits.softmax(dim=-3)


def entropy(p: Tensor) -> Tensor:
    """Probabilities (...,C,H,W) -> entropy in nats (...,H,W), 0 log 0 = 0."""
    return torch.special.entr(p).sum(dim=-3)
