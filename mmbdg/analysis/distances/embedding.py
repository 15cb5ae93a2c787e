"""Quality of an embedding without labels: alignment and uniformity (Wang and Isola, ICML 2020)."""

import math

import torch
from torch import Tensor


def alignment(first: Tensor, second: Tensor) -> float:
    """Mean squared distance between the two views of an image (equation 1, alpha = 2).

    Args:
        first: Features of the first views, float (N,D), rows of length 1.
        second: Features of the second views, float (N,D), same images in the same order.

    Returns:
        Value from 0 (both views of every image are equal) to 4. Unrelated directions give 2.
    """
    return (first.double() - second.double()).square().sum(1).mean().item()


def uniformity(features: Tensor) -> float:
    """Logarithm of the mean Gaussian potential of all pairs of different rows (equation 2, t = 2).

    Args:
        features: Features of different images, float (N,D), N at least 2, rows of length 1.

    Returns:
        Value from 0 (all rows are equal) down to -8 (two opposite rows). Directions spread evenly over the sphere give about -4 + 8 / D.
    """
    squared = torch.pdist(features.double()).square()
    return (torch.logsumexp(-2 * squared, dim=0) - math.log(len(squared))).item()
