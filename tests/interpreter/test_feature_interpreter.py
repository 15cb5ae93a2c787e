import pytest
import torch
from torch.nn import functional as F

from mmbdg.generators import BigGAN
from mmbdg.generators.grouping import group_taps
from mmbdg.interpreter import FeatureInterpreter, InterpreterEnsemble
from mmbdg.registry import MODELS

INFO = [(8, 4), (6, 8), (6, 8), (4, 16)]


def features(n=2):
    return [torch.randn(n, channels, size, size) for channels, size in INFO]


def test_published_size():
    """The head has the released size: 2,245,473 parameters, groups 3072 @ 32, 960 @ 128, 192 @ 512."""
    with torch.device('meta'):
        generator = BigGAN(512)
        head = FeatureInterpreter(generator.feature_info, generator.embed_dim)
    assert [(r, sum(generator.feature_info[i].channels for i in taps)) for r, taps in head.groups] == [(32, 3072), (128, 960), (512, 192)]
    assert sum(p.numel() for p in head.parameters()) == 2_245_473
    assert head.output[-1].weight.shape == (1, 224, 3, 3)


def test_groups():
    assert group_taps([4, 8, 16], (8, 16)) == [(8, [0, 1]), (16, [2])]
    assert group_taps([8, 16, 32], (2, 8, 32)) == [(8, [0]), (32, [1, 2])]  # an empty group is dropped
    with pytest.raises(ValueError, match='reach the finest'):
        group_taps([4, 8, 16], (8,))


def test_reduction_before_upsampling_is_the_published_order():
    head = FeatureInterpreter(INFO, embed_dim=5, groups=(8, 16), widths=(7, 3)).eval()
    taps = features()
    embedding = torch.randn(2, 5)
    # the published order: resize each feature, concatenate, then the 1x1 convolution
    resized = [[F.interpolate(taps[i], size=(r, r), mode='bilinear') for i in members] for r, members in head.groups]
    coarse, fine = (F.conv2d(torch.cat(group, 1), reduce.weight) for group, reduce in zip(resized, head.reduce, strict=True))
    x = torch.cat([F.interpolate(coarse, size=(16, 16), mode='bilinear'), fine], dim=1)
    published = head.output(head.mix[0](x, embedding))
    torch.testing.assert_close(head(taps, embedding), published, atol=1e-5, rtol=0)


def test_conditioned_on_the_class():
    head = FeatureInterpreter(INFO, embed_dim=5, groups=(8, 16), widths=(7, 3)).eval()
    taps = features()
    assert not torch.allclose(head(taps, torch.zeros(2, 5)), head(taps, torch.ones(2, 5)))


@pytest.mark.parametrize('outputs', [1, 4])
@pytest.mark.parametrize('kernel', [1, 3])
def test_outputs(outputs, kernel):
    head = FeatureInterpreter(INFO, embed_dim=5, num_outputs=outputs, widths=(7, 3, 2), out_kernel=kernel)
    assert head(features(), torch.randn(2, 5)).shape == (2, outputs, 16, 16)


def test_ensemble_members_learn_apart():
    """A member's gradient equals that of the member alone on its own part of the batch."""
    ensemble: InterpreterEnsemble = MODELS.build(
        dict(
            type='mmbdg.InterpreterEnsemble',
            num_members=3,
            feature_info=INFO,
            embed_dim=5,
            member=dict(type='mmbdg.FeatureInterpreter', groups=(8, 16), widths=(7, 3), spectral_norm=False),
        )
    )
    taps, embedding = features(6), torch.randn(6, 5)
    ensemble.forward_own(taps, embedding).square().sum().backward()
    gradient = ensemble.members[1].reduce[0].weight.grad.clone()
    ensemble.zero_grad()
    ensemble.members[1]([f[2:4] for f in taps], embedding[2:4]).square().sum().backward()
    torch.testing.assert_close(ensemble.members[1].reduce[0].weight.grad, gradient)
    assert ensemble(taps, embedding).shape == (3, 6, 1, 16, 16)
    assert not torch.equal(ensemble.members[0].reduce[0].weight, ensemble.members[1].reduce[0].weight)
    with pytest.raises(ValueError, match='multiple'):
        ensemble.forward_own([f[:4] for f in taps], embedding[:4])
