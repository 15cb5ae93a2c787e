"""A segmentor as annotator: masks against the network itself, refusals, and its use by tools/annotate.py's rule names."""

import numpy as np
import pytest
from tiny_segmentor import logits_of, write_segmentor

from mmbdg.annotation.rules import import_rule
from mmbdg.annotation.segmentor_rule import SegmentorRule
from mmbdg.errors import InputError


def segmentor(folder, *args, **kwargs):
    """Write a segmentor; return the rule's name and the network."""
    config, weights, model = write_segmentor(folder, *args, **kwargs)
    return f'{config}:{weights}', model


@pytest.mark.parametrize(('classes', 'sigmoid'), [(3, False), (2, True)])
def test_masks_are_those_of_the_network(tmp_path, classes, sigmoid):
    name, model = segmentor(tmp_path, classes, sigmoid)
    rule, image = import_rule(name), np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    (logits,) = logits_of(model, image[None])
    foreground = (logits[0].sigmoid() if sigmoid else logits.softmax(0)[1:].sum(0)).numpy()
    assert 0.02 < (foreground > 0.5).mean() < 0.98
    for threshold in (0.5, 0.2, 0.8):
        assert np.array_equal(rule(image, threshold), foreground > threshold)
    assert np.array_equal(rule(image), foreground > 0.5)
    assert rule(image).dtype == bool


def test_refusals(tmp_path):
    name, _ = segmentor(tmp_path)
    rule = import_rule(name)
    for wrong in (np.zeros((16, 16), np.uint8), np.zeros((16, 16, 3), np.float32)):
        with pytest.raises(ValueError, match=r'takes uint8 \(H,W,3\)'):
            rule(wrong)
    with pytest.raises(InputError, match='no config|there is no'):
        import_rule(f'{tmp_path}/other.py:{tmp_path}/seg.pth')
    with pytest.raises(InputError, match='missing.pth'):
        import_rule(f'{tmp_path}/seg.py:{tmp_path}/missing.pth')
    other, _ = segmentor(tmp_path, 5, name='five')
    with pytest.raises(InputError, match='conv_seg'):
        SegmentorRule(str(tmp_path / 'seg.py'), str(tmp_path / 'five.pth'))
    (tmp_path / 'classifier.py').write_text(
        "model = dict(type='mmpretrain.ImageClassifier', data_preprocessor=dict(type='mmpretrain.ClsDataPreprocessor'), "
        "backbone=dict(type='mmpretrain.LeNet5', num_classes=2))"
    )
    with pytest.raises(InputError, match='is ImageClassifier, not a segmentor'):
        import_rule(f'{tmp_path}/classifier.py:{tmp_path}/seg.pth')


def test_images_that_the_preprocessor_pads(tmp_path):
    """A mask has the size of the image, without the padding."""
    name, _ = segmentor(tmp_path)
    config = tmp_path / 'seg.py'
    config.write_text(config.read_text().replace('pad_val=0,', 'pad_val=0, test_cfg=dict(size_divisor=16),'))
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    assert import_rule(name)(image[:12, :10]).shape == (12, 10)
