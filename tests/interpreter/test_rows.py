import pytest
import torch
from torch.nn import functional as F

from mmbdg.interpreter.rows import in_step, resize, resized_rows


@pytest.mark.parametrize('source', [4, 8, 16, 32, 64])
@pytest.mark.parametrize('rows', [(0, 16), (0, 5), (3, 9), (7, 8), (11, 16)])
def test_rows_of_a_resized_map(source, rows):
    x, weight = torch.randn(2, 3, source, source), torch.randn(5, 3, 1, 1)
    expected = resize(F.conv2d(x, weight), 16)[:, :, slice(*rows)]
    torch.testing.assert_close(resized_rows(x, 16, *rows, lambda part: F.conv2d(part, weight)), expected, atol=1e-6, rtol=0)


def test_resizing_is_torchs():
    x = torch.randn(1, 2, 8, 8)
    torch.testing.assert_close(resize(x, 16), torch.nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False)(x))


def test_in_step():
    assert in_step(8, 32) and in_step(32, 8) and not in_step(12, 32)
