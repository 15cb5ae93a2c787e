"""Heads and segmentor for many labels."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample

from mmbdg.errors import InputError
from mmbdg.models import ASPPHead, FCNHead
from mmbdg.registry import MODELS

LABELS, IGNORE = 11, 255
ASPP = dict(in_channels=8, in_index=0, channels=8, num_classes=LABELS, dilations=(1, 2), align_corners=False)
FCN = dict(in_channels=8, in_index=0, channels=8, num_classes=LABELS, num_convs=1, concat_input=False, align_corners=False)
BACKBONE = dict(type='mmseg.ResNet', depth=18, stem_channels=8, base_channels=1, num_stages=4, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))


def truth(height=24, width=16):
    sample = SegDataSample(metainfo=dict(img_shape=(height, width), ori_shape=(height, width)))
    sample.gt_sem_seg = PixelData(data=torch.arange(height * width).reshape(1, height, width) % LABELS)
    return sample


@pytest.mark.parametrize(('kind', 'arguments'), [(ASPPHead, ASPP), (FCNHead, FCN)])
def test_loss_at_a_stride(kind, arguments):
    """At stride 1 the loss is mmseg's; at the stride of the logits it is that of one pixel of each cell, without upsampling."""
    logits, samples = torch.randn(2, LABELS, 3, 2), [truth(), truth()]
    with DefaultScope.overwrite_default_scope('mmseg'):
        head = kind(**arguments)
        plain = kind.__mro__[2](**arguments)
        plain.load_state_dict(head.state_dict())
        torch.testing.assert_close(head.loss_by_feat(logits, samples), plain.loss_by_feat(logits, samples))
        head.loss_stride = 8
        found = head.loss_by_feat(logits, samples)
    labels = samples[0].gt_sem_seg.data[0, 4::8, 4::8]
    torch.testing.assert_close(found['loss_ce'], torch.nn.functional.cross_entropy(logits, labels.expand(2, 3, 2)))


def test_a_stride_that_is_none():
    with pytest.raises(InputError, match='loss_stride must be a whole number'):
        ASPPHead(loss_stride=0, **ASPP)


@pytest.fixture(scope='module')
def segmentors():
    """The same network as ``mmbdg.ManyLabelSegmentor`` and as ``mmseg.EncoderDecoder``."""
    config = dict(
        backbone=BACKBONE,
        decode_head=dict(type='mmbdg.ASPPHead', **ASPP | dict(in_index=3, norm_cfg=dict(type='BN'))),
        test_cfg=ConfigDict(mode='whole'),
    )
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmseg'):
        own = MODELS.build(dict(type='mmbdg.ManyLabelSegmentor', **config)).eval()
        plain = EncoderDecoder(**config).eval()
    plain.load_state_dict(own.state_dict())
    return own, plain


@pytest.mark.parametrize('chunk_numbers', [1, 24 * 20 * 5, 10**9])
def test_predictions_of_mmseg(segmentors, chunk_numbers, monkeypatch):
    """Labels in chunks of two, of five (the last of six) and of all: always those of mmseg, at each image's size, flipped images too."""
    own = segmentors[0]
    own.chunk_numbers = chunk_numbers
    images, logits = torch.randn(2, 3, 20, 24), torch.randn(2, LABELS, 3, 3)  # those of an untrained network are all alike
    for network in segmentors:
        monkeypatch.setattr(network.decode_head, 'forward', lambda features: logits)
    metas = [
        dict(ori_shape=(13, 17), img_shape=(20, 24), flip=True, flip_direction='horizontal'),
        dict(ori_shape=(20, 24), img_shape=(20, 24)),
    ]
    with torch.no_grad():
        found, expected = (network.predict(images, [SegDataSample(metainfo=meta) for meta in metas]) for network in segmentors)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.pred_sem_seg.data, other.pred_sem_seg.data) and 'seg_logits' not in one
    assert len(found[0].pred_sem_seg.data.unique()) > 3 and found[0].pred_sem_seg.data.shape == (1, 13, 17)


@pytest.mark.parametrize(('labels', 'step', 'expected'), [(11, 5, [0, 5]), (10, 5, [0, 5]), (12, 5, [0, 5, 10]), (3, 2, [0]), (4, 9, [0])])
def test_chunks_have_two_labels_at_least(segmentors, labels, step, expected):
    assert segmentors[0]._starts(labels, step) == expected


def test_only_a_few_logits_are_upsampled(segmentors, monkeypatch):
    own, _ = segmentors
    own.chunk_numbers, sizes = 20 * 24 * 3, []
    whole = own.decode_head.predict_by_feat
    monkeypatch.setattr(own.decode_head, 'predict_by_feat', lambda logits, metas: sizes.append(logits.shape[1]) or whole(logits, metas))
    with torch.no_grad():
        own.predict(torch.randn(1, 3, 20, 24), [SegDataSample(metainfo=dict(ori_shape=(20, 24), img_shape=(20, 24)))])
    assert sizes == [3, 3, 3, 2]
