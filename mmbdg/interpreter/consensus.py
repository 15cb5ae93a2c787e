"""Labels and disagreement of an ensemble (BigDatasetGAN, section 3.2; DatasetGAN, section 3.3)."""

from collections.abc import Iterable

import torch
from torch import Tensor

from mmbdg.interpreter.labels import entropy, probabilities

VOTES = ('majority', 'mean')


class Consensus:
    """Accumulates the logits of the members a few at a time. The memory does not grow with the size of the ensemble.

    Args:
        how: Voting rule: "majority" (the label of most members; a tie gives the lower id) or "mean" (the label with the
            largest mean probability). Default: "majority".

    Raises:
        ValueError: An unknown ``how``.
    """

    def __init__(self, how: str = 'majority') -> None:
        if how not in VOTES:
            raise ValueError(f'the voting rule must be "majority" or "mean", got "{how}"')
        self.how, self._members = how, 0

    @classmethod
    def of(cls, parts: Iterable[Tensor], how: str = 'majority') -> 'Consensus':
        """Create a consensus from logits (m,N,C,H,W) of a few members at a time."""
        consensus = cls(how)
        for logits in parts:
            consensus.add(logits)
        return consensus

    def add(self, logits: Tensor) -> None:
        """Add the logits (m,N,C,H,W) of m more members."""
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
        """Return the label ids int64 (N,H,W). With C = 1 the ids are 0 and 1."""
        return (self._probability if self._ballots is None else self._ballots).argmax(1)

    def disagreement(self) -> Tensor:
        """Jensen-Shannon divergence of the members per pixel: H(mean_m p_m) - mean_m H(p_m), natural logarithm.

        Returns:
            (N,H,W) in nats: 0 (all members agree) to ln 2 for FG/BG, to ln min(M, C) for C classes.
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
    """Uncertainty of each image: the mean over its most uncertain pixels (DatasetGAN: the top 10 %). (N,H,W) -> (N,)."""
    pixels = disagreement.flatten(1)
    return pixels.topk(max(1, int(pixels.shape[1] * top)), dim=1).values.mean(1)


def ignore_uncertain(labels: Tensor, disagreement: Tensor, above: float | None, ignore: int) -> Tensor:
    """Set labels int64 (N,H,W) to ``ignore`` where the disagreement (N,H,W) in nats exceeds ``above``.

    With ``above=None`` the labels stay unchanged.
    """
    return labels if above is None else labels.masked_fill(disagreement > above, ignore)
