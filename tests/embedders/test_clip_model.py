"""Descriptions of CLIP models: sizes and preprocessing of published ones, weights from local files, errors of unsuitable ones."""

import json

import pytest
import torch
from cut_clip import write_cut_clip

from mmbdg.embedders import OpenCLIP, build_embedder
from mmbdg.embedders.clip_model import clip_model
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors

open_clip = pytest.importorskip('open_clip')

TINY = dict(
    embed_dim=16,
    vision_cfg=dict(image_size=32, layers=1, width=32, patch_size=16, head_width=16),
    text_cfg=dict(context_length=12, vocab_size=49408, width=8, heads=2, layers=1),
)


@pytest.fixture(scope='module')
def named(tmp_path_factory):
    """Name of a tiny model in open_clip's list, and the model with random weights."""
    path = tmp_path_factory.mktemp('configs') / 'tiny-of-mmbdg.json'
    path.write_text(json.dumps(TINY))
    open_clip.add_model_config(path)
    torch.manual_seed(0)
    return 'tiny-of-mmbdg', open_clip.CLIP(**TINY).eval()


# OpenAI's counts of the whole models. Image towers by hand: patches, class token, positions, norms, layers, projection.
@pytest.mark.parametrize(
    ('name', 'whole', 'width', 'layers', 'patch', 'dim'),
    [
        ('ViT-B-32', 151_277_313, 768, 12, 32, 512),
        ('ViT-B-16', 149_620_737, 768, 12, 16, 512),
        ('ViT-L-14', 427_616_513, 1024, 24, 14, 768),
    ],
)
def test_published_sizes(name, whole, width, layers, patch, dim):
    with torch.device('meta'):
        model = clip_model(model=name).build()
    assert model.visual.proj.is_meta
    assert sum(p.numel() for p in model.parameters()) == whole
    layer = 4 * width**2 + 4 * width + 8 * width**2 + 5 * width + 4 * width
    tower = 3 * patch**2 * width + width + ((224 // patch) ** 2 + 1) * width + 4 * width + layers * layer + width * dim
    assert sum(p.numel() for p in model.visual.parameters()) == tower


def test_the_tag_decides_the_preprocessing():
    clip = clip_model(model='ViT-B-16', pretrained='laion2b_s34b_b88k')
    assert clip.preprocessing == dict(
        size=224,
        mode='RGB',
        mean=[0.48145466, 0.4578275, 0.40821073],
        std=[0.26862954, 0.26130258, 0.27577711],
        interpolation='bicubic',
        resize_mode='shortest',
        fill_color=0,
    )
    assert clip.dim == 512 and clip.image_size == (224, 224) and clip.weights is None


@pytest.mark.parametrize('kind', ['safetensors', 'torch', 'parallel', 'flat scale'])
def test_weights_from_a_file(named, tmp_path, kind):
    name, model = named
    state, path = model.state_dict(), tmp_path / ('weights.safetensors' if kind == 'safetensors' else 'weights.pt')
    if kind == 'safetensors':
        write_safetensors(path, state)
    elif kind == 'torch':
        torch.save(state, path)
    elif kind == 'parallel':  # a checkpoint of open_clip's own training
        torch.save(dict(epoch=3, state_dict={f'module.{key}': value for key, value in state.items()}), path)
    else:  # sizes among the weights, as in OpenAI's files
        torch.save(state | dict(logit_scale=state['logit_scale'].reshape(1), input_resolution=torch.tensor(32)), path)
    loaded = clip_model(model=name, weights=path).load()
    assert not loaded.training and loaded.state_dict().keys() == state.keys()
    assert all(torch.equal(value, state[key]) for key, value in loaded.state_dict().items())
    # The library's own reader gives the same.
    if kind != 'flat scale':
        own = open_clip.create_model(name, pretrained=str(path))
        assert all(torch.equal(value, own.state_dict()[key]) for key, value in state.items())


def test_an_embedder_by_name(named, tmp_path):
    name, model = named
    torch.save(model.state_dict(), tmp_path / 'weights.pt')
    config = dict(type='mmbdg.OpenCLIP', model=name, weights=str(tmp_path / 'weights.pt'))
    embedder = build_embedder(config)
    with torch.no_grad():
        expected = model.encode_text(open_clip.get_tokenizer(name)(['a bag']), normalize=True)
    assert torch.allclose(embedder.texts(['a bag']), expected, atol=1e-6)
    identity = embedder.identity()
    assert identity['config'] == dict(type='mmbdg.OpenCLIP', model=name, pretrained=None) and list(identity['checksums']) == ['weights.pt']


def test_wrong_weights(named, tmp_path):
    name, model = named
    with pytest.raises(InputError, match='needs weights=PATH'):
        clip_model(model=name).load()
    with pytest.raises(InputError, match='there is no checkpoint at'):
        clip_model(model=name, weights=tmp_path / 'none.pt').load()
    wide = open_clip.CLIP(**TINY | dict(vision_cfg=TINY['vision_cfg'] | dict(patch_size=8)))
    write_safetensors(tmp_path / 'wide.safetensors', wide.state_dict())
    with pytest.raises(InputError, match=r'wide.safetensors does not fit CLIP; is it a checkpoint of another architecture\?') as error:
        clip_model(model=name, weights=tmp_path / 'wide.safetensors').load()
    assert 'visual.positional_embedding: (17, 32) in the file, (5, 32) in the model' in str(error.value)
    torch.save(model, tmp_path / 'object.pt')  # a pickled module
    with pytest.raises(InputError, match='object.pt was not loaded: it holds more than tensors and plain values'):
        clip_model(model=name, weights=tmp_path / 'object.pt').load()


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(), 'given by folder=PATH or by model=NAME'),
        (dict(folder='a', model='ViT-B-16'), "got 'a' and 'ViT-B-16'"),
        (dict(model='ViT-B16'), 'open_clip has no model "ViT-B16"; did you mean "ViT-B-16"'),
        (dict(model='ViT-B-16', pretrained='laion'), 'open_clip has no weights "laion" of ViT-B-16; it has .*laion2b_s34b_b88k'),
        (dict(model='ViT-B-16', pretrained='openai'), 'trained with QuickGELU: give model="ViT-B-16-quickgelu"'),
        (dict(model='ViT-B-16-SigLIP'), 'vision_cfg names a model of another library by "timm_model_name"'),
        (dict(folder='/none/at/all'), 'there is no folder /none/at/all with a CLIP model'),
        (dict(folder='mmbdg://fashion32/clip', weights='x.pt'), 'holds its own weights and preprocessing'),
    ],
)
def test_what_cannot_be_described(keys, message):
    with pytest.raises(InputError, match=message):
        clip_model(**keys)


def test_a_folder_of_other_weights(tmp_path):
    folder = write_cut_clip(tmp_path / 'clip')
    write_safetensors(folder / 'open_clip_model.safetensors', open_clip.CLIP(**TINY).state_dict())
    with pytest.raises(InputError, match='open_clip_model.safetensors does not fit CLIP'):
        OpenCLIP(str(folder))
