"""Draw a token from logits with a given uniform number, so that the draw is reproducible."""

import torch
from torch import Tensor

from mmbdg.errors import InputError

# Probabilities in steps of 2^-32 and uniform numbers in steps of 2^-24 (as in float32): their sums and products fit into int64 and are
# exact, whereas a cumulative sum of floats depends on the order in which a device adds.
WEIGHT_BITS, UNIFORM_BITS = 32, 24


def check_settings(top_k: int, top_p: float, temperature: float) -> None:
    """Raise InputError unless ``top_k >= 1``, ``0 < top_p <= 1`` and ``temperature > 0``."""
    if top_k < 1:
        raise InputError(f'top_k must be at least 1, the number of most probable tokens to draw from, got {top_k}')
    if not 0 < top_p <= 1:
        raise InputError(f'top_p must lie in (0, 1], 1 to keep all of the top_k tokens, got {top_p}')
    if not temperature > 0:
        raise InputError(f'temperature must be positive, got {temperature}; for the most probable token set top_k=1')


def kept_weights(logits: Tensor, top_k: int, top_p: float, temperature: float) -> tuple[Tensor, Tensor]:
    """Tokens that may be drawn, and their weights.

    First the ``top_k`` most probable tokens are kept (ties: the lower index first). Then the smallest set of the most probable ones is kept
    whose share of their probability exceeds ``top_p`` (nucleus sampling, arXiv 1904.09751); at least one token. The order is the same as in
    the released VQGAN code.

    Args:
        logits: Logits of the tokens, float (N,V).
        top_k: Number of most probable tokens, at least 1.
        top_p: Probability in (0,1]; 1 keeps all ``top_k`` tokens.
        temperature: Divisor of the logits, above 0.

    Returns:
        Tokens, int64 (N,min(top_k,V)), the most probable first; and their weights, int64 of the same shape, proportional to the
        probabilities, 0 for tokens that are not kept.
    """
    logits, tokens = (logits.float() / temperature).sort(dim=1, descending=True, stable=True)
    logits, tokens = logits[:, :top_k], tokens[:, :top_k]
    weights = (logits.softmax(1) * 2**WEIGHT_BITS).long()
    cumulative = weights.cumsum(1)
    before = cumulative - weights
    return tokens, weights.masked_fill(before > top_p * cumulative[:, -1:], 0)


def draw(logits: Tensor, uniforms: Tensor, top_k: int, top_p: float, temperature: float) -> Tensor:
    """Draw one token per row by inverting the cumulative distribution: the same logits and uniform number give the same token.

    Args:
        logits: Logits of the tokens, float (N,V).
        uniforms: Uniform numbers in [0,1), float (N,).
        top_k, top_p, temperature: See :func:`kept_weights`.

    Returns:
        Tokens, int64 (N,).
    """
    tokens, weights = kept_weights(logits, top_k, top_p, temperature)
    cumulative = weights.cumsum(1)
    # A float64 just below 1 becomes 1 in float32.
    steps = (uniforms.float() * 2**UNIFORM_BITS).long().clamp(max=2**UNIFORM_BITS - 1)
    threshold = (steps[:, None] * cumulative[:, -1:]) >> UNIFORM_BITS  # less than the total
    rank = (cumulative <= threshold).sum(1, keepdim=True)
    return torch.gather(tokens, 1, rank)[:, 0]
