"""A segmentor as annotator: masks against the network itself, refusals, and its use by tools/annotate.py's rule names."""

import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict

from mmbdg.annotation.rules import import_rule
from mmbdg.annotation.segmentor_rule import SegmentorRule
from mmbdg.errors import InputError
from mmbdg.registry import MODELS

CONFIG = """
default_scope = 'mmseg'
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[100, 110, 120], std=[50, 60, 70], bgr_to_rgb=True, size=(16, 16), pad_val=0, seg_pad_val=255
    ),
    backbone=dict(
        type='mmseg.UNet', base_channels=4, num_stages=2, strides=(1, 1), enc_num_convs=(1, 1), dec_num_convs=(1,), downsamples=(True,),
        enc_dilations=(1, 1), dec_dilations=(1,),
    ),
    decode_head=dict(
        type='mmseg.FCNHead', in_channels=4, in_index=1, channels=4, num_convs=0, concat_input=False, dropout_ratio=0, align_corners=False,
        num_classes=CLASSES, OUT loss_decode=dict(type='mmseg.CrossEntropyLoss', use_sigmoid=SIGMOID),
        init_cfg=dict(type='Normal', std=1.0, override=dict(name='conv_seg')),
    ),
    test_cfg=dict(mode='whole'),
)
"""


def segmentor(folder, classes=3, sigmoid=False, name='seg'):
    """Write a config and its weights; return the rule's name and the network."""
    text = CONFIG.replace('CLASSES', str(classes)).replace('SIGMOID', str(sigmoid))
    config = folder / f'{name}.py'
    config.write_text(text.replace('OUT', 'out_channels=1, threshold=0.5,' if sigmoid else ''))
    torch.manual_seed(3)
    model = MODELS.build(ConfigDict(Config.fromfile(config).model, _scope_='mmseg')).eval()
    model.init_weights()
    model.decode_head.conv_seg.bias.data[0] = 5.0 if classes == 3 else 0.0  # so that both kinds of pixels exist
    torch.save(dict(state_dict=model.state_dict()), folder / f'{name}.pth')
    return f'{config}:{folder / name}.pth', model


@pytest.mark.parametrize(('classes', 'sigmoid'), [(3, False), (2, True)])
def test_masks_are_those_of_the_network(tmp_path, classes, sigmoid):
    name, model = segmentor(tmp_path, classes, sigmoid)
    rule, image = import_rule(name), np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    normalised = (torch.from_numpy(image).float() - torch.tensor([100.0, 110, 120])) / torch.tensor([50.0, 60, 70])  # RGB
    with torch.no_grad():
        logits = model.decode_head.conv_seg(model.backbone(normalised.permute(2, 0, 1)[None])[1])[0]
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
