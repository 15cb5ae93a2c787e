import numpy as np
import pytest
import torch

from mmbdg.interpreter import InterpreterEnsemble, PixelMLP
from mmbdg.interpreter.rows import resize

INFO = [(8, 4), (6, 8), (4, 16)]


def inputs(n=2):
    return [torch.randn(n, channels, size, size) for channels, size in INFO], torch.randn(n, 5)


def test_a_pixel_by_hand():
    """A pixel's logits equal linear, ReLU and normalisation, in DatasetGAN's order, on its column of resized features."""
    mlp = PixelMLP(INFO, num_outputs=3).eval()
    features, embedding = inputs()
    column = np.concatenate([resize(feature, 16)[1, :, 5, 9].numpy() for feature in features])
    for linear, norm in ((mlp.layers[0], mlp.layers[2]), (mlp.layers[3], mlp.layers[5])):
        column = np.maximum(linear.weight.detach().numpy() @ column + linear.bias.detach().numpy(), 0) / np.sqrt(1 + norm.eps)
    expected = mlp.layers[6].weight.detach().numpy() @ column + mlp.layers[6].bias.detach().numpy()
    np.testing.assert_allclose(mlp(features, embedding)[1, :, 5, 9].detach().numpy(), expected, atol=1e-5)


def test_published_size():
    """The layers have the published sizes: 4,224 channels at 512 px."""
    info = [(1536, 8), (768, 16), (768, 32), (384, 64), (384, 64), (192, 128), (96, 256), (96, 512)]
    assert [layer.weight.shape for layer in PixelMLP(info).layers if isinstance(layer, torch.nn.Linear)] == [
        (128, 4224),
        (32, 128),
        (1, 32),
    ]


def test_some_pixels_are_those_of_all():
    mlp = PixelMLP(INFO).eval()
    features, embedding = inputs()
    pixels = torch.stack([torch.randperm(256)[:40] for _ in range(2)])
    pixels[:, :4] = torch.tensor([0, 15, 240, 255])  # the corners
    some = mlp(features, embedding, pixels)
    assert some.shape == (2, 1, 1, 40)
    torch.testing.assert_close(some[:, 0, 0], mlp(features, embedding)[:, 0].flatten(1).gather(1, pixels), atol=1e-5, rtol=0)


def test_neither_class_nor_neighbours_count():
    mlp = PixelMLP(INFO[-1:]).eval()
    feature = torch.randn(1, 4, 16, 16)
    other = feature.clone()
    other[:, :, 3, 3] += 1
    changed = (mlp([feature], torch.zeros(1, 5)) != mlp([other], torch.ones(1, 5))).nonzero()
    assert changed.tolist() == [[0, 0, 3, 3]]


@pytest.mark.parametrize('sampled', [False, True])
def test_in_an_ensemble(sampled):
    ensemble = InterpreterEnsemble(dict(type='mmbdg.PixelMLP'), num_members=3, feature_info=INFO, embed_dim=5)
    pixels = [torch.randint(0, 256, (6, 10))] if sampled else []
    assert ensemble.forward_own(*inputs(6), *pixels).shape == ((6, 1, 1, 10) if sampled else (6, 1, 16, 16))
