import math

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmbdg.registry import PARAM_SCHEDULERS


def test_continued_cosine():
    """The scheduler gives DenseCL's learning rates at epochs 150, 175 and 199 of 200."""
    wrapper = OptimWrapper(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.03))
    scheduler = PARAM_SCHEDULERS.build(dict(type='mmbdg.ContinuedCosineLR', optimizer=wrapper, T_max=200, elapsed=150, by_epoch=True))
    seen = []
    for _ in range(50):
        seen.append(wrapper.get_lr()['lr'][0])
        wrapper.step()
        scheduler.step()
    assert [seen[i] for i in (0, 25, 49)] == pytest.approx([0.004393, 0.001142, 0.0000018], abs=1e-6)
    np.testing.assert_allclose(seen, [0.03 * (1 + math.cos(math.pi * (150 + t) / 200)) / 2 for t in range(50)], rtol=1e-9)
