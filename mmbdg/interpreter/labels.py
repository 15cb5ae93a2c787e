"""From logits to a loss, to labels, and to how much an ensemble disagrees. FG/BG (one logit) and C classes take the same path."""

import torch
from torch import Tensor
from torch.nn import functional as F


def ignore_label(num_labels: int) -> int:
    """Label of pixels that count nowhere: 255 beside up to 254 labels (uint8 masks), 65535 beside more (uint16)."""
    return 255 if num_labels <= 254 else 65535


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


def jensen_shannon(logits: Tensor) -> Tensor:
    """Disagreement of an ensemble per pixel: H(mean_m p_m) - mean_m H(p_m) (BigDatasetGAN, section 3.2).

    Args:
        logits: (M,N,C,H,W) of M members.

    Returns:
        (N,H,W) in nats, from 0 (all agree) to ln 2 for FG/BG, ln min(M, C) for C classes.
    """
    p = probabilities(logits)
    return (entropy(p.mean(0)) - entropy(p).mean(0)).clamp(min=0)


def image_uncertainty(disagreement: Tensor, top: float = 0.1) -> Tensor:
    """One figure an image: the mean of its most uncertain pixels (DatasetGAN: the top 10 %). (N,H,W) -> (N,)."""
    pixels = disagreement.flatten(1)
    return pixels.topk(max(1, int(pixels.shape[1] * top)), dim=1).values.mean(1)


def vote(logits: Tensor, how: str = 'majority') -> Tensor:
    """Labels of an ensemble.

    Args:
        logits: (M,N,C,H,W).
        how: "majority" (most members' label; of equals the lower id, so background) or "mean" (largest mean probability).

    Returns:
        int64 (N,H,W); with C = 1 ids 0 and 1.

    Raises:
        ValueError: An unknown ``how``.
    """
    p = probabilities(logits)
    if how == 'mean':
        return p.mean(0).argmax(1)
    if how == 'majority':
        classes = p.shape[2]
        ballots = p.argmax(2)  # (M,N,H,W)
        return torch.stack([(ballots == c).sum(0) for c in range(classes)]).argmax(0)
    raise ValueError(f'labels are voted by "majority" or "mean", got "{how}"')
