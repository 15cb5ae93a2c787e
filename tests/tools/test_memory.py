"""Peak memory of the benchmarks."""

import sys

import pytest
import torch
from benchmarks.memory import resident_peaks, weight_bytes

MIB = 2**20


def test_weight_bytes():
    # 8 x 4 weights, 8 biases; 8 gains, 8 biases, 8 means, 8 variances, an int64 counter
    assert weight_bytes(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8))) == 4 * (32 + 8 + 32) + 8


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='reads /proc')
def test_resident_peaks():
    """A peak includes memory that was freed again, but not memory that was in use before."""
    before = torch.ones(64 * MIB // 4)
    peaks = resident_peaks([lambda: torch.ones(128 * MIB // 4), lambda: torch.ones(48 * MIB // 4), lambda: None])
    assert before.sum() == len(before)
    for peak, expected in zip(peaks, (128, 48, 0), strict=True):
        assert expected - 8 <= peak / MIB <= expected + 8
