"""Draw a token from logits with a given uniform number, so that a sample can be drawn again."""

import torch
from torch import Tensor

from mmbdg.errors import InputError

# Probabilities in steps of 2^-32 and uniforms in steps of 2^-24 (those of float32): their sums and products fit int64 and are exact,
# while a cumulative sum of floats depends on the order in which a device adds.
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
    """The tokens that may be drawn, and how often.

    The ``top_k`` most probable tokens are kept, of equal ones the lower index first. Of these the smallest set whose probability, within
    the ``top_k``, exceeds ``top_p`` (nucleus sampling, arXiv 1904.09751); at least one. In this order they are applied in the released
    VQGAN code, too.

    Args:
        logits: Float (N,V).

    Returns:
        Tokens int64 (N,min(top_k,V)), the most probable first, and their weights int64 of the same shape, proportional to the
        probabilities; 0 for those that are not kept.
    """
    logits, tokens = (logits.float() / temperature).sort(dim=1, descending=True, stable=True)
    logits, tokens = logits[:, :top_k], tokens[:, :top_k]
    weights = (logits.softmax(1) * 2**WEIGHT_BITS).long()
    cumulative = weights.cumsum(1)
    before = cumulative - weights
    return tokens, weights.masked_fill(before > top_p * cumulative[:, -1:], 0)


def draw(logits: Tensor, uniforms: Tensor, top_k: int, top_p: float, temperature: float) -> Tensor:
    """Invert the cumulative distribution of the kept tokens: equal logits and an equal uniform number give an equal token.

    Args:
        logits: Float (N,V).
        uniforms: Float (N,) in [0,1).
        top_k, top_p, temperature: See :func:`kept_weights`.

    Returns:
        Tokens int64 (N,).
    """
    tokens, weights = kept_weights(logits, top_k, top_p, temperature)
    cumulative = weights.cumsum(1)
    # A double just below 1 is 1 as a float.
    steps = (uniforms.float() * 2**UNIFORM_BITS).long().clamp(max=2**UNIFORM_BITS - 1)
    threshold = (steps[:, None] * cumulative[:, -1:]) >> UNIFORM_BITS  # less than the total
    rank = (cumulative <= threshold).sum(1, keepdim=True)
    return torch.gather(tokens, 1, rank)[:, 0]
