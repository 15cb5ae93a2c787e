"""A generator gets its sizes from the card beside its weights."""

import json

import pytest
import torch
from conftest import TINY_CLASSES, TINY_GENERATOR, TINY_INTERPRETER, build_tiny

from mmbdg.datasets import AnnotatedLatents
from mmbdg.errors import InputError
from mmbdg.files import write_json, write_safetensors
from mmbdg.generators.build import build_generator, generator_sizes
from mmbdg.models import InterpreterTraining

WIDER = dict(TINY_GENERATOR, base_channels=2 * TINY_GENERATOR['base_channels'], latent_dim=2 * TINY_GENERATOR['latent_dim'])


@pytest.fixture
def config(tmp_path):
    """A config with sizes that differ from those of the weights."""
    path = tmp_path / 'generator.safetensors'
    write_safetensors(path, build_tiny(WIDER).state_dict())
    write_json(f'{path}.json', dict(checkpoint='x.pth', iterations=3, config=WIDER))
    return dict(TINY_GENERATOR, init_cfg=dict(type='Pretrained', checkpoint=str(path)))


def test_the_card_counts(config):
    generator = build_generator(config)
    assert generator.latent_dim == WIDER['latent_dim'] and generator.init_cfg == config['init_cfg']
    generator.init_weights()
    model = InterpreterTraining(config, TINY_INTERPRETER)
    assert {key: value for key, value in model.generator_config.items() if key != 'init_cfg'} == json.loads(json.dumps(WIDER))
    sizes = generator_sizes(config)
    assert sizes.latent_dim == WIDER['latent_dim'] and next(sizes.parameters()).is_meta


def test_without_a_card(config, tmp_path):
    (tmp_path / 'generator.safetensors.json').unlink()
    assert build_generator(config).latent_dim == TINY_GENERATOR['latent_dim']
    write_json(tmp_path / 'generator.safetensors.json', dict(checkpoint='x.pth'))  # a card of an earlier version
    assert build_generator(config).latent_dim == TINY_GENERATOR['latent_dim']


def test_annotated_latents_have_the_generators_sizes(config, tmp_path):
    mask = torch.zeros(16, 16).byte().numpy()
    from mmbdg.files import write_npy, write_png

    for i, name in enumerate(TINY_CLASSES):
        mask[:4] = 255
        write_png(tmp_path / 'set' / 'annotations' / 'x' / name / f'{name}_{i}_0.png', mask)
        write_npy(tmp_path / 'set' / 'latents' / 'x' / name / f'{name}_{i}_0.npy', torch.zeros(1, WIDER['latent_dim']).numpy())
    dataset = AnnotatedLatents(str(tmp_path / 'set'), 'x', class_names=TINY_CLASSES, generator=config)
    assert (dataset.latent_dim, dataset.resolution) == (WIDER['latent_dim'], 16) and len(dataset) == 3
    with pytest.raises(InputError, match='needs latent_dim and resolution, or its generator'):
        AnnotatedLatents(str(tmp_path / 'set'), 'x', class_names=TINY_CLASSES)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(config=dict(type='os.system', command='true')), "names the type 'os.system'"),
        (dict(config=dict(type=['mmbdg.BigGAN'])), r"names the type \['mmbdg.BigGAN'\]"),
        (dict(config=dict(type='mmbdg.FeatureInterpreter')), 'names the type'),
        (dict(config=[1]), 'config: Input should be a valid dictionary'),
        ([], 'is not as it should be'),
    ],
)
def test_cards_that_are_refused(config, tmp_path, content, message):
    write_json(tmp_path / 'generator.safetensors.json', content)
    with pytest.raises(InputError, match=message) as refused:
        build_generator(config)
    assert 'generator.safetensors.json' in str(refused.value)
