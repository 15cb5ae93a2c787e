"""The zero-shot head against open_clip's builder; its losses and predictions; fine-tuning; checks against the data."""

import json

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import DefaultScope
from mmpretrain.datasets import categories
from mmpretrain.structures import DataSample
from tiny_clip import write_tiny_clip
from torch.nn import functional as F

from mmbdg.assets import resolve
from mmbdg.compat.config import read_config
from mmbdg.datasets import FashionMNIST32, ImageFolder
from mmbdg.embedders import ZeroShotClassifier, build_embedder
from mmbdg.embedders.zero_shot import read_templates
from mmbdg.engine.clip_checks import clip_problems
from mmbdg.errors import InputError
from mmbdg.models import ZeroShotHead
from mmbdg.sources.class_list import ClassList

open_clip = pytest.importorskip('open_clip')

CLASSES = [dict(id='n1', name='crane', sense='bird'), dict(id='n2', name='crane'), dict(id='n3', name='bag')]
TEXTS = ['crane (bird)', 'crane', 'bag']
TEMPLATES = ['a photo of a {}.', 'i love my {}!', '{}']


@pytest.fixture(autouse=True)
def _mmpretrain():
    """Parts without a scope are those of mmpretrain; other tests may have left another scope."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        yield


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return str(write_tiny_clip(tmp_path_factory.mktemp('clip')))


@pytest.fixture(scope='module')
def by_hand(folder):
    """Model and zero-shot weights (D,K) by open_clip's public functions."""
    model = open_clip.create_model(f'local-dir:{folder}').eval()
    tokenizer = open_clip.get_tokenizer(f'local-dir:{folder}', bpe_path=f'{folder}/bpe_merges.txt.gz')
    return model, open_clip.build_zero_shot_classifier(model, tokenizer, TEXTS, TEMPLATES)


def classifier(folder, classes=CLASSES, **preprocessing):
    config = dict(
        type='ImageClassifier',
        data_preprocessor=dict(type='ClsDataPreprocessor', **dict(mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True) | preprocessing),
        backbone=dict(type='mmbdg.OpenCLIPBackbone', folder=folder),
        head=dict(type='mmbdg.ZeroShotHead', folder=folder, classes=classes, templates=TEMPLATES),
    )
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = ROOT_MODELS.build(config)
    model.init_weights()
    return model


def test_weights_are_those_of_open_clips_builder(folder, by_hand):
    """Two classes with the same name in the file but another sense have weights of their own."""
    head = ZeroShotHead(CLASSES, TEMPLATES, folder)
    assert isinstance(head.fc.weight, torch.nn.Parameter) and not torch.equal(head.fc.weight, by_hand[1].T)
    head.init_weights()
    model, weights = by_hand
    assert torch.allclose(head.fc.weight, model.logit_scale.exp() * weights.T, atol=1e-5)
    assert head.fc.bias.abs().max() == 0 and head.fc.weight.requires_grad
    assert head.num_classes == 3 and head.in_channels == 32 and head.class_ids == ('n1', 'n2', 'n3')
    assert not torch.allclose(head.fc.weight[0], head.fc.weight[1])


def test_loss_and_predictions_by_hand(folder, by_hand):
    model, (clip, weights) = classifier(folder), by_hand
    pixels = [torch.from_numpy(np.random.default_rng(i).integers(0, 256, (3, 32, 32), dtype=np.uint8)) for i in range(4)]
    samples = [DataSample().set_gt_label(label) for label in (0, 2, 1, 1)]
    data = model.data_preprocessor(dict(inputs=pixels, data_samples=samples))
    inputs = torch.stack([(image.flip(0) / 255 - 0.5) / 0.5 for image in pixels])  # BGR, as OpenMMLab loads
    assert torch.allclose(data['inputs'], inputs, atol=1e-6)
    with torch.no_grad():
        logits = clip.logit_scale.exp() * clip.encode_image(inputs, normalize=True) @ weights
        losses = model(data['inputs'], data['data_samples'], mode='loss')
        predicted = model(data['inputs'], data['data_samples'], mode='predict')
    assert losses['loss'].item() == pytest.approx(F.cross_entropy(logits, torch.tensor([0, 2, 1, 1])).item(), rel=1e-5)
    assert torch.allclose(torch.stack([sample.pred_score for sample in predicted]), logits.softmax(1), atol=1e-5)
    assert [int(sample.pred_label) for sample in predicted] == logits.argmax(1).tolist()


