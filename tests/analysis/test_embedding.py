import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from mmbdg.analysis.distances.embedding import alignment, uniformity


def test_against_numpy():
    first, second = normalize(torch.randn(9, 5)), normalize(torch.randn(9, 5))
    x, y = first.double().numpy(), second.double().numpy()
    assert alignment(first, second) == pytest.approx(np.mean([np.linalg.norm(a - b) ** 2 for a, b in zip(x, y, strict=True)]))
    potentials = [np.exp(-2 * np.linalg.norm(x[i] - x[j]) ** 2) for i in range(9) for j in range(i)]
    assert uniformity(first) == pytest.approx(np.log(np.mean(potentials)))


def test_closed_forms():
    """Known values for collapsed, opposite and orthogonal rows."""
    same, axes = torch.tensor([[0.6, 0.8]]).expand(5, 2), torch.eye(4)
    assert uniformity(same) == 0 and alignment(same, same) == 0
    assert uniformity(torch.tensor([[1.0, 0], [-1, 0]])) == pytest.approx(-8)
    assert uniformity(axes) == pytest.approx(-4)
    assert alignment(axes, -axes) == 4 and alignment(axes, axes.roll(1, 0)) == pytest.approx(2)


def test_evenly_spread_directions():
    """Evenly distributed directions have the documented uniformity, and independent ones a mean squared distance of 2."""
    dim = 64
    first, second = normalize(torch.randn(2, 2000, dim), dim=2)
    assert uniformity(first) == pytest.approx(-4 + 8 / dim, abs=0.01)
    assert alignment(first, second) == pytest.approx(2, abs=0.03)


def test_nearly_collapsed_rows_keep_their_digits():
    """Distances of 1e-6 between unit rows are exact. Products of float32 rows would lose them."""
    angles = torch.tensor([0.0, 1e-3, 2e-3], dtype=torch.float64)
    rows = torch.stack([angles.cos(), angles.sin()], 1)
    squared = 4 * torch.tensor([0.5e-3, 0.5e-3, 1e-3], dtype=torch.float64).sin() ** 2
    assert uniformity(rows) == pytest.approx((-2 * squared).exp().mean().log().item(), rel=1e-6)
