"""The image tower of a CLIP model as a backbone: its features are open_clip's, and the preprocessing must be the model's."""

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from mmpretrain.models import ClsDataPreprocessor
from PIL import Image
from tiny_clip import write_tiny_clip

from mmbdg.compat.config import read_config
from mmbdg.embedders.clip_model import clip_model
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.models import OpenCLIPBackbone

open_clip = pytest.importorskip('open_clip')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return str(write_tiny_clip(tmp_path_factory.mktemp('clip')))


@pytest.fixture(scope='module')
def reference(folder):
    return open_clip.create_model(f'local-dir:{folder}').eval()


def built(folder, **keys):
    backbone = OpenCLIPBackbone(folder, **keys)
    backbone.init_weights()
    return backbone


@pytest.fixture(scope='module')
def images():
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('normalize', [True, False])
def test_features_are_those_of_encode_image(folder, reference, images, normalize):
    with torch.no_grad():
        (features,) = built(folder, normalize=normalize).eval()(images)
        expected = reference.encode_image(images, normalize=normalize)
    assert torch.allclose(features, expected, atol=1e-6) and features.shape == (3, 32)
    assert torch.allclose(features.norm(dim=1), torch.ones(3), atol=1e-5) == normalize


def test_only_the_image_tower_is_kept(folder, reference):
    state = built(folder).state_dict()
    assert state.keys() == {f'visual.{key}' for key in reference.visual.state_dict()}
    assert all(torch.equal(value, reference.state_dict()[key]) for key, value in state.items())


def test_recomputed_activations_give_the_same_gradients(folder, images):
    gradients = []
    for with_cp in (False, True):
        backbone = built(folder, with_cp=with_cp).train()
        backbone(images)[0][:, 0].sum().backward()
        gradients.append(backbone.visual.conv1.weight.grad)
    assert gradients[0].abs().sum() > 0 and torch.allclose(*gradients, atol=1e-7)


def test_a_frozen_tower_stays_as_it_is(folder, images):
    backbone = built(folder, frozen=True).train()
    assert not backbone.visual.training and not backbone(images)[0].requires_grad
    assert not [p for p in backbone.parameters() if p.requires_grad]
    assert built(folder).train().visual.training and built(folder)(images)[0].requires_grad


def test_a_tuned_tower_is_read_by_init_cfg(folder, tmp_path):
    tuned = {f'backbone.{key}': value + 1 for key, value in built(folder).state_dict().items()}
    write_safetensors(tmp_path / 'tuned.safetensors', tuned)
    backbone = built(folder, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'tuned.safetensors'), prefix='backbone.'))
    assert all(torch.equal(value, tuned[f'backbone.{key}']) for key, value in backbone.state_dict().items())


def test_images_of_another_size(folder):
    with pytest.raises(InputError, match='takes images of 32 x 32 px, the pipeline gives 64 x 48: resize and crop them'):
        built(folder)(torch.zeros(1, 3, 64, 48))


HALVES = dict(mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True)  # the tiny model's mean and deviation are 0.5


def test_the_preprocessing_must_fit(folder):
    backbone = OpenCLIPBackbone(folder)
    backbone.check_preprocessor(ClsDataPreprocessor(**HALVES))
    backbone.check_preprocessor(ClsDataPreprocessor(**HALVES | dict(mean=[127.52] * 3)))
    for other, message in (
        (dict(mean=[123.675, 116.28, 103.53]), r'trained with mean=\[127.5, 127.5, 127.5\] .* has \[123.675, 116.28, 103.53\]'),
        (dict(std=[58.395, 57.12, 57.375]), r'trained with std=\[127.5, 127.5, 127.5\]'),
        (dict(mean=[0.5] * 3, std=[0.5] * 3), r'has \[0.5, 0.5, 0.5\]'),
        (dict(to_rgb=False), 'takes RGB images, and pipelines load BGR: set model.data_preprocessor.to_rgb=True'),
        (dict(mean=None, std=None), 'trained with mean=.* has none'),
    ):
        with pytest.raises(InputError, match=message):
            backbone.check_preprocessor(ClsDataPreprocessor(**HALVES | other))


@pytest.mark.parametrize('size', [(300, 260), (224, 517), (225, 224), (100, 180)])
def test_the_configs_prepare_images_as_open_clip_does(tmp_path, size):
    """Test pipeline and data preprocessor of configs/clip/vit-b16_*.py against open_clip's transform, from a file of any aspect ratio."""
    cfg = read_config('configs/clip/vit-b16_dtd.py')
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))
    picture.save(tmp_path / 'image.png')
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        packed = Compose(cfg.test_dataloader.dataset.pipeline)(dict(img_path=str(tmp_path / 'image.png'), gt_label=0))
        keys = {key: value for key, value in cfg.model.data_preprocessor.items() if key != 'type'}
        found = ClsDataPreprocessor(**keys)(dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']]))['inputs'][0]
    clip = clip_model(**cfg.clip)
    expected = clip.transform(training=False)(picture)
    assert found.shape == (3, 224, 224) and (found - expected).abs().max() < 1e-5
    assert OpenCLIPBackbone.check_preprocessor(type('Known', (), dict(clip=clip)), ClsDataPreprocessor(**keys)) is None
