"""Training of codes: the straight-through gradient, moving averages and replacements by hand."""

import numpy as np
import pytest
import torch

from mmbdg.errors import InputError
from mmbdg.generators.vqgan_layers import VectorQuantizer
from mmbdg.models.codebook import CodebookAverage, straight_through


def table(codes: np.ndarray) -> VectorQuantizer:
    quantize = VectorQuantizer(*codes.shape)
    quantize.embedding.weight.data = torch.from_numpy(codes).float()
    return quantize.requires_grad_(False)


def test_straight_through():
    """Values of the codes; the gradient of the squared error of y = 3 q at the codes reaches the vectors: 2 * 3 * (3 q - target)."""
    vectors, codes = torch.tensor([[1.0, 2.0], [-1.0, 0.5]], requires_grad=True), torch.tensor([[1.5, 2.0], [-1.0, 0.0]])
    target = torch.tensor([[4.0, 6.0], [0.0, 0.0]])
    quantised = straight_through(vectors, codes)
    assert torch.equal(quantised, codes)
    (3 * quantised - target).square().sum().backward()
    assert vectors.grad.tolist() == [[3.0, 0.0], [-18.0, 0.0]]


def test_averages_by_hand():
    """Two batches: counts, sums and codes as in numpy; a code without vectors decays but stays."""
    start = np.array([[0.0, 0.0], [4.0, 4.0], [-9.0, -9.0]])
    average, quantize = CodebookAverage(3, 2, decay=0.9, restart_below=0), table(start)
    average.started.fill_(True)
    average.counts.fill_(1)
    average.sums.copy_(torch.from_numpy(start))
    counts, sums = np.ones(3), start.copy()
    for seed in (0, 1):
        vectors = np.random.default_rng(seed).normal(2, 2, (7, 2)).clip(-2, 9).astype(np.float32)
        codes = quantize.embedding.weight.numpy().copy()
        nearest = ((vectors[:, None] - codes) ** 2).sum(2).argmin(1)
        assert set(nearest) == {0, 1}
        tokens = quantize.nearest(torch.from_numpy(vectors).t()[None, :, None]).flatten()
        assert tokens.tolist() == nearest.tolist()
        average.update(quantize, torch.from_numpy(vectors), tokens)
        for k in range(3):
            counts[k] = 0.9 * counts[k] + 0.1 * (nearest == k).sum()
            sums[k] = 0.9 * sums[k] + 0.1 * vectors[nearest == k].sum(0)
        np.testing.assert_allclose(average.counts.numpy(), counts, rtol=1e-5)
        np.testing.assert_allclose(quantize.embedding.weight.numpy(), sums / counts[:, None], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(quantize.embedding.weight[2].numpy(), [-9, -9], rtol=1e-5)


def test_dead_codes_are_replaced():
    """The second code is nearest to nothing: its average falls from 1 to 0.5, below 0.6, so it becomes a vector of the batch."""
    average, quantize = CodebookAverage(2, 1, decay=0.5, restart_below=0.6), table(np.array([[0.0], [100.0]]))
    average.started.fill_(True)
    average.counts.fill_(1)
    average.sums.copy_(quantize.embedding.weight)
    vectors = torch.tensor([[1.0], [2.0], [3.0]])
    average.update(quantize, vectors, torch.zeros(3, dtype=torch.int64))
    assert quantize.embedding.weight[0].item() == pytest.approx(3 / 2)  # (0 + 6) / 2 over (1 + 3) / 2
    new = quantize.embedding.weight[1].item()
    assert new in (1.0, 2.0, 3.0)
    assert average.counts[1].item() == pytest.approx(1.2) and average.sums[1].item() == pytest.approx(1.2 * new)


def test_the_first_batch():
    """All codes start as vectors of the first batch, once."""
    average, quantize = CodebookAverage(4, 2), table(np.full((4, 2), 7.0))
    vectors = torch.arange(6.0).view(3, 2)
    average.start(quantize, vectors)
    first = quantize.embedding.weight.clone()
    assert all(any(torch.equal(code, vector) for vector in vectors) for code in first)
    average.start(quantize, vectors + 100)
    assert torch.equal(quantize.embedding.weight, first) and average.started


@pytest.mark.parametrize('wrong', [dict(decay=1.0), dict(decay=0), dict(restart_below=-1), dict(restart_below=float('nan'))])
def test_wrong_values(wrong):
    with pytest.raises(InputError, match=r'model.codebook: decay lies in \(0,1\)'):
        CodebookAverage(4, 2, **wrong)