def test_all_parameters_are_tuned_in_one_group(folder):
    """As in the released code: one group, weight decay on biases and norms too; the text tower is not part of the model."""
    cfg, model = read_config('configs/clip/vit-b16_aircraft.py'), classifier(folder)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    (group,) = wrapper.optimizer.param_groups
    assert type(wrapper.optimizer) is torch.optim.AdamW
    assert (group['lr'], group['betas'], group['weight_decay'], group['eps']) == (1e-5, (0.9, 0.95), 0.1, 1e-8)
    assert {id(p) for p in group['params']} == {id(p) for p in model.parameters()} and len(group['params']) == len(model.state_dict())
    assert wrapper.clip_grad_kwargs == dict(max_norm=1.0)
    batch = dict(inputs=torch.zeros(4, 3, 32, 32, dtype=torch.uint8), data_samples=[DataSample().set_gt_label(1) for _ in range(4)])
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.train_step(batch, wrapper)
    # Adam's first step changes every number by at most the learning rate, besides weight decay.
    changed = {key: (value - before[key]).abs().max().item() for key, value in model.state_dict().items()}
    assert changed['head.fc.weight'] > 5e-6 and changed['head.fc.bias'] > 5e-6 and changed['backbone.visual.conv1.weight'] > 0
    assert all(value < 1.2e-5 + 1e-6 * before[key].abs().max() for key, value in changed.items())


@pytest.mark.parametrize('name', ['imagenet', 'dtd', 'aircraft', 'cars', 'flowers'])
def test_numbers_of_the_published_recipe(name):
    """Numbers of the released code of "The Unmet Promise", adapt/conf and adapt/src/models."""
    tuned, probe = read_config(f'configs/clip/vit-b16_{name}.py'), read_config(f'configs/clip/probe_vit-b16_{name}.py')
    imagenet = name == 'imagenet'
    (schedule,) = tuned.param_scheduler
    assert (tuned.optim_wrapper.optimizer.lr, tuned.train_cfg.max_epochs) == ((1e-6, 10) if imagenet else (1e-5, 30))
    assert (schedule.warmup, schedule.T_max, tuned.train_dataloader.batch_size) == (500, tuned.train_cfg.max_epochs, 512)
    (schedule,) = probe.param_scheduler
    optimizer, epochs = probe.optim_wrapper.optimizer, probe.train_cfg.max_epochs
    assert (optimizer.lr, optimizer.weight_decay, epochs) == ((1e-3, 0, 40) if imagenet else (1e-2, 0.1, 200))
    assert (schedule.warmup, schedule.T_max, probe.train_dataloader.batch_size) == (200, epochs, 256)
    assert probe.model.head.num_classes == len(ClassList(tuned.model.head.classes))
    assert probe.train_dataloader.dataset.dataset.type == tuned.test_dataloader.dataset.type
    # Nothing is chosen on the test set.
    assert tuned.get('val_dataloader') is None or tuned.val_dataloader.dataset.split == 'val' != tuned.test_dataloader.dataset.split


def test_classes_and_templates_of_the_published_datasets():
    lists = {name: ClassList(f'mmbdg://clip/{name}/classes.json') for name in ('imagenet', 'dtd', 'aircraft', 'cars', 'flowers')}
    assert lists['imagenet'].names == tuple(open_clip.IMAGENET_CLASSNAMES) and lists['imagenet'].ids == ClassList('in1k').ids
    for name, known in (('dtd', 'DTD'), ('aircraft', 'FGVCAIRCRAFT'), ('cars', 'STANFORDCARS')):
        assert lists[name].names == getattr(categories, f'{known}_CATEGORIES')
    assert len(lists['flowers']) == 102 and lists['flowers'].names[0] == 'pink primrose' and lists['flowers'].ids[101] == '101'
    templates = {name: read_templates(f'mmbdg://clip/{name}/templates.txt') for name in lists}
    assert {name: len(texts) for name, texts in templates.items()} == dict(imagenet=80, dtd=8, aircraft=2, cars=8, flowers=1)
    assert templates['imagenet'] == [template('{}') for template in open_clip.OPENAI_IMAGENET_TEMPLATES]
    twice = [name for name in lists['imagenet'].names if lists['imagenet'].names.count(name) > 1]
    assert sorted(set(twice)) == ['missile', 'sunglasses'] and len(set(lists['imagenet'].ids)) == 1000


