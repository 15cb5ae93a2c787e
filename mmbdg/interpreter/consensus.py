"""What an ensemble says together: labels, and how much its members disagree (BigDatasetGAN, section 3.2; DatasetGAN, section 3.3)."""

from collections.abc import Iterable

import torch
from torch import Tensor

from mmbdg.interpreter.labels import entropy, probabilities

VOTES = ('majority', 'mean')


class Consensus:
    """Adds up members' logits a few at a time, so that memory does not grow with the ensemble.

    Args:
        how: How labels are made: "majority" (most members' label; of equals the lower id, so background) or "mean" (largest mean
            probability).

    Raises:
        ValueError: An unknown ``how``.
    """

    def __init__(self, how: str = 'majority') -> None:
        if how not in VOTES:
            raise ValueError(f'labels are voted by "majority" or "mean", got "{how}"')
        self.how, self._members = how, 0

    @classmethod
    def of(cls, parts: Iterable[Tensor], how: str = 'majority') -> 'Consensus':
        """From logits (m,N,C,H,W) of a few members at a time."""
        consensus = cls(how)
        for logits in parts:
            consensus.add(logits)
        return consensus

    def add(self, logits: Tensor) -> None:
        """Logits (m,N,C,H,W) of m more members."""
        for member in logits.to(torch.promote_types(logits.dtype, torch.float32)):
            p = probabilities(member)
            if not self._members:
                self._probability, self._entropy = torch.zeros_like(p), torch.zeros_like(p[:, 0])
                self._ballots = torch.zeros_like(p, dtype=torch.int16) if self.how == 'majority' else None
            self._members += 1
            self._probability += p
            self._entropy += entropy(p)
            if self._ballots is not None:
                label = p.argmax(1, keepdim=True)
                self._ballots.scatter_add_(1, label, torch.ones_like(label, dtype=torch.int16))

    def labels(self) -> Tensor:
        """int64 (N,H,W); with C = 1 ids 0 and 1."""
        return (self._probability if self._ballots is None else self._ballots).argmax(1)

    def disagreement(self) -> Tensor:
        """Jensen-Shannon divergence of the members per pixel: H(mean_m p_m) - mean_m H(p_m), natural logarithm.

        Returns:
            (N,H,W) in nats, from 0 (all agree) to ln 2 for FG/BG, ln min(M, C) for C classes.
        """
        return (entropy(self._probability / self._members) - self._entropy / self._members).clamp(min=0)


def jensen_shannon(logits: Tensor) -> Tensor:
    """Disagreement of an ensemble per pixel, see :meth:`Consensus.disagreement`: (M,N,C,H,W) -> (N,H,W)."""
    return Consensus.of([logits]).disagreement()


def vote(logits: Tensor, how: str = 'majority') -> Tensor:
    """Labels of an ensemble, see :class:`Consensus`: (M,N,C,H,W) -> int64 (N,H,W).

    Raises:
        ValueError: An unknown ``how``.
    """
    return Consensus.of([logits], how).labels()


def image_uncertainty(disagreement: Tensor, top: float = 0.1) -> Tensor:
    """One figure an image: the mean of its most uncertain pixels (DatasetGAN: the top 10 %). (N,H,W) -> (N,)."""
    pixels = disagreement.flatten(1)
    return pixels.topk(max(1, int(pixels.shape[1] * top)), dim=1).values.mean(1)


def ignore_uncertain(labels: Tensor, disagreement: Tensor, above: float | None, ignore: int) -> Tensor:
    """Labels int64 (N,H,W) with ``ignore`` where the disagreement (N,H,W), in nats, is above a bound; None changes nothing."""
    return labels if above is None else labels.masked_fill(disagreement > above, ignore)
