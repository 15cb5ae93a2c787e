"""Training of a table of codes: straight-through gradients, and codes as moving averages of the vectors nearest to them."""

import torch
from mmengine.dist import all_reduce, broadcast
from torch import Tensor, nn

from mmbdg.errors import InputError
from mmbdg.generators.vqgan_layers import VectorQuantizer


def straight_through(vectors: Tensor, codes: Tensor) -> Tensor:
    """The codes as values, with the gradient of the vectors (VQ-VAE, arXiv 1711.00937, section 3.2).

    Args:
        vectors: Output of the encoder, float, any shape.
        codes: Nearest codes, float of the same shape.
    """
    return vectors + (codes - vectors).detach()


class CodebookAverage(nn.Module):
    """Learns the codes of a :class:`~mmbdg.generators.vqgan_layers.VectorQuantizer` without a gradient.

    A code is the mean of the vectors nearest to it, over batches with exponentially decreasing weights (VQ-VAE, arXiv 1711.00937, appendix
    A.1). A code that is nearest to too few vectors is dead: it is replaced by a random vector of the batch (as in Jukebox, arXiv
    2005.00341, section 3). All codes start as random vectors of the first batch. In a distributed training all processes have the same
    codes; replacements are vectors of the first process.

    Args:
        n_embed: Number of codes K.
        code_dim: Size D of a code.
        decay: Weight of the past in the averages, in (0,1). Default: 0.99.
        restart_below: Average number of nearest vectors per batch below which a code is replaced; 0: never. A new code starts with twice
            this number, at least 1. Default: 0.5.

    Raises:
        InputError: A value is out of range.
    """

    def __init__(self, n_embed: int, code_dim: int, decay: float = 0.99, restart_below: float = 0.5) -> None:
        super().__init__()
        if not 0 < decay < 1 or not restart_below >= 0:
            raise InputError(
                f'model.codebook: decay lies in (0,1), restart_below is a number of at least 0; got {decay!r} and {restart_below!r}'
            )
        self.decay, self.restart_below = decay, restart_below
        self.register_buffer('counts', torch.zeros(n_embed))
        self.register_buffer('sums', torch.zeros(n_embed, code_dim))
        self.register_buffer('started', torch.zeros((), dtype=torch.bool))

    @torch.no_grad()
    def start(self, quantize: VectorQuantizer, vectors: Tensor) -> None:
        """Set all codes to random vectors, if this is the first batch.

        Args:
            quantize: Table of codes; changed in place.
            vectors: float (N,D).
        """
        if not self.started:
            self._replace(quantize, torch.ones_like(self.counts, dtype=torch.bool), vectors)
            self.started.fill_(True)

    @torch.no_grad()
    def update(self, quantize: VectorQuantizer, vectors: Tensor, tokens: Tensor) -> None:
        """Move the codes towards the vectors of a batch.

        Args:
            quantize: Table of codes; changed in place.
            vectors: float (N,D).
            tokens: Index of the code nearest to each vector, int64 (N,).
        """
        counts = torch.zeros_like(self.counts).index_add_(0, tokens, torch.ones_like(vectors[:, 0]))
        sums = torch.zeros_like(self.sums).index_add_(0, tokens, vectors)
        all_reduce(counts)
        all_reduce(sums)
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        dead = self.counts < self.restart_below
        alive = ~dead & (self.counts > 0)  # without restarts, a code that was never nearest keeps its place
        quantize.embedding.weight[alive] = self.sums[alive] / self.counts[alive, None]
        if dead.any():
            self._replace(quantize, dead, vectors)

    def _replace(self, quantize: VectorQuantizer, which: Tensor, vectors: Tensor) -> None:
        chosen = vectors[torch.randint(len(vectors), (int(which.sum()),), device=vectors.device)].contiguous()
        broadcast(chosen)
        count = max(1.0, 2 * self.restart_below)
        quantize.embedding.weight[which] = chosen
        self.counts[which], self.sums[which] = count, chosen * count
