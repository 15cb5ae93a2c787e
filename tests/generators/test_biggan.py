import numpy as np
import pytest
import torch
from conftest import TINY_GENERATOR, build_tiny
from torch.nn import functional as F

from mmbdg.generators import BigGAN, largest_singular_values, reestimate_spectral_norm, to_pixels
from mmbdg.generators.layers import ConditionalBatchNorm2d, SelfAttention2d

# Channels @ resolution of each feature and parameters in millions of the published models (BigGAN's table 6; TFHub v2).
PUBLISHED = {
    128: ('1536@8 768@16 384@32 192@64 192@64 96@128', 70.43),
    256: ('1536@8 768@16 768@32 384@64 192@128 192@128 96@256', 82.10),
    512: ('1536@8 768@16 768@32 384@64 384@64 192@128 96@256 96@512', 82.30),
}


@pytest.mark.parametrize('resolution', PUBLISHED)
def test_published_sizes(resolution):
    with torch.device('meta'):
        generator = BigGAN(resolution, spectral_norm=False)
    taps, millions = PUBLISHED[resolution]
    assert ' '.join(f'{info.channels}@{info.resolution}' for info in generator.feature_info) == taps
    assert sum(p.numel() for p in generator.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)
    assert generator.latent_dim == {128: 120, 256: 140, 512: 128}[resolution]


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match='channel_multipliers'):
        BigGAN(64)
    with pytest.raises(ValueError, match='multiple of 4'):
        BigGAN(32, channel_multipliers=(1, 1, 1, 1), latent_dim=10)


def test_hierarchical_latents_reach_their_block_only():
    """The last part of z changes only the last block: the earlier features are equal."""
    generator = build_tiny(TINY_GENERATOR)
    z, y = torch.randn(2, 12), torch.tensor([0, 2])
    changed = z.clone()
    changed[:, -4:] += 1
    (image, features), (image2, features2) = generator.forward_features(z, y), generator.forward_features(changed, y)
    assert all(torch.equal(a, b) for a, b in zip(features[:-1], features2[:-1], strict=True))
    assert not torch.equal(features[-1], features2[-1]) and not torch.equal(image, image2)


def test_conditional_batch_norm_by_hand():
    layer = ConditionalBatchNorm2d(3, 5, bias=True, spectral_norm=False, eps=1e-4)
    x, cond = torch.randn(4, 3, 6, 6), torch.randn(4, 5)
    out = layer(x, cond).detach().numpy()
    a, c = x.numpy(), cond.numpy()
    normal = (a - a.mean((0, 2, 3), keepdims=True)) / np.sqrt(a.var((0, 2, 3), keepdims=True) + 1e-4)
    gain = 1 + c @ layer.gain.weight.detach().numpy().T + layer.gain.bias.detach().numpy()
    bias = c @ layer.bias.weight.detach().numpy().T + layer.bias.bias.detach().numpy()
    np.testing.assert_allclose(out, normal * gain[:, :, None, None] + bias[:, :, None, None], atol=1e-5)


def test_attention_by_hand():
    layer = SelfAttention2d(8, spectral_norm=False)
    layer.gamma.data.fill_(0.7)
    x = torch.randn(1, 8, 4, 4)
    theta, phi, g = (F.conv2d(x, getattr(layer, name).weight) for name in ('theta', 'phi', 'g'))
    query = theta[0].flatten(1).T.detach().numpy()
    key, value = (F.max_pool2d(t, 2)[0].flatten(1).detach().numpy() for t in (phi, g))
    scores = query @ key
    weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    mixed = torch.from_numpy((value @ weights.T).reshape(1, 4, 4, 4))
    torch.testing.assert_close(layer(x), 0.7 * F.conv2d(mixed, layer.o.weight) + x)


def test_pixels():
    values = torch.tensor([-1.0, -1.2, 0.0, 1.0, 1.3, 1 / 127.5 * 2.5 - 1])
    assert to_pixels(values).tolist() == [0, 0, 128, 255, 255, 2]


def test_reestimated_sigma_is_one():
    """After re-estimation sigma is 1 for an average of two sets of weights, which has other singular vectors."""
    generator, other = build_tiny(TINY_GENERATOR), build_tiny(TINY_GENERATOR)
    with torch.no_grad():
        for p, q in zip(generator.parameters(), other.parameters(), strict=True):
            p.lerp_(q, 0.5)
    assert (largest_singular_values(generator) - 1).abs().max() > 0.05
    reestimate_spectral_norm(generator)
    assert (largest_singular_values(generator) - 1).abs().max() < 5e-3
