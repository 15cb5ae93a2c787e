import numpy as np
import pytest
import torch
from conftest import TINY_GENERATOR, TINY_INTERPRETER, TINY_VQGAN, with_tables
from scipy import stats

from mmbdg.errors import InputError
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator, Truncation, generator_inputs, latent, select_statistics

T = 0.6
DISTRIBUTIONS = {
    'resampled': stats.truncnorm(-T, T),
    'scaled_truncnorm': stats.truncnorm(-2, 2, scale=T),
    'scaled_normal': stats.norm(scale=T),
}


@pytest.mark.parametrize('definition', DISTRIBUTIONS)
def test_distribution(definition):
    """Latents of each truncation definition pass the Kolmogorov-Smirnov test for their distribution and for no other."""
    z = latent(0, 1, 2, 20_000, dict(threshold=T, definition=definition))
    for name, distribution in DISTRIBUTIONS.items():
        p = stats.kstest(z, distribution.cdf).pvalue
        assert p > 0.01 if name == definition else p < 1e-6


def test_a_number_is_the_papers():
    assert Truncation.of(0.9) == Truncation(0.9, 'resampled') and Truncation.of(0.9).plain == 0.9
    assert Truncation.of(None) is None
    other = Truncation.of(dict(threshold=0.5, definition='scaled_truncnorm'))
    assert Truncation.of(other.plain) == other and Truncation.of(other) is other


@pytest.mark.parametrize(
    ('value', 'statistics'),
    [
        (0.9, None),
        (dict(threshold=0.9, definition='scaled_normal'), None),
        (dict(threshold=0.5, definition='scaled_truncnorm'), 0.5),
        (dict(threshold=0.5, definition='scaled_truncnorm', statistics='untruncated'), None),
    ],
)
def test_statistics_go_with_the_definition(value, statistics):
    assert Truncation.of(value).statistics_of == statistics


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (0, 'positive'),
        (-0.5, 'positive'),
        (True, 'positive'),
        ('0.9', 'positive'),
        (float('nan'), 'positive'),
        (float('inf'), 'finite'),
        (dict(threshold=1.2, definition='scaled_truncnorm'), 'at most 1, got 1.2'),
        (dict(threshold=0.5, definition='clamped'), 'resampled, scaled_truncnorm, scaled_normal'),
        (dict(threshold=0.5, statistics='all'), 'untruncated'),
        (dict(value=0.5), 'threshold'),
    ],
)
def test_bad_values(value, message):
    with pytest.raises(InputError, match=message):
        Truncation.of(value)


def test_beyond_one_where_it_is_defined():
    assert np.abs(latent(0, 0, 0, 5000, 1.5)).max() <= 1.5
    latent(0, 0, 0, 5, dict(threshold=1.5, definition='scaled_normal'))


def test_uniform_latents():
    z = latent(0, 1, 2, 20_000, distribution='uniform')
    assert z.dtype == np.float32 and z.min() >= 0 and z.max() < 1
    assert stats.kstest(z, 'uniform').pvalue > 0.01
    with pytest.raises(InputError, match='top_k, top_p'):
        latent(0, 1, 2, 4, 0.9, 'uniform')


@torch.no_grad()
def test_sampler_and_statistics_change_together():
    generator = with_tables()
    truncation = dict(threshold=0.5, definition='scaled_truncnorm')
    z, y = generator_inputs(generator, 0, [0, 1], [0, 0], truncation)
    plain = generator(z, y)
    select_statistics(generator, truncation)
    assert (generator(z, y) - plain).abs().max() > 0.05
    select_statistics(generator, 0.9)
    assert torch.equal(generator(z, y), plain)


def labelled(generator: dict, truncation: object) -> LabelledGenerator:
    names = tuple('abc')
    interpreter = {**TINY_INTERPRETER, 'member': dict(type='mmbdg.FeatureInterpreter', widths=(6, 4, 3))}
    return LabelledGenerator(generator, interpreter, names, names, truncation=truncation)


def test_labelled_generators_refuse_what_their_weights_cannot():
    with pytest.raises(InputError, match='no batch statistics'):
        labelled(TINY_GENERATOR, dict(threshold=0.5, definition='scaled_truncnorm'))
    with pytest.raises(InputError, match='not defined for VQGAN'):
        labelled(TINY_VQGAN, 0.9)
    ours = labelled(TINY_GENERATOR, dict(threshold=0.5, definition='scaled_normal'))
    ours.truncation = 0.7
    assert ours.truncation == 0.7


@pytest.mark.parametrize('config', [TINY_VQGAN, dict(type='mmbdg.DCGAN', resolution=16, latent_dim=8, base_channels=4)])
def test_labelled_samples_of_other_generators(config):
    names = tuple('abc')[: MODELS.build(config).num_classes]
    interpreter = {**TINY_INTERPRETER, 'member': dict(type='mmbdg.FeatureInterpreter', widths=(6, 4, 3))}
    ours = LabelledGenerator(config, interpreter, names, names, truncation=None)
    image, mask = ours.sample('a', 1)
    assert image.shape == (ours.resolution, ours.resolution, 3) and mask.shape == image.shape[:2]
    assert np.array_equal(image, ours.sample(0, 1)[0]) and not np.array_equal(image, ours.sample(0, 2)[0])
