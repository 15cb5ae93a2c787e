"""Our order of operations, in strips or whole, gives the results of the released code's order."""

import pytest
import torch

from mmbdg.interpreter import FeatureInterpreter, PublishedOrderInterpreter

INFO = [(8, 2), (8, 4), (6, 8), (6, 8), (6, 16), (4, 32), (4, 64)]


def both(**options):
    options = dict(feature_info=INFO, embed_dim=5, groups=(4, 16, 64), widths=(7, 5, 3), **options)
    ours, published = FeatureInterpreter(**options), PublishedOrderInterpreter(**options)
    for norm in ours.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    published.load_state_dict(ours.state_dict())
    return ours, published


def inputs(n=2):
    return [torch.randn(n, channels, size, size) for channels, size in INFO], torch.randn(n, 5)


@pytest.mark.parametrize('strip_rows', [1, 5, 16, 63, 64])
@pytest.mark.parametrize('out_kernel', [1, 3])
@pytest.mark.parametrize('stride', [1, 2, 4])
def test_at_rest(strip_rows, out_kernel, stride):
    ours, published = both(strip_rows=strip_rows, out_kernel=out_kernel, stride=stride)
    given = inputs()
    torch.testing.assert_close(ours.eval()(*given), published.eval()(*given), atol=1e-5, rtol=0)


def test_in_training():
    """In training there are no strips, because batch statistics need whole images."""
    ours, published = both(strip_rows=8)
    given = inputs(4)
    torch.testing.assert_close(ours.train()(*given), published.train()(*given), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.output[0].running_mean, published.output[0].running_mean, atol=1e-5, rtol=1e-5)


def test_strips_need_the_rows_around_them():
    """The halo of a strip has the smallest sufficient size: one row less changes the result."""
    ours, published = both(strip_rows=16)
    assert ours.halo == 3
    given = inputs()
    expected = published.eval()(*given)
    ours.eval().halo = 2
    assert (ours(*given) - expected).abs().max() > 1e-3


def test_a_map_out_of_step_is_computed_whole():
    info = [(8, 8), (4, 12), (4, 32)]
    options = dict(feature_info=info, embed_dim=5, groups=(8, 32), widths=(5, 3), strip_rows=4)
    ours, published = FeatureInterpreter(**options).eval(), PublishedOrderInterpreter(**options).eval()
    published.load_state_dict(ours.state_dict())
    given = [torch.randn(1, channels, size, size) for channels, size in info], torch.randn(1, 5)
    assert ours.strip_rows == 32
    torch.testing.assert_close(ours(*given), published(*given), atol=1e-5, rtol=0)


def test_stride_takes_pixels_together():
    ours, _ = both(stride=2)
    assert ours.groups[-1] == (32, [5, 6])
    logits = ours.eval()(*inputs())
    assert logits.shape[-2:] == (64, 64)


def test_stride_must_not_be_coarser_than_the_middle_group():
    with pytest.raises(ValueError, match='coarser than the one before'):
        both(stride=8)
