"""How good an embedding is, without labels: alignment and uniformity (Wang and Isola, ICML 2020)."""

import math

import torch
from torch import Tensor


def alignment(first: Tensor, second: Tensor) -> float:
    """Mean squared distance between the two views of an image (equation 1, alpha = 2).

    Args:
        first: float (N,D), each row of length one.
        second: float (N,D), of the same images in the same order.

    Returns:
        0 (both views of every image are the same) to 4; unrelated directions have 2.
    """
    return (first.double() - second.double()).square().sum(1).mean().item()


def uniformity(features: Tensor) -> float:
    """Logarithm of the mean Gaussian potential of all pairs of different rows (equation 2, t = 2).

    Args:
        features: float (N,D) with N at least 2, each row of length one, of different images.

    Returns:
        0 (all rows are the same) down to -8 (two rows that are opposite); directions spread evenly over the sphere have about
        -4 + 8 / D.
    """
    squared = torch.pdist(features.double()).square()
    return (torch.logsumexp(-2 * squared, dim=0) - math.log(len(squared))).item()
