import numpy as np
import pytest
import torch
from conftest import TINY_GENERATOR

from mmbdg.errors import InputError
from mmbdg.generators.batch_statistics import StandingBatchNorm2d, interpolate_row
from mmbdg.registry import MODELS


@pytest.mark.parametrize('first', [0.0, 0.02])
def test_rows_and_between(first):
    """Interpolated rows match numpy. A truncation on a row gives exactly this row, also with floating point error."""
    rows = 51 if first == 0 else 50
    table = torch.randn(rows, 3)
    grid = np.linspace(first, 1, rows)
    for t in [*grid, *(grid[:-1] + 0.007), 0.333]:
        expected = [np.interp(t, grid, table[:, c].double().numpy()) for c in range(3)]
        np.testing.assert_allclose(interpolate_row(table, float(t), first).numpy(), expected, atol=1e-5)
    for k in range(rows):
        assert torch.equal(interpolate_row(table, round(first + k * 0.02, 2), first), table[k])


@pytest.mark.parametrize('truncation', [0.0, 0.01, 1.0001, -1.0])
def test_outside_the_table(truncation):
    with pytest.raises(InputError, match='from 0.02 to 1'):
        interpolate_row(torch.randn(50, 3), truncation, 0.02)


def test_chosen_statistics_by_hand():
    norm = StandingBatchNorm2d(2, eps=1e-4, rows=50).eval()
    norm.truncation_means.copy_(torch.arange(100.0).view(50, 2))
    norm.truncation_vars.copy_(torch.arange(100.0).view(50, 2) + 1)
    x = torch.randn(1, 2, 3, 3)
    torch.testing.assert_close(norm(x), x / (1 + 1e-4) ** 0.5)  # the running statistics
    norm.use_statistics(0.05)  # halfway between rows 1 and 2: means 3 and 4, variances 4 and 5
    mean, var = torch.tensor([3.0, 4.0])[:, None, None], torch.tensor([4.0, 5.0])[:, None, None]
    torch.testing.assert_close(norm(x), (x - mean) / (var + 1e-4).sqrt())
    norm.train()(x)  # training uses the batch statistics and updates the running ones
    assert norm.running_mean.abs().sum() > 0 and 'chosen_mean' not in norm.state_dict()
    norm.eval().use_statistics(None)
    torch.testing.assert_close(norm(x), (x - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + 1e-4).sqrt())


def test_a_generator_without_tables():
    generator = MODELS.build(TINY_GENERATOR)
    generator.use_statistics(None)
    with pytest.raises(InputError, match='ivclab, tfhub'):
        generator.use_statistics(0.5)


def test_the_tables_reach_every_layer():
    generator = MODELS.build({**TINY_GENERATOR, 'truncation_rows': 50})
    generator.use_statistics(0.5)
    norms = [m for m in generator.modules() if isinstance(m, StandingBatchNorm2d)]
    assert len(norms) == 2 * len(generator.blocks) + 1 and all(norm.chosen_mean is not None for norm in norms)