@pytest.mark.parametrize(
    ('templates', 'message'),
    [
        (['a photo'], 'exactly one {} for the class, got "a photo"'),
        (['{} and {}'], 'exactly one {}'),
        ([], 'there is no template'),
        ('none.txt', 'none.txt'),
    ],
)
def test_bad_templates(folder, templates, message):
    with pytest.raises((InputError, OSError), match=message):
        ZeroShotHead(CLASSES, templates, folder)


def test_templates_of_a_file(folder, tmp_path):
    path = tmp_path / 'templates.txt'
    path.write_text('a photo of a {}.\n\n  i love my {}!\n{}\n')
    assert ZeroShotHead(CLASSES, str(path), folder).templates == TEMPLATES
    embedder = build_embedder(dict(type='mmbdg.OpenCLIP', folder=folder))
    assert torch.equal(ZeroShotClassifier(embedder, ['bag'], str(path)).weights, ZeroShotClassifier(embedder, ['bag'], TEMPLATES).weights)
    path.write_text('a photo of a {}.\na photo\n')
    with pytest.raises(InputError, match='templates.txt: a template has exactly one {} for the class, got "a photo"'):
        ZeroShotHead(CLASSES, str(path), folder)


def problems(dataset, model):
    return list(clip_problems([dataset], model))


def test_the_head_has_the_classes_of_the_data(folder):
    garments = FashionMNIST32('test', label_fraction=0.02)
    assert not problems(garments, classifier(folder, 'fashion32'))
    (problem,) = problems(garments, classifier(folder))
    assert problem.startswith('model.head.classes has 3 classes, FashionMNIST32 has 10')
    unnamed = type('Flowers102', (), dict(metainfo={}, get_gt_labels=lambda self: np.array([0, 3])))()  # mmpretrain gives no names
    (problem,) = problems(unnamed, classifier(folder))
    assert problem == 'model.head.classes has 3 classes, but Flowers102 has images of class 3'
    (problem,) = problems(garments, classifier(folder, 'fashion32', mean=[123.675, 116.28, 103.53]))
    assert 'was trained with mean=[127.5, 127.5, 127.5]' in problem


def test_backbone_and_head_are_of_one_model(folder):
    model = classifier(folder)
    assert not problems(None, model)
    model.backbone.normalize = False
    assert problems(None, model) == ['the zero-shot head compares vectors of length 1: set model.backbone.normalize=True']
    other = classifier(folder)
    other.head = ZeroShotHead(CLASSES, TEMPLATES, 'mmbdg://fashion32/clip')
    (problem,) = problems(None, other)
    assert problem.startswith(f'model.backbone is of the CLIP model {folder} (') and problem.endswith('they must be the same')


def test_folders_are_named_by_the_ids_of_the_classes(folder, tmp_path):
    from PIL import Image

    for name in ('n1', 'n2', 'n3'):
        (tmp_path / name).mkdir()
        Image.new('RGB', (32, 32)).save(tmp_path / name / '0.png')
    (tmp_path / 'classes.json').write_text(json.dumps(dict(classes=CLASSES)))
    model = classifier(folder)
    (tmp_path / 'images').mkdir()
    for name in ('n1', 'n2', 'n3'):
        (tmp_path / name).rename(tmp_path / 'images' / name)
    images = ImageFolder(str(tmp_path / 'images'), str(tmp_path / 'classes.json'))
    assert list(images.get_gt_labels()) == [0, 1, 2] and not problems(images, model)
    (problem,) = problems(ImageFolder(str(tmp_path / 'images'), ['n2', 'n1', 'n3']), model)
    assert 'class 0 of ImageFolder is the folder "n2", class 0 of model.head.classes has the id "n1"' in problem
    assert resolve('mmbdg://clip/dtd/classes.json').is_file()
