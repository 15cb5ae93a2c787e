"""Features of a dataset are those of its encoder, and a linear probe on them is as accurate as scikit-learn's logistic regression."""

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.compat.config import read_config
from mmbdg.datasets import EncodedImages, FashionMNIST32
from mmbdg.embedders import build_embedder
from mmbdg.engine.launch import build_runner
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors

open_clip = pytest.importorskip('open_clip')

FEW = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.03, pipeline=[dict(type='mmpretrain.PackInputs')])
CLIP = 'mmbdg://fashion32/clip'
ENCODER = dict(
    type='mmpretrain.ImageClassifier',
    data_preprocessor=dict(type='ClsDataPreprocessor', mean=[56.1] * 3, std=[84.15] * 3, to_rgb=True),
    backbone=dict(type='mmbdg.OpenCLIPBackbone', folder=CLIP),
    _scope_='mmpretrain',
)


def test_features_are_those_of_the_embedder():
    encoded, images = EncodedImages(FEW, ENCODER, batch_size=7, device='cpu'), FashionMNIST32('test', label_fraction=0.03)
    expected = build_embedder(dict(type='mmbdg.OpenCLIP', folder=CLIP)).images([images[i]['img'] for i in range(len(images))])
    assert len(encoded) == len(images) == 30 and torch.allclose(encoded.features, expected, atol=1e-5)
    item = encoded[4]
    assert torch.equal(item['inputs'], encoded.features[4]) and int(item['data_samples'].gt_label) == images[4]['gt_label']
    assert encoded.metainfo['class_names'] == images.metainfo['class_names'] and not encoded.features.requires_grad


def test_features_of_a_tuned_tower(tmp_path):
    state = read_state_dict('mmbdg/assets/fashion32/clip/open_clip_model.safetensors', 'visual.')
    other = {f'backbone.visual.{key}': value.roll(1) if key == 'proj' else value for key, value in state.items()}
    write_safetensors(tmp_path / 'tuned.safetensors', other | {'head.fc.bias': torch.zeros(10)})
    tuned = EncodedImages(FEW, ENCODER, str(tmp_path / 'tuned.safetensors'), device='cpu').features
    plain = EncodedImages(FEW, ENCODER, device='cpu').features
    # All numbers move by one place; the first column is filled from the last column of the row above, so it alone has other values.
    assert not torch.allclose(tuned, plain, atol=1e-3)
    unscaled = EncodedImages(FEW, ENCODER | dict(backbone=ENCODER['backbone'] | dict(normalize=False)), device='cpu').features
    again = EncodedImages(
        FEW, ENCODER | dict(backbone=ENCODER['backbone'] | dict(normalize=False)), str(tmp_path / 'tuned.safetensors'), device='cpu'
    ).features
    assert torch.allclose(again[:, 1:], unscaled[:, :-1], atol=1e-4)
    write_safetensors(tmp_path / 'small.safetensors', {'backbone.visual.proj': torch.zeros(3, 3)})
    with pytest.raises(InputError, match='small.safetensors does not fit OpenCLIPBackbone'):
        EncodedImages(FEW, ENCODER, str(tmp_path / 'small.safetensors'), device='cpu')


def test_the_preprocessing_of_the_encoder_must_fit():
    other = ENCODER | dict(data_preprocessor=ENCODER['data_preprocessor'] | dict(mean=[123.675, 116.28, 103.53]))
    with pytest.raises(InputError, match=r'was trained with mean=\[56.1, 56.1, 56.1\]'):
        EncodedImages(FEW, other, device='cpu')


def test_a_linear_probe_is_as_accurate_as_scikit_learns(tmp_path):
    """The probe of configs/clip on 3,000 garments, without weight decay, against the unregularised logistic regression."""
    linear_model = pytest.importorskip('sklearn.linear_model', reason='pip install scikit-learn')
    options = {'epochs': 50, 'learning_rate': 3.0, '+train_dataloader.dataset.dataset.label_fraction': 0.3}
    cfg = read_config('configs/clip/probe_fashion32.py', options)
    cfg.work_dir, cfg.launcher = str(tmp_path), 'none'
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        runner = build_runner(cfg)
        runner.train()
        accuracy = runner.test()['accuracy/top1']
    train, test = (loop.dataloader.dataset for loop in (runner.train_loop, runner.test_loop))
    labels, truth = (np.array([int(sample.gt_label) for sample in encoded.samples]) for encoded in (train, test))
    assert len(labels) == 3000 and len(truth) == 1000
    reference = linear_model.LogisticRegression(C=1e4, max_iter=3000).fit(train.features.numpy(), labels)
    expected = 100 * reference.score(test.features.numpy(), truth)
    assert abs(accuracy - expected) <= 1.0, (accuracy, expected)
    with torch.no_grad():
        predicted = runner.model.head.fc(test.features).argmax(1).numpy()
    assert (predicted == truth).mean() * 100 == pytest.approx(accuracy, abs=1e-3)
    assert (predicted == reference.predict(test.features.numpy())).mean() > 0.9
